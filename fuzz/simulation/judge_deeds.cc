// What the supervisor may do, and until when it may sleep.
#include <algorithm>

#include "fuzz/simulation/judge.h"

namespace poolproof::simulation {

void Judge::spawns(const Process& process) {
  int others = 0;
  if (process.index < 0 || process.index >= facts_.wanted) {
    facts_.breaks("a worker in a place that the pool does not have");
  }
  for (const Process& other : facts_.processes) {
    if (&other == &process || other.gone()) continue;
    ++others;
    if (other.index == process.index) facts_.breaks("two workers in one place");
  }
  if (others >= facts_.wanted) facts_.breaks("more workers than were asked for");
  if (facts_.pool_end) facts_.breaks("a worker is started for a pool that has ended");
}

void Judge::orders(Process& process, FrameKind kind, TaskId id) {
  // If its channel is narrow, a request from before the kill may still be on its way.
  const bool slow = process.struck || process.at_once != Process::kLots;
  const bool queued = slow && kind == FrameKind::kWithdraw;
  if (process.kill_called && !queued) {
    facts_.breaks("a message to a worker that it has killed");
  }
  TaskFacts* task = facts_.find(id);
  switch (kind) {
    case FrameKind::kOffer:
      if (task == nullptr || task->settled > 0) return facts_.breaks("an offer of an ended task");
      if (task->cancel_asked) facts_.breaks("an offer of a task that was cancelled");
      if (!process.hello_at) facts_.breaks("an offer before the hello");
      if (process.task != 0) facts_.breaks("two tasks at a time");
      if (process.stop_at) facts_.breaks("an offer to a worker that was asked to stop");
      if (!slow && process.rights != facts_.rights) {
        facts_.breaks("a task for a worker with rights that the program has given up");
      }
      if (facts_.pool_end) facts_.breaks("an offer in a pool that has ended");
      if (task->holder >= 0 && holder_of(*task).reaped == 0)
        facts_.breaks("a task is offered while another worker holds it");
      if (task->starts > task->plan.retries) facts_.breaks("L6: a task that has run is run again");
      holds_queue_order(*task);
      process.task = id;
      process.offered_at = process.moved_at = facts_.now;
      process.sent_at.reset();
      process.claim_at.reset();
      process.asked_back = false;
      process.claimed = 0;
      task->holder = process.number;
      task->replied = task->waits = false;
      ++task->offers;
      break;
    case FrameKind::kWithdraw:
      // It is read late if it is behind an offer that is sent in parts.
      if (!slow && (process.task != id || process.claim_at)) {
        facts_.breaks("asks back what it does not hold");
      }
      if (!task->cancel_asked && !facts_.shutdown_cancels) facts_.breaks("asks back unasked");
      process.asked_back = true;
      break;
    case FrameKind::kStop:
      if (process.task != 0) facts_.breaks("a worker with a task is asked to stop");
      if (process.stop_at) facts_.breaks("a worker is asked to stop twice");
      process.stop_at = facts_.now;
      break;
    case FrameKind::kInitialize:
      if (process.hello_at || facts_.plan.init == Init::kNone) facts_.breaks("initialized late");
      break;
    default:
      facts_.breaks("a message that only a worker sends");
  }
}

// First come, first served; tasks that lost their worker come before all others.
void Judge::holds_queue_order(const TaskFacts& next) {
  if (next.offers > 0) return;
  bool before = true;
  for (const TaskFacts& other : facts_.tasks) {
    if (&other == &next) before = false;
    if (!other.submitted || other.settled > 0) continue;
    const bool lost = other.holder >= 0 && holder_of(other).reaped > 0;
    if (lost || (before && other.waits)) facts_.breaks("a task overtakes one that came before it");
  }
}

void Judge::said(Process& process, FrameKind kind, TaskId id, bool honest) {
  TaskFacts* task = facts_.find(id);
  // It is no longer heard: it lies, or it has shut its receiving end.
  const bool unheard = process.eof_at && (!honest || process.refuses);
  if (kind == FrameKind::kClaim && task != nullptr && !unheard && task->holder == process.number) {
    task->claimed = process.ever_claimed = true;
    process.claimed = id;
    if (std::exchange(task->starter, process.number) != process.number) ++task->starts;
    if (honest && ++task->claims > 1 + task->plan.retries) {
      facts_.breaks("a task runs more often than its retries permit");
    }
    if (honest && task->settled > 0 && !facts_.descriptors_struck && !process.forger) {
      facts_.breaks("a task runs after its end");
    }
  }
  const bool reply = kind == FrameKind::kValue || kind == FrameKind::kFailed;
  if (reply && task != nullptr && task->holder == process.number && task->settled == 0) {
    task->replied |= honest;
  }
  if (kind == FrameKind::kFailed && id == 0) process.init_threw = true;
  if (!process.garbled) process.sent.push_back({process.said.size(), kind, id});
}

void Judge::reads(Process& process) {
  facts_.claimed_now |= process.garbled;  // among the garbage there may be a claim
  while (process.sent_read < process.sent.size() &&
         process.sent[process.sent_read].end <= process.read) {
    const Said& said = process.sent[process.sent_read++];
    switch (said.kind) {
      case FrameKind::kHello:
        if (!process.hello_at) process.hello_at = process.idle_since = facts_.now;
        process.outlived |= process.refusal_read && !process.kill_called;
        break;
      case FrameKind::kInitBegun:
        if (!process.init_begun_at) process.init_begun_at = facts_.now;
        break;
      case FrameKind::kRefusal:
        process.refusal_read |= !process.kill_called;
        break;
      case FrameKind::kClaim:
        facts_.claimed_now = true;
        if (said.task == process.task && !process.claim_at) process.claim_at = facts_.now;
        break;
      case FrameKind::kValue:
      case FrameKind::kFailed:
        if (process.claim_at) gives_back(process, said.task);
        break;
      case FrameKind::kWithdrawn:
        // A request behind an offer that is sent in parts is read late.
        if ((process.asked_back || process.mid_write) && !process.claim_at) {
          gives_back(process, said.task);
        }
        break;
      default:
        break;
    }
  }
}

// It has no task now, unless it lies.
void Judge::gives_back(Process& process, TaskId task) {
  if (task != process.task || process.kill_called) return;
  process.gave_back = std::exchange(process.task, 0);
  process.gave_back_in = facts_.turns;
  process.idle_since = facts_.now;
}

namespace {

// When it last took a part of its task, or claimed it.
Instant last_taken(const Process& process) {
  return std::max(
      {process.offered_at, process.moved_at, process.claim_at.value_or(Instant::min())});
}

// Since when its own time runs: the task is claimed and completely sent.
std::optional<Instant> runs_since(const Process& process) {
  if (!process.claim_at || !process.sent_at) return std::nullopt;
  return std::max(*process.claim_at, *process.sent_at);
}

}  // namespace

// Why it may kill this worker now; 0: it may not.
unsigned Judge::reasons_to_kill(const Process& process) const {
  const auto& options = facts_.plan.options;
  const auto come = [this](std::optional<Instant> since, std::chrono::nanoseconds limit) {
    return since && facts_.now >= *since + limit;
  };
  unsigned reasons = 0;
  // A task that it claimed and gave back at once can still have been the reason.
  const bool just_now = process.task == 0 && process.gave_back_in == facts_.turns;
  const TaskFacts* task = facts_.find(just_now ? process.gave_back : process.task);
  if (facts_.shutdown_kills) reasons |= kForShutdown;
  if (facts_.shutdown_until && *facts_.shutdown_until <= facts_.now) reasons |= kForShutdown;
  if (process.mad) reasons |= kForNonsense;
  if (process.init_threw) reasons |= kForInitializer;
  const bool breaks = options.on_death == OnDeath::kBreakPool;
  if (facts_.pool_end && breaks) reasons |= kForBreak;
  if (come(process.stop_at, options.stop_grace)) reasons |= kForOverdue;
  if (come(process.eof_at, options.channel_grace)) reasons |= kForLoss;
  if (!process.hello_at) {
    if (process.init_begun_at ? come(process.init_begun_at, options.initializer_limit)
                              : come(process.spawned_at, options.start_limit)) {
      reasons |= kForLateness;
    }
  }
  if (task == nullptr) return reasons;
  const bool takes = !process.claim_at || !process.sent_at;
  if (takes && come(last_taken(process), options.start_limit)) reasons |= kForLateness;
  if (task->deadline && *task->deadline <= facts_.now) reasons |= kForDeadline;
  const bool begun = process.claim_at || (process.garbled && process.claimed == process.task);
  if (task->cancel_kill && begun) reasons |= kForCancel;
  if (task->plan.run_limit && come(runs_since(process), *task->plan.run_limit)) {
    reasons |= kForRunLimit;
  }
  return reasons;
}

void Judge::kills(Process& process) {
  if (facts_.sleep_failed) {  // all are killed, a second time if necessary
    process.kill_called = true;
    process.kill_reasons |= kForBreakDown;
    return;
  }
  if (process.kill_called) facts_.breaks("a worker is killed twice");
  process.kill_reasons = reasons_to_kill(process);
  if (process.kill_reasons == 0) {
    facts_.breaks("worker " + std::to_string(process.number) + " is killed for nothing");
  }
  process.kill_called = true;
  process.frozen_when_killed = process.frozen;
}

void Judge::fails_to_kill(Process& process) {
  if (!process.kill_failed_at) process.kill_failed_at = facts_.now;
}

void Judge::forgets(Process& process) {
  const std::string name = "worker " + std::to_string(process.number);
  if (!process.kill_failed_at) {
    facts_.breaks(name + " is forgotten, and no kill of it has failed (L3)");
  } else if (facts_.now < *process.kill_failed_at + facts_.plan.options.channel_grace) {
    facts_.breaks(name + " is forgotten too early");
  }
  if (std::exchange(process.forgotten, true)) facts_.breaks(name + " is forgotten twice");
  process.given = Unseen{};
  process.forgotten_in = facts_.turns;
  note_loss(process);
}

// It ended, or was ended, for a reason that was not wanted.
bool Judge::has_ended_unplanned(const Process& process) const {
  if (!process.gone() || process.stop_at || process.elsewhere) return false;
  const unsigned ours = kForNonsense | kForLateness | kForLoss;
  return !process.kill_called || (process.kill_reasons & ~ours) == 0;
}

// Fresh workers that are lost count towards the end of the pool, unless a worker claims a task in
// between.
void Judge::note_loss(Process& process) {
  facts_.claimed_now |= process.garbled;
  const bool fresh = !process.ever_claimed && (!process.hello_at || process.task != 0);
  if (!fresh || process.garbled || process.forger || !has_ended_unplanned(process)) return;
  ++facts_.losses_now;
}

void Judge::ends_turn() {
  const bool claimed = std::exchange(facts_.claimed_now, false);
  const int losses = std::exchange(facts_.losses_now, 0);
  facts_.fresh_losses = claimed ? 0 : facts_.fresh_losses + losses;
  if (!facts_.descriptors_struck && !facts_.sleep_failed) must_have_ended_pool();
}

// Events that must have ended the pool by the end of this turn.
void Judge::must_have_ended_pool() const {
  if (facts_.pool_end) return;
  if (facts_.fresh_losses >= supervise::Supervisor::kLossLimit) {
    facts_.breaks("fresh workers are lost in a row, and the pool goes on");
  }
  for (const Process& process : facts_.processes) {
    const bool unplanned = has_ended_unplanned(process);
    if (unplanned && process.refusal_read && !process.hello_at && !process.mad) {
      facts_.breaks("a worker could not serve, and the pool goes on");
    }
    if (unplanned && facts_.plan.options.on_death == OnDeath::kBreakPool) {
      facts_.breaks("a worker was lost, and the pool does not break");
    }
  }
}

void Judge::reaps(Process& process) {
  if (++process.reaped > 1) facts_.breaks("a worker is reaped twice");
  process.reaped_in = facts_.turns;
  process.given = process.elsewhere ? ExitStatus(Unseen{}) : process.exit;
  if (!process.forgotten) note_loss(process);
}

bool Judge::is_idle(const Process& process) const {
  // If only a part of it was sent so far, the next offer may be behind it.
  return process.hello_at && process.task == 0 && !process.sighted && !process.stop_at &&
         !process.kill_called && !process.eof_at && !process.gone();
}

// The latest time at which it must look at this worker, as far as it can know.
std::optional<Instant> Judge::must_look_at(const Process& process) const {
  const auto& options = facts_.plan.options;
  if (process.gone()) return std::nullopt;
  if (process.kill_failed_at) return *process.kill_failed_at + options.channel_grace;
  if (process.kill_called) return std::nullopt;
  if (process.stop_at) return *process.stop_at + options.stop_grace;
  if (process.eof_at) return *process.eof_at + options.channel_grace;
  if (!process.hello_at) {
    return process.init_begun_at ? *process.init_begun_at + options.initializer_limit
                                 : process.spawned_at + options.start_limit;
  }
  if (process.task == 0 && process.sighted) return std::nullopt;  // perhaps it was asked to stop
  if (process.task == 0) return os::after(process.idle_since, options.idle_timeout);
  const std::optional<Instant> since = runs_since(process);
  if (!since) return last_taken(process) + options.start_limit;
  return os::after(*since, facts_.find(process.task)->plan.run_limit);
}

// Whether there is any reason to wake up at a certain time (law L8).
bool Judge::may_wait_for_time() const {
  if (facts_.shutdown_until) return true;
  bool waits = false;
  for (const TaskFacts& task : facts_.tasks) {
    if (!task.submitted || task.settled > 0) continue;
    if (task.deadline) return true;
    waits = true;
  }
  bool losses = facts_.spawn_failures > 0;
  for (const Process& process : facts_.processes) {
    // If only a part of it was sent so far, a stop may be behind it.
    const bool may_be_asked = process.sighted || process.recorded;
    if (must_look_at(process) || (may_be_asked && !process.gone())) return true;
    losses |= process.gone();
  }
  return waits && losses;
}

void Judge::sleeps(std::optional<Instant> until) {
  if (facts_.descriptors_struck) return;
  if (until && !may_wait_for_time()) facts_.breaks("L8: a timed wait, and nothing is owed");
  const auto owed = [&](std::optional<Instant> when, const char* what) {
    if (when && (!until || *until > *when)) {
      facts_.breaks(std::string("it sleeps longer than it may: ") + what);
    }
  };
  owed(facts_.shutdown_until, "a shutdown has a limit");
  std::size_t waiting = 0;
  for (const TaskFacts& task : facts_.tasks) {
    if (!task.submitted || task.settled > 0) continue;
    const bool held = task.holder >= 0 && holder_of(task).reaped == 0 && !task.waits;
    waiting += held ? 0 : 1;
    const bool told = held && holder_of(task).kill_called;
    if (!told) owed(task.deadline, "a task has a deadline");
  }
  std::size_t coming = 0;
  int alive = 0;
  for (const Process& process : facts_.processes) {
    owed(must_look_at(process), "a worker has a limit");
    if (process.forgotten && process.recorded && !process.late && process.reaped == 0) {
      facts_.breaks("L9: a worker that was given up has ended, and is not reaped");
    }
    const TaskFacts* task = facts_.find(process.task);
    if (task != nullptr && task->cancel_kill && process.claim_at && !process.kill_called &&
        process.reaped == 0 && !process.eof_at) {
      facts_.breaks("a task that was cancelled to be killed runs on");
    }
    if (process.gone()) continue;
    ++alive;
    const bool starting =
        !process.hello_at && !process.stop_at && !process.kill_called && !process.eof_at;
    coming += starting ? 1 : 0;
    if ((starting || is_idle(process)) && process.rights < facts_.rights_told) {
      facts_.breaks("a worker with rights that the program has given up may stay");
    }
    if (waiting > 0 && is_idle(process)) facts_.breaks("a task waits, and a worker is idle");
  }
  if (waiting > coming && alive < facts_.wanted && !until && !facts_.pool_end) {
    facts_.breaks("tasks wait, there is room, and no worker is started");
  }
}

}  // namespace poolproof::simulation
