#include "conformance/judge/obstacle.h"

#include <fmt/format.h>

#include <algorithm>

#include "conformance/judge/wording.h"

namespace poolproof::conformance::judging {
namespace {

using scenarios::Plan;
using scenarios::StepKind;

const Exit* adapter_exit(const History& history) {
  for (const Exit& exit : history.exits)
    if (exit.adapter) return &exit;
  return nullptr;
}

bool unanswered(const std::vector<Call>& calls) {
  return std::any_of(calls.begin(), calls.end(), [](const Call& c) { return !c.answered_ns; });
}

std::vector<const TaskHistory*> open_of_role(const History& history, const std::string& role) {
  auto tasks = history.of_role(role);
  std::erase_if(tasks, [](const TaskHistory* task) { return !task->open(); });
  return tasks;
}

// The roles in the order of judging: roles with an expectation first, then all others.
std::vector<std::string> roles_in_order(const Plan& plan) {
  std::vector<std::string> roles = {"warm-up"};
  for (const auto& role : plan.expect.roles) roles.push_back(role.role);
  for (const auto& task : plan.tasks)
    if (task.role != "probe" && std::find(roles.begin(), roles.end(), task.role) == roles.end())
      roles.push_back(task.role);
  roles.push_back("probe");
  return roles;
}

std::string part_of_role(const std::string& role) {
  if (role == "warm-up") return "open";
  if (role == "probe") return "after";
  return role + ".outcome";
}

// "worker-lost within 3000 ms (x 1.20 machine factor)"
std::string due_of_role(const Plan& plan, const History& history, const std::string& role) {
  for (const auto& expected : plan.expect.roles) {
    if (expected.role != role) continue;
    const std::string factor =
        history.factor > 1 ? fmt::format(" (x {:.2f} machine factor)", history.factor) : "";
    return fmt::format(
        "{} within {} ms{}",
        expected.outcome.one_of.empty() ? "an outcome" : alternatives(expected.outcome.one_of),
        expected.within_ms, factor);
  }
  return "an outcome";
}

struct Waiting {  // what the pool still owes at the end of the record
  std::string part, expected, got;
  std::vector<const TaskHistory*> tasks;
};

std::optional<Waiting> find_waiting(const Plan& plan, const History& history) {
  if (parent_was_struck(plan, history)) {  // then no process can report outcomes
    if (adapter_exit(history) != nullptr) return std::nullopt;
    return Waiting{"close", "the program ends", "it did not end", {}};
  }
  if (unanswered(history.opens)) return Waiting{"open", "`opened`", "no answer to `open`", {}};
  if (unanswered(history.resizes))
    return Waiting{"resize", "`resized`", "no answer to `resize`", {}};
  if (unanswered(history.closes)) return Waiting{"close", "`closed`", "no answer to `close`", {}};
  if (history.bye_ns && adapter_exit(history) == nullptr)
    return Waiting{"close", "the program ends after `bye`", "it did not end", {}};
  for (const std::string& role : roles_in_order(plan)) {
    const auto tasks = open_of_role(history, role);
    if (tasks.empty()) continue;
    return Waiting{part_of_role(role), due_of_role(plan, history, role),
                   fmt::format("{} never settled", names_of(tasks)), tasks};
  }
  return std::nullopt;
}

// For a fault that strikes the program: does it explain this end? A signal to the program alone
// explains any end. Ctrl-C explains an end by that signal, or with any exit status, but not an end
// by another signal.
bool is_explained(const Plan& plan, const History& history, const Exit& exit) {
  return std::any_of(history.told.begin(), history.told.end(), [&](const Told& told) {
    const auto index = static_cast<std::size_t>(told.fault);
    if (told.fault < 0 || index >= plan.faults.size()) return false;
    const faults::Fault& fault = plan.faults[index];
    const bool sent = fault.effect.kind == faults::EffectKind::kSignal;
    if (fault.target == faults::Target::kParent) return sent;
    return fault.target == faults::Target::kGroup &&
           (exit.status.how != ExitStatus::How::kSignal ||
            exit.status.signal == faults::signal_name(fault.effect.signal));
  });
}

// An adapter may end only when it was told to (`bye`, with exit status 0) or struck.
std::optional<std::string> crash_of(const Plan& plan, const History& history) {
  const Exit* exit = adapter_exit(history);
  if (exit == nullptr || is_explained(plan, history, *exit)) return std::nullopt;
  const bool natural = exit->status.how == ExitStatus::How::kUnseen ||
                       (exit->status.how == ExitStatus::How::kCode && exit->status.code == 0);
  if (history.bye_ns && natural) return std::nullopt;
  return fmt::format(
      "the adapter's process {} ended by {} {}", exit->process.pid, to_string(exit->status),
      history.bye_ns ? "after `bye`, where exit status 0 is due" : "and nothing had asked it to");
}

std::string part_of_step(const Plan& plan, const History& history) {
  if (history.step < 0 || static_cast<std::size_t>(history.step) >= plan.steps.size())
    return "open";
  switch (plan.steps[static_cast<std::size_t>(history.step)].kind) {
    case StepKind::kOpen:
    case StepKind::kWarmUp:
    case StepKind::kArm:
      return "open";
    case StepKind::kResize:
      return "resize";
    case StepKind::kClose:
    case StepKind::kBeginClose:
    case StepKind::kAwaitClosed:
    case StepKind::kBye:
      return "close";
    case StepKind::kProbe:
      return "after";
    case StepKind::kSubmit:
    case StepKind::kCancel:
    case StepKind::kStrike:
    case StepKind::kAwaitSettled:
    case StepKind::kAwaitParentEnd:
      break;
  }
  return plan.expect.roles.empty() ? "after" : plan.expect.roles.front().role + ".outcome";
}

// Tasks that the harness itself holds at a rendezvous: while there are any, silence is not a hang.
std::vector<std::string> held_tasks(const History& history) {
  std::vector<std::string> held;
  for (const Meeting& meeting : history.meetings)
    if (!meeting.answered && !meeting.left_ns && history.exits_of(meeting.process).empty())
      held.push_back(meeting.task);
  return held;
}

Obstacle hang_of(const History& history, const Waiting& waiting) {
  const auto held = held_tasks(history);
  if (!held.empty()) {
    return {Status::kVacuous, waiting.part, waiting.expected,
            fmt::format("undecided: {}, while the harness still held {} at its rendezvous",
                        waiting.got, alternatives(held))};
  }
  // If one task waits for something other than its own lost result, it is a hang. The others may be
  // lost only because of it: for example, their workers wait for a lock that the dead one holds.
  const bool lost = waiting.part.ends_with(".outcome") &&
                    std::all_of(waiting.tasks.begin(), waiting.tasks.end(),
                                [&](const TaskHistory* task) { return is_lost(*task, history); });
  if (lost) return {Status::kLostTask, waiting.part, waiting.expected, waiting.got};
  if (history.proof && history.proof->hung)
    return {Status::kHangProven, waiting.part, waiting.expected,
            waiting.got + ", and it is proved that nothing can ever move again"};
  const bool quiet = history.still && history.still->moved.empty();
  return {quiet ? Status::kHangQuiet : Status::kTimeout, waiting.part, waiting.expected,
          waiting.got};
}

}  // namespace

bool is_lost(const TaskHistory& task, const History& history) {
  if (!task.open()) return false;
  return task.closed_over ||
         std::any_of(task.ends.begin(), task.ends.end(), [&](const LedgerLine& end) {
           return history.exits_of({end.pid, 0}).empty();  // it may be lost with a dead process
         });
}

std::optional<Obstacle> find_obstacle(const Plan& plan, const History& history) {
  const auto waiting = find_waiting(plan, history);
  if (const auto crash = crash_of(plan, history)) {
    const std::string part = waiting ? waiting->part : part_of_step(plan, history);
    return Obstacle{Status::kParentCrash, part, "the program that owns the pool lives on", *crash};
  }
  const std::string& how = history.ended->how;
  const bool ended = parent_was_struck(plan, history) && adapter_exit(history) != nullptr;
  if (how == "done" || ended) return std::nullopt;
  if (how == "stuck" && waiting) return hang_of(history, *waiting);
  throw FormError(
      fmt::format("the attempt ended as `{}`, and nothing in the record says why", how));
}

}  // namespace poolproof::conformance::judging
