#include "conformance/judge/truth.h"

#include <fmt/format.h>

#include <algorithm>

#include "conformance/judge/wording.h"

namespace poolproof::conformance::judging {
namespace {

bool starts_with(const std::string& text, std::string_view prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}

// Could this cause be a true report about a process that ended this way?
bool agrees(const std::string& cause, const ExitStatus& status) {
  if (status.how == ExitStatus::How::kUnseen) return true;
  const bool signaled = status.how == ExitStatus::How::kSignal;
  if (starts_with(cause, "exit:")) return !signaled && cause == fmt::format("exit:{}", status.code);
  if (starts_with(cause, "signal:")) return signaled && cause == "signal:" + status.signal;
  if (cause == "core") return signaled && status.core;
  return true;  // a cause that says nothing about the end of a process
}

bool speaks_of_an_end(const std::string& cause) {
  return starts_with(cause, "exit:") || starts_with(cause, "signal:") || cause == "core";
}

// Can an outcome that settled at that time refer to this end? It cannot refer to the adapter's own
// end, nor to an end that came only with a close that was requested later (steps.cc first lets the
// keeper report everything it sees). Within these limits the order does not matter: the pool and
// the keeper see a death at nearly the same time.
bool is_in_time(const Trial& trial, const Settled& settled, const Exit& exit) {
  if (exit.adapter) return false;
  for (const Call& close : trial.history.closes)
    if (close.sent_ns > settled.t_ns) return exit.t_ns < close.sent_ns;
  return true;
}

// The ends to which the task's error may refer: the end of the process that was struck at this
// task; otherwise the end of any process except the adapter (a pool that breaks may end its other
// workers itself).
std::vector<const Exit*> ends_in_question(const Trial& trial, const TaskHistory& task,
                                          const Settled& settled) {
  std::vector<const Exit*> ends;
  const auto strikes = trial.receipts.on_task(task.planned.id);
  for (const Strike* strike : strikes)
    for (const Exit* exit : trial.history.exits_of(strike->told.process)) ends.push_back(exit);
  if (!strikes.empty()) return ends;
  for (const Exit& exit : trial.history.exits)
    if (is_in_time(trial, settled, exit)) ends.push_back(&exit);
  return ends;
}

std::string words_of(const std::vector<const Exit*>& ends) {
  if (ends.empty()) return "the kernel's record shows no end of it";
  std::string text = "the kernel's record: ";
  for (std::size_t i = 0; i < ends.size() && i < 4; ++i) {
    text += fmt::format("{}process {} ended by {}", i > 0 ? ", " : "", ends[i]->process.pid,
                        to_string(ends[i]->status));
  }
  return text;
}

// True if the kernel killed the process, and counted such a kill in its cgroup.
std::optional<std::string> lie_in_oom_kill(const Trial& trial, const TaskHistory& task,
                                           const Settled& settled) {
  for (const Exit* exit : ends_in_question(trial, task, settled))
    if (agrees("signal:KILL", exit->status) &&
        trial.history.limits.rose("oom_kill", exit->process.pid, exit->process.start) > 0)
      return std::nullopt;
  return "no evidence of an out-of-memory kill; a signal alone is none";
}

}  // namespace

std::optional<std::string> lie_in_cause(const Trial& trial, const TaskHistory& task,
                                        const Settled& settled) {
  const std::string cause = settled.text("cause");
  if (cause == "deadline" && !task.planned.deadline_ms) return "the task had no deadline";
  if (cause == "oom-kill") return lie_in_oom_kill(trial, task, settled);
  const bool frozen = cause == "frozen";
  if (!frozen && !speaks_of_an_end(cause)) return std::nullopt;
  const auto ends = ends_in_question(trial, task, settled);
  if (frozen) {  // a process that a fault had ended was not frozen
    for (const Strike* strike : trial.receipts.on_task(task.planned.id))
      if (strike->status) return words_of(ends);
    return std::nullopt;
  }
  const bool told_truly = std::any_of(
      ends.begin(), ends.end(), [&](const Exit* exit) { return agrees(cause, exit->status); });
  if (told_truly) return std::nullopt;
  // If no strike connects the task with a process, a process that was not watched may have ended:
  // this is a doubt.
  if (trial.receipts.on_task(task.planned.id).empty() && ends.empty()) return std::nullopt;
  return words_of(ends);
}

std::vector<ProcessId> struck_for(const Trial& trial, const TaskHistory& task) {
  std::vector<ProcessId> processes;
  for (const Strike* strike : trial.receipts.on_task(task.planned.id))
    processes.push_back(strike->told.process);
  return processes.empty() ? all_struck(trial) : processes;
}

std::vector<ProcessId> all_struck(const Trial& trial) {
  std::vector<ProcessId> processes;
  for (const Receipt& receipt : trial.receipts.faults)
    for (const Strike& strike : receipt.strikes)
      if (strike.landed_ns) processes.push_back(strike.told.process);
  return processes;
}

std::optional<std::string> lie_in_blame(const Trial& trial, const TaskHistory& task,
                                        const Settled& settled) {
  const auto pid = settled.blamed_pid();
  if (!pid) return std::nullopt;
  const auto struck = struck_for(trial, task);
  const bool was_struck = std::any_of(struck.begin(), struck.end(),
                                      [&](const ProcessId& id) { return id.pid == *pid; });
  const auto ends = trial.history.exits_of({*pid, 0});
  const bool died = std::any_of(ends.begin(), ends.end(), [&](const Exit* exit) {
    return is_in_time(trial, settled, *exit);
  });
  if (was_struck || died) return std::nullopt;
  const bool known = *pid == trial.history.adapter.pid ||
                     std::any_of(trial.history.meetings.begin(), trial.history.meetings.end(),
                                 [&](const Meeting& m) { return m.process.pid == *pid; });
  if (known) return fmt::format("process {} had not ended", *pid);
  // A process that never met us may have ended unseen. It is a lie only for a task whose process we
  // know, because the process was struck there.
  if (trial.receipts.on_task(task.planned.id).empty()) return std::nullopt;
  return fmt::format("process {} was struck at {}; the record knows no process {}",
                     struck.front().pid, task.planned.id, *pid);
}

std::optional<std::string> lie_in_certainty(const TaskHistory& task, const Settled& settled) {
  if (settled.text("certainty") != "not-started" || task.starts.empty()) return std::nullopt;
  return fmt::format("its body started in process {}", task.starts.front().pid);
}

}  // namespace poolproof::conformance::judging
