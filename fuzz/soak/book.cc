#include "fuzz/soak/book.h"

#include <signal.h>

#include <algorithm>

#include "executor/transport/frame.h"

namespace poolproof::fuzz::soak {
namespace {

constexpr std::size_t kMostComplaints = 100;
// How long the effect of a strike on all, or on the program, may last until a future reports it.
constexpr std::chrono::seconds kAftermath{30};
// The longest delay with which the ledger is read.
constexpr std::chrono::seconds kLateReading{5};

bool by_signal(const ExitStatus& status, int signal) {
  const auto* signaled = std::get_if<Signaled>(&status);
  return signaled != nullptr && signaled->signal == signal;
}

std::string to_string(const Identity& worker) {
  return "pid " + std::to_string(worker.pid) + " started at " + std::to_string(worker.start);
}

// Whether the process ended in the way in which this deed ends it.
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
    case Deed::kCloses:
      return status == ExitStatus(Exited{transport::kChannelFailed});
    case Deed::kWork:
    case Deed::kStarve:
    case Deed::kHang:
    case Deed::kLarge:
    case Deed::kDropsRights:
    case Deed::kSignals:
    case Deed::kLimits:
      return false;
  }
  return false;
}

}  // namespace

Serial Book::make_task(Deed deed, Instant limit_at) {
  ++tally_.tasks;
  open_.emplace(++made_, Task{.deed = deed, .limit_at = limit_at});
  return made_;
}

void Book::read(const Line& line) {
  const auto [found, is_new] = processes_.try_emplace(line.worker);
  Process& process = found->second;
  if (is_new) {
    ++tally_.processes;
    note_earlier_strikes(line.worker, process);
  }
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
      if (owes_another(process, line.task)) {
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
  // A killed process is no longer stopped.
  if (strike.blow == Blow::kThaw || strike.blow == Blow::kKill) process.stopped.reset();
  ++tally_.faults[soak::to_string(strike.blow)];
}

void Book::strike_all(Blow blow, Instant at) {
  to_all_[blow] = at;
  ++tally_.faults[soak::to_string(blow) + ", to the group"];
  for (auto& [worker, process] : processes_) {
    if (process.gone) continue;
    process.strikes.push_back({worker, blow, at});
    if (blow == Blow::kThaw) process.stopped.reset();
  }
}

// It was struck together with all others, and had written its first line, which was not read yet.
void Book::note_earlier_strikes(const Identity& worker, Process& process) const {
  const Instant now = std::chrono::steady_clock::now();
  for (const auto& [blow, at] : to_all_) {
    if (at + kLateReading > now) process.strikes.push_back({worker, blow, at});
  }
}

void Book::expect_no_spawns(Instant until) { spawns_again_ = std::max(spawns_again_, until); }

void Book::expect_no_look(Instant until) { looks_again_ = std::max(looks_again_, until); }

bool Book::was_lately(Blow blow) const {
  const auto found = to_all_.find(blow);
  return found != to_all_.end() && found->second + kAftermath > std::chrono::steady_clock::now();
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
  if (!gives_value(task.deed)) complain("a value, where none can be", id, task.worker);
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
    case FailureKind::kDecode: {
      ++tally_.errors["DecodeError: " + failure.type_name];
      const bool too_large = task.deed == Deed::kLarge && task.begun == 0 && failure.started &&
                             failure.stage == Stage::kArgs && failure.type_name == "std::bad_alloc";
      if (!too_large) complain("an argument was refused: " + failure.text, id, task.worker);
      break;
    }
    case FailureKind::kSpawn:
    case FailureKind::kShutdown:  // of a pool that has been replaced because of that
      ++tally_.errors["SpawnError"];
      if (spawns_again_ + kAftermath < std::chrono::steady_clock::now()) {
        complain("a pool ends, and the program can start workers: " + failure.text, id, {});
      }
      if (task.begun > 0 || failure.started) {
        complain("a task ends with its pool, and it has begun", id, task.worker);
      }
      break;
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
    if (process.errors > 0 || owes_another(process, id)) continue;
    const bool named = blow_explains(process, failure.exit) ||
                       std::any_of(process.deeds.begin(), process.deeds.end(),
                                   [&](Deed each) { return deed_explains(each, failure.exit); });
    if (!named) continue;
    ++process.errors;
    process.told = failure.exit;
    process.open = 0;
    return;
  }
  // Before its first line nothing is known about a process, but it is in the group.
  if (task.begun == 0 && by_signal(failure.exit, SIGTERM) && was_lately(Blow::kTerm)) return;
  const std::vector<Identity> known = meant(task, failure.worker.pid);
  complain("an error names no fault of the log: " + failure.text, id,
           known.empty() ? task.worker : known.front());
}

