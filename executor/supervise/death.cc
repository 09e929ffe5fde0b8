#include "executor/supervise/death.h"

#include <signal.h>

#include <utility>

#include "executor/transport/frame.h"

namespace poolproof::supervise {
namespace {

bool is_sigkill(const ExitStatus& exit) {
  const auto* signaled = std::get_if<Signaled>(&exit);
  return signaled != nullptr && signaled->signal == SIGKILL;
}

// Whether a signal brings about this end of a worker with a task; for the others the worker is
// asked.
bool is_a_kill(WantedEnd wanted_end) {
  return wanted_end == WantedEnd::kShutdownKill || wanted_end == WantedEnd::kDeadline ||
         wanted_end == WantedEnd::kRunLimit || wanted_end == WantedEnd::kCancel ||
         wanted_end == WantedEnd::kBreak;
}

std::pair<Cause, Intent> cause_of(const Notes& notes, const ExitStatus& exit) {
  // Killed, or we tried to kill it.
  const bool by_kill = is_sigkill(exit) || !notes.kill_error.empty();
  // If its exit record was there before we sent our kill, it ended by itself.
  const WantedEnd wanted_end =
      notes.by_itself && is_a_kill(notes.wanted_end) ? WantedEnd::kNone : notes.wanted_end;
  switch (wanted_end) {
    case WantedEnd::kDeadline:
      return {notes.was_frozen ? Cause::kFrozen : Cause::kDeadline, Intent::kPolicy};
    case WantedEnd::kRunLimit:
      return {notes.was_frozen ? Cause::kFrozen : Cause::kRunLimit, Intent::kPolicy};
    case WantedEnd::kCancel:
      return {Cause::kCancelled, Intent::kAsked};
    case WantedEnd::kRefuse:
      return {Cause::kInitializer, Intent::kPolicy};
    case WantedEnd::kIdle:
      return {Cause::kIdle, Intent::kPolicy};
    case WantedEnd::kSpent:
      return {Cause::kSpent, Intent::kPolicy};
    case WantedEnd::kGrown:
      return {Cause::kGrown, Intent::kPolicy};
    case WantedEnd::kResize:
      return {Cause::kResized, Intent::kAsked};
    case WantedEnd::kRights:
      return {Cause::kRightsChanged, Intent::kPolicy};
    case WantedEnd::kStop:
    case WantedEnd::kShutdownKill:
      return {Cause::kShutdown, Intent::kAsked};
    case WantedEnd::kBreak:
      // A worker that died by itself at the same time has its own cause.
      if (is_sigkill(exit) || std::holds_alternative<Unseen>(exit)) {
        return {Cause::kPoolBroken, Intent::kPolicy};
      }
      break;
    case WantedEnd::kNone:
      break;
  }
  if (notes.violation) return {Cause::kGarbage, Intent::kUnplanned};
  if (notes.killed_as_lost && by_kill) return {Cause::kChannelLost, Intent::kUnplanned};
  if (!notes.limit.empty() && by_kill) {
    return {notes.was_frozen ? Cause::kFrozen : Cause::kLate, Intent::kUnplanned};
  }
  if (std::holds_alternative<Unseen>(exit)) return {Cause::kUnknown, Intent::kUnplanned};
  if (notes.out_of_memory && is_sigkill(exit)) return {Cause::kOutOfMemory, Intent::kUnplanned};
  return {Cause::kSelf, Intent::kUnplanned};
}

}  // namespace

std::string to_string(const WorkerRef& worker) {
  return "worker " + std::to_string(worker.index) + " (pid " + std::to_string(worker.pid) + ")";
}

Death name_death(WorkerRef worker, const Notes& notes, const ExitStatus& exit) {
  const auto [cause, intent] = cause_of(notes, exit);
  return {worker,
          exit,
          cause,
          intent,
          notes.violation.value_or(""),
          notes.limit,
          notes.in_initializer,
          notes.said_hello,
          notes.stderr_tail,
          notes.own_limit,
          notes.refusal,
          notes.kill_error,
          PoolAfter::kUnaffected};
}

std::string in_words(std::chrono::nanoseconds time) {
  if (time % std::chrono::milliseconds(1) != std::chrono::nanoseconds(0)) {
    const bool whole = time % std::chrono::microseconds(1) == std::chrono::nanoseconds(0);
    return whole ? std::to_string(time / std::chrono::microseconds(1)) + " us"
                 : std::to_string(time.count()) + " ns";
  }
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
  return ms % 1000 == 0 ? std::to_string(ms / 1000) + " s" : std::to_string(ms) + " ms";
}

namespace {

// The meaning of the exit codes that a worker itself chooses.
std::string meaning_of(const ExitStatus& exit) {
  const auto* exited = std::get_if<Exited>(&exit);
  if (exited != nullptr && exited->code == transport::kChannelFailed) {
    return " (its channel was closed or replaced while it served: does a task close descriptors "
           "that it did not open?)";
  }
  if (exited != nullptr && exited->code == transport::kChannelForged) {
    return " (an earlier task had written to its channel: does a task write to descriptor 3?)";
  }
  return "";
}

std::string what_happened(const Death& death) {
  const std::string name = to_string(death.worker);
  const std::string limit = death.limit.empty() ? "at the deadline of its task" : death.limit;
  switch (death.cause) {
    case Cause::kChannelLost:
      return name + " closed its channel, lived on, and was killed for it";
    case Cause::kGarbage:
      return name + " broke the protocol (" + death.violation + ") and was killed for it";
    case Cause::kDeadline:
    case Cause::kRunLimit:
    case Cause::kLate:
      return name + " was killed " + limit;
    case Cause::kFrozen:
      return name + " was found stopped (by SIGSTOP or a debugger), and was killed " + limit;
    case Cause::kCancelled:
      return name + " was killed since its task was cancelled while it ran";
    case Cause::kInitializer:
      return name + " was killed since its initializer threw";
    case Cause::kIdle:
    case Cause::kSpent:
    case Cause::kGrown:
    case Cause::kResized:
      return name + " was asked to stop, since it was not needed any longer";
    case Cause::kRightsChanged:
      return name + " was asked to stop, since the program has other rights now";
    case Cause::kShutdown:
      return name + " was ended by the shutdown";
    case Cause::kPoolBroken:
      return name + " was killed when the pool broke";
    case Cause::kOutOfMemory:
      if (death.own_limit != 0) {
        return name + " was killed by the kernel, since it wanted more than its " +
               std::to_string(death.own_limit) +
               " bytes (ExecutorOptions::memory_limit; the oom_kill counter of its own cgroup has "
               "risen)";
      }
      return name +
             " was killed by the kernel, which was out of memory (the oom_kill counter of its "
             "cgroup has risen)";
    case Cause::kUnknown:
    case Cause::kSelf:
      break;
  }
  if (!death.refusal.empty()) return name + " could not serve: " + death.refusal;
  return name + " was ended by " + to_string(death.exit) +
         (death.in_initializer ? ", in its initializer" : "") + meaning_of(death.exit);
}

}  // namespace

std::string to_string(const Death& death) {
  const std::string text = what_happened(death);
  if (death.kill_error.empty()) return text;
  return text + ", which failed (" + death.kill_error +
         "): it may still run (has this program given up the rights with which it was started?)";
}

Failure plain_failure(FailureKind kind, TaskId task, std::string text) {
  Failure failure;
  failure.kind = kind;
  failure.task = task;
  failure.text = std::move(text);
  return failure;
}

Failure failure_of_task(const Death& death, TaskId task, bool started) {
  Failure failure;
  failure.task = task;
  failure.started = started;
  failure.worker = death.worker;
  failure.exit = death.exit;
  failure.cause = death.cause;
  failure.stderr_tail = death.stderr_tail;
  failure.intent = death.intent;
  failure.text = to_string(death);
  failure.pool_after = death.pool_after;
  if (death.cause == Cause::kCancelled) {
    failure.kind = FailureKind::kCancelled;
  } else if (death.intent == Intent::kAsked) {
    failure.kind = FailureKind::kShutdown;
  } else if (death.intent == Intent::kPolicy) {
    failure.kind = FailureKind::kDeadline;
  } else if (death.cause == Cause::kGarbage) {
    failure.kind = FailureKind::kProtocol;
  } else {
    failure.kind = FailureKind::kWorkerLost;
  }
  return failure;
}

Failure failure_of_broken_pool(const Death& death) {
  Failure failure;
  failure.kind = death.in_initializer ? FailureKind::kInitializer : FailureKind::kPoolBroken;
  failure.worker = death.worker;
  failure.exit = death.exit;
  failure.cause = death.cause;
  failure.stderr_tail = death.stderr_tail;
  failure.intent = death.intent;
  failure.text = "the pool broke when " + to_string(death) +
                 " (ExecutorOptions::on_death is kBreakPool); make another executor";
  return failure;
}

Failure failure_of_initializer(WorkerRef worker, const Failure& told) {
  Failure failure = plain_failure(
      FailureKind::kInitializer, 0,
      "the initializer threw " + told.type_name + " in " + to_string(worker) + ": " + told.text);
  failure.type_name = told.type_name;
  failure.worker = worker;
  failure.cause = Cause::kInitializer;
  failure.intent = Intent::kPolicy;
  return failure;
}

Failure failure_of_pool(const Death& death, int times) {
  Failure failure;
  failure.kind = death.in_initializer ? FailureKind::kInitializer : FailureKind::kSpawn;
  failure.worker = death.worker;
  failure.exit = death.exit;
  failure.cause = death.cause;
  failure.stderr_tail = death.stderr_tail;
  failure.text = times == 1 ? to_string(death)
                            : std::to_string(times) +
                                  " fresh workers in a row died before they took a task; the "
                                  "last: " +
                                  to_string(death);
  if (!death.refusal.empty()) return failure;
  if (death.in_initializer) {
    failure.text += ". Look at its stderr, and at the initializer";
  } else {
    failure.text += death.said_hello ? ", after it had said that it is ready for tasks"
                                     : ", before it had said that it is ready for tasks";
    failure.text += ". What it wrote to stderr may say more";
  }
  return failure;
}

}  // namespace poolproof::supervise
