// The tasks that have not ended: which of them wait, in what order, until when, and which worker
// holds the others.
//
// Plain bookkeeping for the supervisor's thread. Every operation is O(1), or O(log n) with a
// deadline.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "executor/os/os.h"
#include "executor/transport/frame.h"

namespace poolproof::supervise {

using os::Instant;
using WorkerId =
    std::uint64_t;  // one process; never used again, unlike its place in the pool. 0: none

struct Task {
  TaskId id = 0;
  transport::SharedPayload payload;  // dropped at the claim, because it is never sent again
  std::optional<Instant> deadline;
  WorkerId holder = 0;                                     // 0: it waits
  std::optional<std::chrono::nanoseconds> run_limit = {};  // counted from each claim
  int retries = 0;             // how often it may still be run again after a claim
  bool started = false;        // its holder has claimed it
  bool ran = false;            // some holder has, now or before
  bool unwanted = false;       // cancelled while a worker held it
  bool kill_if_begun = false;  // the task must end even if that worker claims it
  int lost_unclaimed = 0;      // workers that died with it before they claimed it
};

class Tasks {
 public:
  void add(Task task);
  Task* find(TaskId id);
  // Gives the next waiting task to `holder`; null if none waits.
  Task* hand_out(WorkerId holder);
  // Puts it back to the front of the queue, with no holder and not started.
  void put_back(Task& task);
  // Removes a task that has ended.
  void remove(TaskId id);

  std::size_t waiting() const { return waiting_; }
  bool empty() const { return all_.empty(); }
  std::vector<TaskId> all_waiting() const;
  std::vector<TaskId> all() const;

  // The tasks whose deadline has come; each is returned once.
  std::vector<TaskId> take_expired(Instant now);
  std::optional<Instant> next_deadline() const;

 private:
  std::unordered_map<TaskId, Task> all_;
  std::deque<TaskId> queue_;  // may hold ids of ended tasks; these are skipped at their turn
  std::size_t waiting_ = 0;
  std::set<std::pair<Instant, TaskId>> deadlines_;
};

}  // namespace poolproof::supervise
