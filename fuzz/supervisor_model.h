// A small sequential model of a pool. It gets every input and every order of the supervisor. It
// knows what the laws allow, and reports an order that breaks one.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "executor/supervise/supervisor.h"

namespace poolproof::supervise {

class SupervisorModel {
 public:
  struct Worker {
    int index = 0;
    TaskId task = 0;  // what it was offered and has not ended
    bool was_sent_initializer = false;
    bool began_initializer = false;
    bool said_hello = false;
    bool claimed = false;  // it said so, of `task`
    bool asked_back = false;
    bool killed = false;
    bool hung_up = false;  // sends nothing any more
    bool ended = false;    // its exit was reported
    bool kill_failed = false;
    bool abandoned = false;  // as ordered
  };
  struct TaskFacts {
    bool ended = false;
    int claims = 0;   // ever, by any holder
    int retries = 0;  // how often it may be offered again after a claim
  };

  explicit SupervisorModel(int workers) : most_workers_(workers) {}

  // Call it for each input, in the order in which the supervisor takes them.
  void told(const Input& input);
  // Call it for each order. Returns the law that the order breaks; nullopt if it breaks none.
  std::optional<std::string> ordered(const Order& order);

  const std::map<WorkerId, Worker>& workers() const { return workers_; }
  Worker& worker(WorkerId id) { return workers_.at(id); }
  const std::map<TaskId, TaskFacts>& tasks() const { return tasks_; }
  bool finished() const { return finished_; }

 private:
  void heard(WorkerId id, const transport::Frame& frame);
  std::optional<std::string> spawn(const SpawnWorker& order);
  std::optional<std::string> send(const SendFrame& order);
  std::optional<std::string> settle(const SettleTask& order);
  std::optional<std::string> forget(const ForgetWorker& order);
  std::optional<std::string> check(const Health& health) const;
  std::optional<std::string> finish();

  int most_workers_;                    // the last requested number
  std::map<WorkerId, Worker> workers_;  // not yet forgotten
  std::map<TaskId, TaskFacts> tasks_;
  std::set<WorkerId> seen_;
  bool pool_ended_ = false;
  bool finished_ = false;
};

}  // namespace poolproof::supervise
