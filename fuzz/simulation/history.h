// One history: a pool on a simulated system, from its first submit to its end, judged at every
// step.
#pragma once

#include <string>
#include <vector>

#include "executor/supervise/loop.h"
#include "fuzz/simulation/choices.h"
#include "fuzz/simulation/program.h"
#include "fuzz/simulation/strikes.h"

namespace poolproof::simulation {

class History : private supervise::Outlet {
 public:
  History(const Plan& plan, Choices& choices);
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  // The law that was broken; empty: none.
  std::string run();
  const std::string& record() const { return facts_.record.bytes(); }

 private:
  struct Move {
    What what = What::kTurn;
    int who = 0;
  };

  void live();
  void recover();
  bool step(bool chosen);
  void find_moves();
  void find_quiet_moves();
  void make(const Move& move);
  void turn();
  bool may_strike();
  void submit_next();
  void shut_down();
  void end_open();

  void settle(TaskId task, supervise::Outcome outcome) override;
  void pool_ended(const Failure& why) override;
  void tell_health(std::uint64_t ticket, Health health) override;
  void worker_ended(const WorkerRef& worker) override;
  void task_begun(TaskId task, const WorkerRef& worker) override;

  Choices& choices_;
  Facts facts_;
  Judge judge_;
  Kernel kernel_;
  supervise::Inbox inbox_;
  Program program_;
  Strikes strikes_;
  std::optional<supervise::Loop> loop_;
  std::vector<Move> moves_;
  std::size_t submitted_ = 0;
  bool end_asked_ = false, submit_in_drain_ = false;
  int turns_ = 0;  // in a row, with no other event
  int strikes_left_ = 0;
};

}  // namespace poolproof::simulation