void Book::judge_limit(Serial id, const Task& task, const Failure& failure) {
  if (task.deed != Deed::kHang) complain("a limit, where there was none", id, task.worker);
  if (!failure.started && task.begun > 0) {
    complain("an error says that the task has not run, and it has", id, task.worker);
  }
  const bool frozen = failure.cause == Cause::kFrozen;
  for (const Identity& worker : meant(task, failure.worker.pid)) {
    Process& process = processes_.at(worker);
    if (process.errors > 0 || owes_another(process, id)) continue;
    const bool was_frozen = was_lately(Blow::kSuspend) ||
                            std::any_of(process.strikes.begin(), process.strikes.end(),
                                        [](const Strike& each) { return stops(each.blow); });
    if (frozen && !was_frozen) continue;
    const bool surely = process.stopped && *process.stopped < task.limit_at;
    const bool was_seen = looks_again_ < task.limit_at;
    if (surely && was_seen && !frozen) complain("a frozen worker is not called so", id, worker);
    if (surely) ++tally_.frozen_for_sure;
    ++process.errors;
    process.by_limit = true;
    process.open = 0;
    return;
  }
  // Without a line in the ledger, it may have been given to a process that has never begun a task;
  // such a process is never struck.
  if (task.begun > 0 || (frozen && !was_lately(Blow::kSuspend)))
    complain("a limit names no worker of its task", id, task.worker);
}

// Whether the error of its end belongs to another task, which it has begun and not ended. What has
// starved may have thrown, and then it has ended without a line; its future may be read later.
bool Book::owes_another(const Process& process, Serial task) const {
  const auto open = open_.find(process.open);
  return open != open_.end() && open->first != task && open->second.deed != Deed::kStarve;
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

// It ends by itself when the pool asks it to, which the pool does only for an idle one; if it is
// frozen then, it is killed for that.
bool Book::explains(const Process& process, const ExitStatus& status) const {
  if (status == ExitStatus(Exited{0})) return process.errors == 0;
  if (process.by_limit && by_signal(status, SIGKILL)) return true;
  const bool struck =
      blow_explains(process, status) ||
      std::any_of(process.strikes.begin(), process.strikes.end(), [&](const Strike& each) {
        return stops(each.blow) && by_signal(status, SIGKILL) && process.errors == 0;
      });
  return struck || std::any_of(process.deeds.begin(), process.deeds.end(),
                               [&](Deed each) { return deed_explains(each, status); });
}

bool Book::blow_explains(const Process& process, const ExitStatus& status) const {
  const bool changed = std::any_of(process.deeds.begin(), process.deeds.end(),
                                   [](Deed each) { return each == Deed::kSignals; });
  if (by_signal(status, SIGTERM) && was_lately(Blow::kTerm)) return true;
  return std::any_of(process.strikes.begin(), process.strikes.end(), [&](const Strike& each) {
    return ends(each.blow, changed) && by_signal(status, signal_of(each.blow));
  });
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
    if (hangs(worker) && !process.gone && process.strikes.empty()) found.push_back(worker);
  }
  return found;
}

bool Book::hangs(const Identity& worker) const {
  const auto process = processes_.find(worker);
  if (process == processes_.end()) return false;
  const auto task = open_.find(process->second.open);
  return task != open_.end() && task->second.deed == Deed::kHang;
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
