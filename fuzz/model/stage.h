// Drives a real executor: its tasks report when they run, are held until they are released, and are
// compared with the model after each step. Nothing sleeps and nothing is timed; an event that must
// come is awaited for a minute.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "fuzz/model/pool_model.h"
#include "poolproof/executor.h"

namespace poolproof::fuzz::model {

// How long an event that must come is awaited: a minute. Once an event has not come, RapidCheck
// tries many shorter lists, and these must not take a minute each if they fail too.
std::chrono::milliseconds patience();
// RC_FAILs, because an event has not come.
[[noreturn]] void give_up(const std::string& what);

class Stage {
 public:
  explicit Stage(const Pool& model);
  ~Stage();  // kills what is left
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  Executor& executor() { return executor_; }

  // Submits the task with the next number of the model.
  void submit(const Task& task);
  // How submit fails now; nullopt: it does not.
  std::optional<End> refusal_of(const Task& task);

  void let_go(std::size_t task);  // continues it first
  void freeze(std::size_t task);  // and waits until it is stopped
  void strike(std::size_t task, int signal) const;
  // Sends SIGKILL to the idle worker that ran `task`; returns once the pool must have noticed.
  void strike_at_rest(std::size_t task);
  void heard();  // returns once the pool has done everything that was requested before
  const Future<int>& future(std::size_t task) const { return futures_.at(task); }
  int worker_of(std::size_t task) const { return runs_.at(task).back(); }

  // Waits for what has begun or ended according to the model, and compares; what is queued there
  // must be pending. RC_FAILs.
  void follow(const Pool& model);
  // The same for only this task.
  void follow_end(const Pool& model, std::size_t task);
  // After shutdown: each task has run as often as the model says, and nothing else has.
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
  // Last: its workers end before the other members are destroyed.
  Executor executor_;
};

// How a future ended that had to end within a minute.
struct Ended {
  End end = End::kValue;
  int value = 0;
  Failure failure = {};
};
Ended end_of(Future<int>& future);
std::string to_string(End end);

}  // namespace poolproof::fuzz::model
