#include "conformance/judge/receipts.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "conformance/judge/wording.h"

namespace poolproof::conformance::judging {
namespace {

using faults::EffectKind;
using faults::Fault;
using faults::Target;
using scenarios::Plan;
using scenarios::StepKind;

// The kernel kills a process that has used up its memory. For other resources, a process dies in
// the way of its language: by a signal, or with an exit status that is not success.
bool exhaustion_explains(faults::Resource resource, const ExitStatus& status) {
  if (resource == faults::Resource::kMemory) return status.signal == "KILL";
  return status.how == ExitStatus::How::kSignal || status.code != 0;
}

// If only the pool saw the end, it explains any effect: the death is a fact, and its status is not
// known, so it cannot contradict us.
struct End {  // how an effect ends a process
  std::optional<int> code;
  int signal = 0;
  std::string effect;  // its word
  faults::Resource used_up = faults::Resource::kNone;
};

End end_by(const faults::Effect& effect) {
  const bool exits = effect.kind == EffectKind::kExit;
  return {exits ? std::optional(effect.code) : std::nullopt, effect.signal,
          faults::to_string(effect), effect.resource};
}

End end_by(const faults::CallEffect& effect) {
  const bool exits = effect.kind == faults::CallEffect::Kind::kExit;
  return {exits ? std::optional(effect.number) : std::nullopt, effect.number,
          faults::to_string(effect)};
}

bool explains(const End& end, const ExitStatus& status) {
  if (status.how == ExitStatus::How::kUnseen) return true;
  if (end.used_up != faults::Resource::kNone) return exhaustion_explains(end.used_up, status);
  if (end.code) return status.how == ExitStatus::How::kCode && status.code == *end.code;
  return status.how == ExitStatus::How::kSignal && status.signal == faults::signal_name(end.signal);
}

void look_for_exit(const End& end, const History& history, Strike& strike) {
  const auto exits = history.exits_of(strike.told.process);
  if (exits.empty()) {
    const auto error = history.signal_errors.find(strike.told.process.pid);
    strike.why_not = error != history.signal_errors.end()
                         ? fmt::format("the signal could not be sent to process {}: {}",
                                       strike.told.process.pid, error->second)
                         : fmt::format("process {} did not end", strike.told.process.pid);
    return;
  }
  const Exit& exit = *exits.front();
  if (!explains(end, exit.status)) {
    strike.why_not = fmt::format("process {} ended by {}, which `{}` does not explain",
                                 strike.told.process.pid, to_string(exit.status), end.effect);
    return;
  }
  strike.landed_ns = exit.t_ns;
  strike.status = exit.status;
}

void look_for_departure(const History& history, Strike& strike) {
  for (const Meeting& meeting : history.meetings) {
    if (meeting.process != strike.told.process || meeting.task != strike.told.task) continue;
    if (meeting.left_ns && meeting.left_seq > strike.told.seq) strike.landed_ns = meeting.left_ns;
  }
  if (!strike.landed_ns)
    strike.why_not = fmt::format("task {} never read what it was told", strike.told.task);
}

void look_for_ledger_line(const History& history, Strike& strike) {
  if (const TaskHistory* task = history.task(strike.told.task))
    for (const LedgerLine& line : task->strucks)
      if (line.seq > strike.told.seq && !strike.landed_ns) strike.landed_ns = line.t_ns;
  if (!strike.landed_ns)
    strike.why_not = fmt::format("task {} did not write that it did it", strike.told.task);
}

// A kill counts as out of memory only if the kernel counted it.
void look_for_oom_kill(const Fault& fault, const History& history, Strike& strike) {
  look_for_exit(end_by(fault.effect), history, strike);
  const ProcessId& process = strike.told.process;
  if (!strike.landed_ns || history.limits.rose("oom_kill", process.pid, process.start) > 0) return;
  strike.landed_ns.reset();
  strike.why_not = fmt::format(
      "process {} was killed, and the kernel counted no out-of-memory kill in its cgroup",
      process.pid);
}

// In one language the task throws, in another one the process dies: the first of these counts.
void look_for_either(const Fault& fault, const History& history, Strike& strike) {
  look_for_ledger_line(history, strike);
  if (strike.landed_ns) return;
  strike.why_not.clear();
  look_for_exit(end_by(fault.effect), history, strike);
}

void look_for_limit(const History& history, Strike& strike) {
  const LimitHistory::Set* set = history.limits.find(strike.told.limit);
  if (set != nullptr && set->error.empty())
    strike.landed_ns = std::max(set->t_ns, strike.told.t_ns);  // told after the limit was set
  else
    strike.why_not = "the limit was never set";
}

// After these two faults, a program may end at its own time and in its own way; the receipt is that
// the signal or command reached it.
void look_for_word(const std::optional<std::int64_t>& came_ns, const char* what, Strike& strike) {
  strike.landed_ns = came_ns;
  if (!came_ns) strike.why_not = what;
}

Strike strike_of(const Fault& fault, const History& history, const Told& told) {
  Strike strike{told, {}, {}, ""};
  if (fault.target == Target::kGroup) {
    look_for_word(history.group_signalled_ns, "the signal did not reach the group", strike);
  } else if (fault.effect.kind == EffectKind::kReturn) {
    look_for_word(history.bye_heard_ns, "the program never read that it may end", strike);
  } else if (fault.effect.kind == EffectKind::kDeny) {
    look_for_limit(history, strike);
  } else if (faults::ends_process_or_is_written(fault.effect)) {
    look_for_either(fault, history, strike);
  } else if (fault.effect.kind == EffectKind::kExhaust) {
    look_for_oom_kill(fault, history, strike);
  } else if (faults::ends_process(fault.effect)) {
    look_for_exit(end_by(fault.effect), history, strike);
    const TaskHistory* task = history.task(told.task);
    if (fault.point == faults::Point::kSending && (task == nullptr || !task->seen_sending)) {
      strike.landed_ns.reset();
      strike.why_not = fmt::format("task {} was not seen sending its result", told.task);
    }
  } else if (faults::is_written_by_task(fault.effect)) {
    look_for_ledger_line(history, strike);
  } else {
    look_for_departure(history, strike);
  }
  return strike;
}

// The workers that are known when fault `index` strikes: those that met in the last warm-up before
// it.
std::set<ProcessId> known_workers(const Plan& plan, const History& history, int index) {
  int warm_up = -1;
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    if (plan.steps[i].kind == StepKind::kWarmUp) warm_up = static_cast<int>(i);
    if (plan.steps[i].kind == StepKind::kStrike && plan.steps[i].fault == index) break;
  }
  std::set<ProcessId> workers;
  for (const Meeting& meeting : history.meetings)
    if (meeting.step == warm_up) workers.insert(meeting.process);
  return workers;
}

// Which targets the fault did not strike, as text; empty if it struck all.
std::string spared(const Plan& plan, const History& history, const Receipt& receipt) {
  const Fault& fault = plan.faults[static_cast<std::size_t>(receipt.fault)];
  if (receipt.strikes.empty()) {
    const std::string error = history.limits.first_error();
    return error.empty() ? "it was never commanded: the point was not reached"
                         : "this machine could not limit " + error;
  }
  if (fault.effect.kind == EffectKind::kDeny) return "";  // it strikes the whole run, not a task
  if (fault.target == Target::kAllWorkers) {
    std::set<ProcessId> left = known_workers(plan, history, receipt.fault);
    for (const Strike& strike : receipt.strikes) left.erase(strike.told.process);
    return left.empty() ? "" : fmt::format("it spared {}", counted(left.size(), "worker"));
  }
  if (fault.target != Target::kWorker) return "";
  for (const TaskHistory* task : history.of_role(fault.role)) {
    const bool told = std::any_of(receipt.strikes.begin(), receipt.strikes.end(),
                                  [&](const Strike& s) { return s.told.task == task->planned.id; });
    if (!told) return fmt::format("{} never reached the point", name_of(*task));
  }
  return "";
}

Receipt receipt_of_call(const Plan& plan, const History& history) {
  Receipt receipt{kCallStrike, {}, ""};
  if (never_fired(plan, history)) {
    receipt.missing =
        words_of_call_strike(plan) + " did not strike: no worker made that call in that place";
    return receipt;
  }
  const CallStruck& struck = *history.call_struck;
  Strike strike{{kCallStrike, struck.process, "", struck.t_ns, struck.seq}, {}, {}, ""};
  const faults::CallEffect& effect = plan.trace->strike->effect;
  if (faults::ends_process(effect)) {
    look_for_exit(end_by(effect), history, strike);
  } else if (struck.seen) {
    strike.landed_ns = struck.t_ns;
  } else {
    strike.why_not = "the tracer did not see it take effect";
  }
  if (!strike.why_not.empty())
    receipt.missing = words_of_call_strike(plan) + " did not strike: " + strike.why_not;
  receipt.strikes.push_back(std::move(strike));
  return receipt;
}

std::string words_of(const Fault& fault) {
  return fmt::format("{} at {}{}{}", faults::to_string(fault.effect),
                     faults::to_string(fault.point), fault.role.empty() ? "" : ":", fault.role);
}

}  // namespace

