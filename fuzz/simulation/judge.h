// Compares what the supervisor does and says with the truth, at every step. The first law that is
// broken is noted in Facts::broken.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "fuzz/simulation/facts.h"

namespace poolproof::simulation {

class Judge {
 public:
  explicit Judge(Facts& facts) : facts_(facts) {}
  Judge(const Judge&) = delete;
  Judge& operator=(const Judge&) = delete;

  // What it does. judge_deeds.cc
  void spawns(const Process& process);
  void orders(Process& process, FrameKind kind, TaskId task);  // a message, before it is written
  void reads(Process& process);                                // Process::read has grown
  void kills(Process& process);
  void fails_to_kill(Process& process);
  void forgets(Process& process);  // although its record was not taken
  void reaps(Process& process);
  void sleeps(std::optional<Instant> until);
  void ends_turn();

  // What it says. judge_words.cc
  void settles(TaskId task, const supervise::Outcome& outcome);
  void ends_pool(const Failure& why);
  void tells(const Health& health, bool last);
  void is_over();  // the history is over; nothing may be left

  // A complete message that a worker wrote.
  void said(Process& process, FrameKind kind, TaskId task, bool honest);

 private:
  unsigned reasons_to_kill(const Process& process) const;
  std::optional<Instant> must_look_at(const Process& process) const;
  bool may_wait_for_time() const;
  void holds_queue_order(const TaskFacts& next);
  void gives_back(Process& process, TaskId task);
  bool is_idle(const Process& process) const;
  bool has_ended_unplanned(const Process& process) const;
  void note_loss(Process& process);
  void must_have_ended_pool() const;
  std::string value_is_wrong(const TaskFacts& task, const Bytes& value) const;
  std::string failure_is_wrong(TaskId id, const TaskFacts& task, const Failure& failure) const;
  bool lacked_memory(const TaskFacts& task, const Process& holder, const Failure& failure) const;
  std::string loss_is_wrong(const TaskFacts& task, const Failure& failure) const;
  std::string deadline_is_wrong(const TaskFacts& task, const Failure& failure) const;
  std::string kill_is_wrong(const TaskFacts& task, const Failure& failure, unsigned reason) const;
  std::string kill_is_told_wrong(const Process& process, const Failure& failure) const;
  bool may_be_left(const Process& process) const;
  std::string blame_is_wrong(const Process& process, const Failure& failure) const;
  const Process& holder_of(const TaskFacts& task) const {
    return facts_.processes[static_cast<std::size_t>(task.holder)];
  }
  const Process* named_by(const WorkerRef& worker) const;

  Facts& facts_;
};

// Why a worker cannot serve, in its own words.
inline constexpr const char* kRefusalText = "getsockopt: refused";

// What the body of this task returns.
Bytes value_of(TaskId task, bool large = false);

}  // namespace poolproof::simulation
