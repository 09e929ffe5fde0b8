// What the supervisor may report: about tasks, about the pool's end, and at the end.
#include <signal.h>

#include <algorithm>

#include "fuzz/simulation/judge.h"
#include "fuzz/simulation/memory.h"

namespace poolproof::simulation {
namespace {

bool is_sigkill(const ExitStatus& exit) {
  const auto* signaled = std::get_if<Signaled>(&exit);
  return signaled != nullptr && signaled->signal == SIGKILL;
}

}  // namespace

Bytes value_of(TaskId task, bool large) {
  return Bytes(large ? kLargeReply : 3, static_cast<std::byte>(0x40 + task));
}

const Process* Judge::named_by(const WorkerRef& worker) const {
  for (const Process& process : facts_.processes) {
    if (process.pid == worker.pid && process.index == worker.index) return &process;
  }
  return nullptr;
}

void Judge::settles(TaskId id, const supervise::Outcome& outcome) {
  TaskFacts* task = facts_.find(id);
  if (task == nullptr || !task->submitted)
    return facts_.breaks("a task ends that nobody submitted");
  if (++task->settled > 1) return facts_.breaks("L5: a future ends twice");
  const auto* failure = std::get_if<Failure>(&outcome);
  const std::string wrong = failure != nullptr ? failure_is_wrong(id, *task, *failure)
                                               : value_is_wrong(*task, std::get<Bytes>(outcome));
  if (!wrong.empty()) {
    facts_.breaks("task " + std::to_string(id) + ": " + wrong +
                  (failure != nullptr ? " [" + failure->text + "]" : ""));
  }
  for (Process& process : facts_.processes) {
    if (process.task == id && process.gone()) process.task = 0;
  }
  task->waits = false;
}

std::string Judge::value_is_wrong(const TaskFacts& task, const Bytes& value) const {
  if (!task.claimed) return "a value, and nobody claimed it";
  const Process& holder = holder_of(task);
  if (holder.forger) return "";  // what it sends in its own name looks like the truth
  if (!task.replied) return "a value that nobody has sent wholly (L4)";
  const auto id = static_cast<TaskId>(&task - facts_.tasks.data() + 1);
  return value == value_of(id, task.plan.large_reply) ? ""
                                                      : "another value than its body gave back";
}

// Whether there was no memory for its argument in the worker, or for its result here.
bool Judge::lacked_memory(const TaskFacts& task, const Process& holder,
                          const Failure& failure) const {
  if (failure.kind != FailureKind::kDecode || !failure.started) return false;
  if (failure.stage == Stage::kArgs) return task.plan.large_call && holder.memory_struck;
  return task.plan.large_reply && facts_.memory_struck;
}

std::string Judge::failure_is_wrong(TaskId id, const TaskFacts& task,
                                    const Failure& failure) const {
  if (failure.task != id) return "its failure names another task";
  const Process* holder = task.holder >= 0 ? &holder_of(task) : nullptr;
  if (failure.kind == FailureKind::kSupervisorLost) {
    if (facts_.sleep_failed) {
      if (!failure.started && task.claimed) return "called not started, and it was claimed";
      return failure.started && task.offers == 0 ? "called started, and nobody was given it" : "";
    }
    if (failure.started && !task.claimed) return "called started, and nobody claimed it";
    return facts_.descriptors_struck ? "" : "nobody has closed a descriptor";
  }
  // A worker that shuts its receiving end counts as lost once that is noticed, although it may
  // still send.
  const bool forged = holder != nullptr && holder->forger;
  const bool deaf = holder != nullptr && holder->refuses;
  if (!forged && !deaf && !facts_.descriptors_struck && failure.started != task.claimed) {
    return task.claimed ? "called not started, and it was claimed"
                        : "called started, and nobody claimed it";
  }
  const bool own = failure.kind == FailureKind::kTask || failure.kind == FailureKind::kDecode ||
                   failure.kind == FailureKind::kEncode;
  if (own) {
    if (forged) return "";
    if (failure.type_name == "std::bad_alloc") {
      return task.replied && lacked_memory(task, *holder, failure) ? "" : "there was memory";
    }
    return task.replied && task.plan.body == Body::kThrows ? "" : "it has thrown nothing";
  }
  // What it wrote after its channel had refused our write, or after a protocol violation, is
  // ignored.
  const bool heard = holder != nullptr && !holder->mad && !holder->refuses;
  if (task.replied && heard && !facts_.descriptors_struck) {
    return "L7: a finished task turns into an error";
  }
  if (failure.text.find(kRefusalText) != std::string::npos && failure.worker.pid != 0 &&
      (named_by(failure.worker) == nullptr || named_by(failure.worker)->outlived)) {
    return "a refusal that its worker has outlived is blamed";
  }
  switch (failure.kind) {
    case FailureKind::kWorkerLost:
    case FailureKind::kProtocol:
      return loss_is_wrong(task, failure);
    case FailureKind::kDeadline:
      return deadline_is_wrong(task, failure);
    case FailureKind::kCancelled:
      if (!task.cancel_asked && !facts_.shutdown_cancels) return "nobody cancelled it";
      return failure.cause == Cause::kCancelled ? kill_is_wrong(task, failure, kForCancel) : "";
    case FailureKind::kShutdown:
      if (!facts_.shutdown) return "nobody asked for a shutdown";
      return failure.worker.pid != 0 ? kill_is_wrong(task, failure, kForShutdown) : "";
    case FailureKind::kSpawn:
    case FailureKind::kInitializer:
    case FailureKind::kPoolBroken:
      if (!facts_.pool_end) return "called lost with the pool, which has not ended";
      return failure.kind == facts_.pool_end->kind && failure.worker == facts_.pool_end->worker
                 ? ""
                 : "another end of the pool than was told";
    default:
      return "a failure that no supervisor makes";
  }
}

// It ends because its worker died, and this was not planned.
std::string Judge::loss_is_wrong(const TaskFacts& task, const Failure& failure) const {
  if (task.holder < 0) return "lost with a worker, and none had it";
  const Process& holder = holder_of(task);
  if (named_by(failure.worker) != &holder) return "another worker than its own is blamed";
  if (failure.kind == FailureKind::kProtocol && failure.cause != Cause::kGarbage) {
    return "a protocol error of another cause";
  }
  if (failure.kind == FailureKind::kWorkerLost && failure.cause == Cause::kGarbage) {
    return "garbage, and no protocol error";
  }
  if (!failure.started && !holder.forgotten && task.offers < supervise::Supervisor::kLossLimit) {
    return "given up unclaimed, too early";
  }
  const bool last = task.starts > task.plan.retries ||
                    task.offers - task.starts >= supervise::Supervisor::kLossLimit ||
                    task.cancel_asked || facts_.pool_end || facts_.shutdown_cancels ||
                    holder.forger || holder.forgotten ||
                    facts_.plan.options.on_death == OnDeath::kBreakPool;
  if (failure.started && !last) return "given up, though it could be run again";
  return blame_is_wrong(holder, failure);
}

// Whether the failure describes this unplanned death of this worker correctly.
std::string Judge::blame_is_wrong(const Process& process, const Failure& failure) const {
  if (failure.intent != Intent::kUnplanned) return "an unplanned death is called planned";
  if (!process.gone()) return "a death is told before its record was taken (L3)";
  if (!(failure.exit == process.given)) return "another exit than the kernel's record";
  if (const std::string wrong = kill_is_told_wrong(process, failure); !wrong.empty()) return wrong;
  if (!process.struck && process.kill_reasons == 0 && !process.out_of_memory) {
    return "a bystander is blamed";
  }
  const bool ours = process.died_of_us;
  const auto killed_for = [&](unsigned reason) {
    return process.kill_called && (process.kill_reasons & reason) != 0;
  };
  switch (failure.cause) {
    case Cause::kSelf:
      if (process.out_of_memory && facts_.plain_sigkills == 0 && !process.kill_called) {
        return "the kernel counted an out-of-memory kill";
      }
      return ours ? "our own kill is called its own end" : "";
    case Cause::kUnknown:
      return process.elsewhere ? "" : "its record could be had";
    case Cause::kOutOfMemory:
      return facts_.out_of_memory_struck && is_sigkill(process.given) && !ours
                 ? ""
                 : "memory is no cause";
    case Cause::kGarbage:
      return process.mad ? "" : "it sent no nonsense";
    case Cause::kChannelLost:
      return killed_for(kForLoss) ? "" : "its channel was not lost so long";
    case Cause::kLate:
      if (process.frozen_when_killed) return "it was frozen, and that is not said";
      return killed_for(kForLateness) ? "" : "it was not late";
    case Cause::kFrozen:
      return killed_for(kForLateness) && process.frozen_when_killed ? "" : "it was not frozen";
    default:
      return "a cause that no unplanned death has";
  }
}

std::string Judge::deadline_is_wrong(const TaskFacts& task, const Failure& failure) const {
  const bool come = task.deadline && *task.deadline <= facts_.now;
  if (failure.worker.pid == 0) return come ? "" : "its deadline has not come";
  switch (failure.cause) {
    case Cause::kDeadline:
      return kill_is_wrong(task, failure, kForDeadline);
    case Cause::kRunLimit:
      return kill_is_wrong(task, failure, kForRunLimit);
    case Cause::kFrozen:
      return kill_is_wrong(task, failure, kForDeadline | kForRunLimit);
    default:
      return "a deadline of another cause";
  }
}

// Whether a worker that may still live is reported as such, and no other one.
std::string Judge::kill_is_told_wrong(const Process& process, const Failure& failure) const {
  const bool told = failure.text.find("it may still run") != std::string::npos;
  if (told != process.forgotten) {
    return told ? "it has ended, and is said to run" : "it may still run, and that is not said";
  }
  return !told || failure.text.find("pidfd_send_signal(SIGKILL)") != std::string::npos
             ? ""
             : "the kill failed, and it is not said how";
}

// It ends because its worker was killed on purpose.
std::string Judge::kill_is_wrong(const TaskFacts& task, const Failure& failure,
                                 unsigned reason) const {
  if (task.holder < 0) return "killed with a worker, and none had it";
  const Process& holder = holder_of(task);
  if (named_by(failure.worker) != &holder) return "another worker than its own is named";
  if (!holder.gone()) return "an end is told before the record was taken (L3)";
  if (!(failure.exit == holder.given)) return "another exit than the kernel's record";
  if (const std::string wrong = kill_is_told_wrong(holder, failure); !wrong.empty()) return wrong;
  if (!holder.kill_called) return "its worker was not killed";
  if ((holder.kill_reasons & reason) == 0) return "its worker was killed for something else";
  const bool may_freeze = (reason & (kForDeadline | kForRunLimit)) != 0;
  if (may_freeze && holder.frozen_when_killed != (failure.cause == Cause::kFrozen)) {
    return holder.frozen_when_killed ? "it was frozen, and that is not said" : "it was not frozen";
  }
  return "";
}

void Judge::ends_pool(const Failure& why) {
  // When the thread breaks down, it does not know what happened to the pool.
  if (facts_.pool_end && !facts_.sleep_failed) facts_.breaks("the pool ends twice");
  facts_.pool_end = why;
  if (facts_.sleep_failed) {
    if (why.kind != FailureKind::kSupervisorLost || why.text.find("ppoll") == std::string::npos) {
      facts_.breaks("it cannot sleep, and the pool's end does not say so");
    }
    return;
  }
  if (why.kind == FailureKind::kSupervisorLost) {
    if (!facts_.descriptors_struck) facts_.breaks("nobody has closed a descriptor");
    return;
  }
  if (why.worker.pid == 0) {
    const bool hopeless = facts_.spawn_failures >= supervise::Supervisor::kSpawnTries;
    if (why.kind != FailureKind::kSpawn || !hopeless) facts_.breaks("the pool ends too early");
    return;
  }
  const Process* named = named_by(why.worker);
  if (named == nullptr) return facts_.breaks("the pool ends with a worker that never was");
  if (why.cause == Cause::kInitializer) {
    if (!named->init_threw) facts_.breaks("its initializer has not thrown");
    return;
  }
  const bool breaks = facts_.plan.options.on_death == OnDeath::kBreakPool;
  if (why.kind == FailureKind::kPoolBroken && !breaks) facts_.breaks("this pool does not break");
  if (!breaks && named->ever_claimed && !named->forger) {
    facts_.breaks("the pool ends with a worker that is not fresh");
  }
  const bool hopeless = named->refusal_read || why.cause == Cause::kLate;
  const auto fresh =
      std::count_if(facts_.processes.begin(), facts_.processes.end(), [](const Process& process) {
        return process.gone() && (!process.ever_claimed || process.forger);
      });
  if (!breaks && !hopeless && fresh < supervise::Supervisor::kLossLimit) {
    facts_.breaks("the pool ends too early");
  }
  const std::string wrong = blame_is_wrong(*named, why);
  if (!wrong.empty()) facts_.breaks("the pool's end: " + wrong + " [" + why.text + "]");
}

// Workers spawned in the same step are not counted yet, except in the last report.
void Judge::tells(const Health& health, bool last) {
  if (facts_.descriptors_struck) return;
  std::uint64_t settled = 0, reaped = 0, ended = 0;
  std::uint64_t just_now = 0;  // reaped instead of killed, or forgotten, after it was counted
  for (const TaskFacts& task : facts_.tasks) settled += static_cast<std::uint64_t>(task.settled);
  for (const Process& process : facts_.processes) {
    if (!process.gone()) continue;
    ++reaped;
    const int in = process.forgotten ? process.forgotten_in : process.reaped_in;
    just_now += in == facts_.turns && !last ? 1 : 0;
  }
  for (const auto& [cause, times] : health.ended) ended += times;
  if (health.settled != settled) facts_.breaks("health: another number of settled tasks");
  if (ended > reaped || ended + just_now < reaped) {
    facts_.breaks("health: another number of ended workers");
  }
  if (health.workers_wanted != facts_.wanted) facts_.breaks("health: another size");
  if (health.ended_by(Cause::kOutOfMemory) > facts_.memory_kills) {
    facts_.breaks("one kill that the kernel counted explains two deaths");
  }
  if (!last) return;
  if (health.spawned != facts_.processes.size()) facts_.breaks("health: another number of spawns");
  if (health.spawn_failures != static_cast<std::uint64_t>(facts_.spawn_failures)) {
    facts_.breaks("health: another number of failed spawns");
  }
}

// A worker that could not be killed, and has not ended, as far as it was possible to wait for it.
bool Judge::may_be_left(const Process& process) const {
  if (!process.kill_failed_at) return false;
  if (process.late || facts_.descriptors_struck || facts_.sleeps_no_more) return true;
  return process.forgotten ? !process.recorded : !process.ended && !process.dying;
}

void Judge::is_over() {
  if (!facts_.finished) facts_.breaks("liveness: the pool does not come to its end");
  const bool lost = facts_.descriptors_struck && (facts_.lost || facts_.sleep_failed);
  for (const TaskFacts& task : facts_.tasks) {
    // Inputs that came after the descriptors were lost, and before this was noticed, are ended by
    // the owner of the loop (front/pool.cc).
    const bool unseen = lost && task.offers == 0;
    if (task.submitted && task.settled == 0 && !unseen) facts_.breaks("L5: a future is left open");
  }
  for (const Process& process : facts_.processes) {
    if (process.reaped == 0 && !(lost && process.abandoned) && !may_be_left(process)) {
      facts_.breaks("L9: worker " + std::to_string(process.number) + " is left");
    }
  }
}

}  // namespace poolproof::simulation
