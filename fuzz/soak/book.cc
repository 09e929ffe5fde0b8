#include "fuzz/soak/book.h"

#include <signal.h>

#include <algorithm>

namespace poolproof::fuzz::soak {
namespace {

constexpr std::size_t kMostComplaints = 100;

bool by_signal(const ExitStatus& status, int signal) {
  const auto* signaled = std::get_if<Signaled>(&status);
  return signaled != nullptr && signaled->signal == signal;
}

std::string to_string(const Identity& worker) {
  return "pid " + std::to_string(worker.pid) + " started at " + std::to_string(worker.start);
}

// The process that a deed ends, ends so.
bool deed_explains(Deed deed, const ExitStatus& status) {
  switch (deed) {
    case Deed::kSegv:
      return by_signal(status, SIGSEGV);
    case Deed::kExit:
      return status == ExitStatus(Exited{kExitCode});
    case Deed::kStarveAborts:
      return by_signal(status, SIGABRT);
    case Deed::kStarveKilled:
      return by_signal(status, SIGKILL);
    case Deed::kWork:
    case Deed::kStarve:
    case Deed::kHang:
      return false;
  }
  return false;
}

bool blow_explains(Blow blow, const ExitStatus& status) {
  return (blow == Blow::kKill && by_signal(status, SIGKILL)) ||
         (blow == Blow::kSegv && by_signal(status, SIGSEGV));
}

}  // namespace

std::string to_string(Blow blow) {
  switch (blow) {
    case Blow::kKill:
      return "SIGKILL from outside";
    case Blow::kSegv:
      return "SIGSEGV from outside";
    case Blow::kFreeze:
      return "frozen from outside";
    case Blow::kThaw:
      return "thawed again";
  }
  return "?";
}

Serial Book::make_task(Deed deed, Instant limit_at) {
  ++tally_.tasks;
  open_.emplace(++made_, Task{.deed = deed, .limit_at = limit_at});
  return made_;
}

void Book::read(const Line& line) {
  const auto [found, is_new] = processes_.try_emplace(line.worker);
  Process& process = found->second;
  if (is_new) ++tally_.processes;
  const auto known = open_.find(line.task);
  if (known == open_.end()) {
    ++tally_.doubled;
    return complain("a line of a task whose future has ended already, or that was never made",
                    line.task, line.worker);
  }
  Task& task = known->second;
  switch (line.mark) {
    case Mark::kBegin: {
      if (++task.begun > 1) {
        ++tally_.doubled;
        complain("a task has begun twice", line.task, line.worker);
      }
      task.worker = line.worker;
      // What has starved may have thrown, and then it has ended without a line.
      const auto before = open_.find(process.open);
      if (before != open_.end() && before->second.deed != Deed::kStarve) {
        complain("a process has begun a task before its last one ended", line.task, line.worker);
      }
      process.open = line.task;
      break;
    }
    case Mark::kFault:
      task.faulted = true;
      process.deeds.push_back(task.deed);
      ++tally_.faults[soak::to_string(task.deed)];
      break;
    case Mark::kEnd:
      task.ended = true;
      process.open = 0;
      break;
  }
}

void Book::strike(const Strike& strike) {
  Process& process = processes_.at(strike.worker);
  process.strikes.push_back(strike);
  // What is being killed stands still no longer.
  if (strike.blow == Blow::kThaw || strike.blow == Blow::kKill) process.stopped.reset();
  ++tally_.faults[soak::to_string(strike.blow)];
}

void Book::seen_stopped(const Identity& worker, Instant at) {
  Process& process = processes_.at(worker);
  if (!process.stopped) process.stopped = at;
}

void Book::process_ended(const Identity& worker) {
  Process& process = processes_.at(worker);
  process.gone = true;
  process.horizon = made_;
}

void Book::judge(Serial id, const Outcome& outcome) {
  const auto found = open_.find(id);
  if (found == open_.end()) return complain("a future has ended twice", id, {});
  const Task task = found->second;
  open_.erase(found);
  if (outcome.value) {
    judge_value(id, task, outcome);
  } else {
    judge_error(id, task, outcome.failure);
  }
}

void Book::judge_value(Serial id, const Task& task, const Outcome& outcome) {
  ++tally_.values;
  if (!outcome.right) complain("a value is not that of its task", id, task.worker);
  if (task.deed != Deed::kWork) complain("a value, where none can be", id, task.worker);
  if (task.begun != 1 || !task.ended) complain("a value without a whole run", id, task.worker);
}

void Book::judge_error(Serial id, const Task& task, const Failure& failure) {
  switch (failure.kind) {
    case FailureKind::kTask: {
      ++tally_.errors["TaskError: " + failure.type_name];
      const bool starved = task.deed == Deed::kStarve && task.faulted && task.begun == 1 &&
                           failure.type_name == "std::bad_alloc" &&
                           failure.worker.pid == task.worker.pid;
      if (!starved) complain("a task has thrown: " + failure.text, id, task.worker);
      const auto process = processes_.find(task.worker);
      if (process != processes_.end() && process->second.open == id) process->second.open = 0;
      break;
    }
    case FailureKind::kWorkerLost:
      ++tally_.errors["TerminatedWorkerError: " + poolproof::to_string(failure.exit) +
                      (failure.started ? "" : ", not started")];
      judge_death(id, task, failure);
      break;
    case FailureKind::kDeadline:
      ++tally_.errors[std::string("DeadlineError") +
                      (failure.cause == Cause::kFrozen ? ", frozen" : "") +
                      (failure.started ? "" : ", not started")];
      judge_limit(id, task, failure);
      break;
    default:
      ++tally_.errors["others"];
      complain("an error that no fault can cause: " + failure.text, id, task.worker);
  }
}

void Book::judge_death(Serial id, const Task& task, const Failure& failure) {
  if (!failure.started && task.begun > 0) {
    complain("an error says that the task has not run, and it has", id, task.worker);
  }
  for (const Identity& worker : meant(task, failure.worker.pid)) {
    Process& process = processes_.at(worker);
    // One whose own task is open at its end owes the error to that one.
    if (process.errors > 0 || (process.open != 0 && process.open != id)) continue;
    const bool named =
        std::any_of(process.strikes.begin(), process.strikes.end(),
                    [&](const Strike& each) { return blow_explains(each.blow, failure.exit); }) ||
        std::any_of(process.deeds.begin(), process.deeds.end(),
                    [&](Deed each) { return deed_explains(each, failure.exit); });
    if (!named) continue;
    ++process.errors;
    process.told = failure.exit;
    process.open = 0;
    return;
  }
  complain("an error names no fault of the log: " + failure.text, id, task.worker);
}

void Book::judge_limit(Serial id, const Task& task, const Failure& failure) {
  if (task.deed != Deed::kHang) complain("a limit, where there was none", id, task.worker);
  if (!failure.started && task.begun > 0) {
    complain("an error says that the task has not run, and it has", id, task.worker);
  }
  const bool frozen = failure.cause == Cause::kFrozen;
  for (const Identity& worker : meant(task, failure.worker.pid)) {
    Process& process = processes_.at(worker);
    if (process.errors > 0 || (process.open != 0 && process.open != id)) continue;
    const bool was_frozen =
        std::any_of(process.strikes.begin(), process.strikes.end(),
                    [](const Strike& each) { return each.blow == Blow::kFreeze; });
    if (frozen && !was_frozen) continue;
    const bool surely = process.stopped && *process.stopped < task.limit_at;
    if (surely && !frozen) complain("a frozen worker is not called so", id, worker);
    if (surely) ++tally_.frozen_for_sure;
    ++process.errors;
    process.by_limit = true;
    process.open = 0;
    return;
  }
  // Without a line of the ledger it may have been given to a process that has never begun a task;
  // such a one is never struck.
  if (task.begun > 0 || frozen) complain("a limit names no worker of its task", id, task.worker);
}

std::vector<Identity> Book::meant(const Task& task, int pid) const {
  std::vector<Identity> found;
  if (task.begun > 0) {
    if (task.worker.pid == pid) found.push_back(task.worker);
    return found;
  }
  for (auto at = processes_.lower_bound({pid, 0}); at != processes_.end(); ++at) {
    if (at->first.pid != pid) break;
    found.push_back(at->first);
  }
  return found;
}

std::vector<Identity> Book::due() const {
  const Serial oldest = open_.empty() ? made_ + 1 : open_.begin()->first;
  std::vector<Identity> found;
  for (const auto& [worker, process] : processes_) {
    if (process.gone && process.horizon < oldest) found.push_back(worker);
  }
  return found;
}

void Book::close(const Identity& worker, std::optional<ExitStatus> status) {
  const Process process = processes_.at(worker);
  if (process.open != 0) {
    complain("a process has died in a task, and no error names that", process.open, worker);
  }
  ++(status ? tally_.seen : tally_.unseen);
  if (status && process.told && *status != *process.told) {
    complain("an error says " + poolproof::to_string(*process.told) + ", and the kernel " +
                 poolproof::to_string(*status),
             0, worker);
  }
  if (status && !explains(process, *status)) {
    complain("a process was ended by " + poolproof::to_string(*status) + ", and by no fault", 0,
             worker);
  }
  if (process.errors > 0) {
    ++tally_.ended_a_task;
  } else if (status && *status != ExitStatus(Exited{0})) {
    ++tally_.ended_none;
  }
  processes_.erase(worker);
}

// It ends by itself when the pool asks it to, which it does for an idle one only; one that is
// frozen then is killed for it.
bool Book::explains(const Process& process, const ExitStatus& status) const {
  if (status == ExitStatus(Exited{0})) return process.errors == 0;
  if (process.by_limit && by_signal(status, SIGKILL)) return true;
  const bool struck =
      std::any_of(process.strikes.begin(), process.strikes.end(), [&](const Strike& each) {
        return blow_explains(each.blow, status) ||
               (each.blow == Blow::kFreeze && by_signal(status, SIGKILL) && process.errors == 0);
      });
  return struck || std::any_of(process.deeds.begin(), process.deeds.end(),
                               [&](Deed each) { return deed_explains(each, status); });
}

void Book::finish() {
  for (const auto& [id, task] : open_) {
    ++tally_.lost;
    complain("a future has not ended", id, task.worker);
  }
  for (const auto& [worker, process] : processes_) {
    complain("a worker outlives the pool", process.open, worker);
  }
}

std::vector<Identity> Book::hanging() const {
  std::vector<Identity> found;
  for (const auto& [worker, process] : processes_) {
    const auto task = open_.find(process.open);
    const bool hangs = task != open_.end() && task->second.deed == Deed::kHang;
    if (hangs && !process.gone && process.strikes.empty()) found.push_back(worker);
  }
  return found;
}

std::vector<Identity> Book::alive() const {
  std::vector<Identity> found;
  for (const auto& [worker, process] : processes_) {
    if (!process.gone) found.push_back(worker);
  }
  return found;
}

void Book::complain(const std::string& what, Serial task, const Identity& worker) {
  if (wrong_.size() >= kMostComplaints) return;
  std::string text = what;
  if (task != 0) text += "; task " + std::to_string(task);
  if (worker.pid != 0) text += "; " + to_string(worker);
  const auto process = processes_.find(worker);
  if (process != processes_.end()) {
    for (const Strike& each : process->second.strikes) {
      text += "; " + soak::to_string(each.blow) + " at " +
              std::to_string(each.at.time_since_epoch().count());
    }
    for (const Deed each : process->second.deeds) text += "; " + soak::to_string(each);
  }
  wrong_.push_back(text);
}

}  // namespace poolproof::fuzz::soak