std::string Receipts::missing() const {
  for (const Receipt& receipt : faults)
    if (!receipt.missing.empty()) return receipt.missing;
  return "";
}

std::optional<std::int64_t> Receipts::last_ns() const {
  std::optional<std::int64_t> last;
  for (const Receipt& receipt : faults)
    for (const Strike& strike : receipt.strikes)
      if (strike.landed_ns) last = std::max(last.value_or(*strike.landed_ns), *strike.landed_ns);
  return last;
}

std::vector<const Strike*> Receipts::on_task(const std::string& id) const {
  std::vector<const Strike*> found;
  for (const Receipt& receipt : faults)
    for (const Strike& strike : receipt.strikes)
      if (strike.told.task == id && strike.landed_ns) found.push_back(&strike);
  return found;
}

bool Receipts::struck(int pid) const {
  for (const Receipt& receipt : faults)
    for (const Strike& strike : receipt.strikes)
      if (strike.told.process.pid == pid && strike.status) return true;
  return false;
}

bool never_fired(const Plan& plan, const History& history) {
  return plan.trace && plan.trace->strike && !history.call_struck;
}

std::string words_of_call_strike(const Plan& plan) {
  const faults::CallStrike& strike = *plan.trace->strike;
  const std::string when = faults::is_torn(strike.moment)
                               ? "in the middle (" + faults::to_string(strike.moment) + ") of"
                               : faults::to_string(strike.moment);
  return fmt::format("`{}` {} the call `{}`", faults::to_string(strike.effect), when,
                     faults::to_string(strike.at));
}

Receipts read_receipts(const Plan& plan, const History& history) {
  Receipts receipts;
  for (std::size_t i = 0; i < plan.faults.size(); ++i) {
    Receipt receipt{static_cast<int>(i), {}, ""};
    for (const Told& told : history.told)
      if (told.fault == receipt.fault)
        receipt.strikes.push_back(strike_of(plan.faults[i], history, told));
    std::string why = spared(plan, history, receipt);
    for (const Strike& strike : receipt.strikes)
      if (why.empty()) why = strike.why_not;
    if (!why.empty())
      receipt.missing =
          fmt::format("fault {} ({}) did not strike: {}", i, words_of(plan.faults[i]), why);
    receipts.faults.push_back(std::move(receipt));
  }
  if (plan.trace && plan.trace->strike) receipts.faults.push_back(receipt_of_call(plan, history));
  return receipts;
}

bool parent_was_struck(const Plan& plan, const History& history) {
  return std::any_of(history.told.begin(), history.told.end(), [&](const Told& told) {
    const auto index = static_cast<std::size_t>(told.fault);
    return told.fault >= 0 && index < plan.faults.size() &&
           faults::strikes_program(plan.faults[index]);
  });
}

}  // namespace poolproof::conformance::judging
