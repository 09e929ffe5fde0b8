// A real executor on a stage: its tasks say when they run, are held until they are let go, and are
// held against the model after each step. Nothing sleeps and nothing is timed; what must come is
// awaited for a minute.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "fuzz/model/pool_model.h"
#include "poolproof/executor.h"

namespace poolproof::fuzz::model {

// How long what must come is awaited: a minute. Once something has not come, RapidCheck tries many
// shorter lists, and those that fail too shall not take a minute each.
std::chrono::milliseconds patience();
// RC_FAILs, since something has not come.
[[noreturn]] void give_up(const std::string& what);

class Stage {
 public:
  explicit Stage(const Pool& model);
  ~Stage();  // kills what is left
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  Executor& executor() { return executor_; }

  // Of the task with the next number of the model.
  void submit(const Task& task);
  // How submit fails now; none: it does not.
  std::optional<End> refusal_of(const Task& task);

  void let_go(std::size_t task);  // thaws it first
  void freeze(std::size_t task);  // and sees it stopped
  void strike(std::size_t task, int signal) const;
  // SIGKILL to the idle worker that ran `task`; returns once the pool must have noticed.
  void strike_at_rest(std::size_t task);
  void heard();  // returns once the pool has done what it was asked before
  const Future<int>& future(std::size_t task) const { return futures_.at(task); }
  int worker_of(std::size_t task) const { return runs_.at(task).back(); }

  // Awaits what the model says has begun or ended, and compares; what it says is queued must be
  // pending. RC_FAILs.
  void follow(const Pool& model);
  // The same for this one alone.
  void follow_end(const Pool& model, std::size_t task);
  // After shutdown: each has run as often as the model says, and nothing else has.
  void check_runs(const Pool& model);

 private:
  void await_runs(std::size_t task, int count);
  bool seen_frozen(std::size_t task);
  void check_worker(std::size_t i, const Task& task, const Failure& failure, bool frozen) const;
  bool hear(int timeout_ms);

  std::string folder_;
  int arrivals_ = -1;
  std::vector<int> gates_;
  std::vector<Future<int>> futures_;
  std::vector<bool> compared_;
  std::vector<std::vector<int>> runs_;  // of each task: the workers that began it
  Executor executor_;                   // last: its workers end before the rest goes
};

// How a future that must end within a minute did.
struct Ended {
  End end = End::kValue;
  int value = 0;
  Failure failure = {};
};
Ended end_of(Future<int>& future);
std::string to_string(End end);

}  // namespace poolproof::fuzz::model
