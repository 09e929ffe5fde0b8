#include "executor/supervise/supervisor.h"

#include <algorithm>
#include <utility>

#include "executor/check.h"

namespace poolproof::supervise {
namespace {

using transport::Frame;
using transport::FrameKind;

// The order matters:
// - whether a new worker exists is known before the end of another one is handled;
// - what was sent comes before its answer;
// - replies come before channel loss, and channel loss before exits, so that a finished task never
//   turns into an error (law L7);
// - then come the requests of the program.
// Deadlines come last, in expire().
int rank(const Input& input) {
  if (std::holds_alternative<WorkerSpawned>(input) || std::holds_alternative<SpawnFailed>(input)) {
    return -2;
  }
  if (std::holds_alternative<PayloadMoved>(input)) return -1;
  if (std::holds_alternative<FrameCame>(input) || std::holds_alternative<GarbageCame>(input)) {
    return 0;
  }
  if (std::holds_alternative<ChannelEnded>(input)) return 1;
  if (std::holds_alternative<WorkerExited>(input)) return 2;
  return 3;
}

// A reply for which this process had no memory.
Failure failure_of_dropped(const Frame& frame, WorkerRef worker) {
  const bool is_value = frame.kind == FrameKind::kValue;
  Failure failure;
  failure.kind = FailureKind::kDecode;
  failure.stage = Stage::kResult;
  failure.task = frame.task;
  failure.worker = worker;
  failure.started = true;
  failure.type_name = "std::bad_alloc";
  failure.text = (is_value ? "the result is " : "the report of a failure is ") +
                 std::to_string(frame.dropped) +
                 " bytes long, and this program had no memory to take it in; the worker and the "
                 "executor go on";
  return failure;
}

}  // namespace

std::vector<Order> Supervisor::step(std::vector<Input> inputs, Instant now) {
  now_ = now;
  std::stable_sort(inputs.begin(), inputs.end(),
                   [](const Input& a, const Input& b) { return rank(a) < rank(b); });
  for (Input& input : inputs) {
    std::visit([this](auto& each) { take(each); }, input);
  }
  expire();
  pump();
  if (!finished_) tell_health();
  return std::exchange(orders_, {});
}

void Supervisor::take(PayloadMoved& input) {
  if (Worker* worker = find(input.worker)) {
    apply(*worker, input.whole ? Event::kTaken : Event::kTakes, {});
  }
}

void Supervisor::take(FrameCame& input) {
  Worker* worker = find(input.worker);
  if (worker == nullptr) return;
  Frame& frame = input.frame;
  Details details;
  Event event = Event::kNonsense;
  switch (frame.kind) {
    case FrameKind::kHello:
      event = Event::kHello;
      break;
    case FrameKind::kRefusal:
      event = Event::kRefusal;
      details.text.assign(reinterpret_cast<const char*>(frame.payload.data()),
                          frame.payload.size());
      break;
    case FrameKind::kInitBegun:
      event = Event::kInitBegun;
      break;
    case FrameKind::kMemory:
      event = Event::kMemory;
      details.bytes = frame.task;
      break;
    case FrameKind::kClaim:
      event = Event::kClaim;
      break;
    case FrameKind::kWithdrawn:
      event = Event::kWithdrawn;
      break;
    case FrameKind::kValue:
      event = Event::kReply;
      details.reply = frame.dropped == 0 ? Outcome(std::move(frame.payload))
                                         : Outcome(failure_of_dropped(frame, worker->ref));
      break;
    case FrameKind::kFailed:
      if (frame.dropped != 0) {
        event = frame.task == 0 ? Event::kInitFailed : Event::kReply;
        details.reply = failure_of_dropped(frame, worker->ref);
      } else if (auto failure = transport::parse_failure(frame.payload, frame.task)) {
        event = frame.task == 0 ? Event::kInitFailed : Event::kReply;
        failure->worker = worker->ref;
        details.reply = std::move(*failure);
      } else {
        details.nonsense = "a report of a failure that cannot be read";
      }
      break;
    case FrameKind::kOffer:
    case FrameKind::kWithdraw:
    case FrameKind::kStop:
    case FrameKind::kTally:
    case FrameKind::kInitialize:
      details.nonsense = "a message that only the parent sends";
      break;
  }
  const bool about_a_task =
      event == Event::kClaim || event == Event::kWithdrawn || event == Event::kReply;
  if (about_a_task && worker->task != 0 && frame.task != worker->task) {
    event = Event::kNonsense;
    details.nonsense =
        "a message about task " + std::to_string(frame.task) + ", which it was not given";
  }
  const bool asked_back = worker->state == State::kWithdrawing;
  if (event == Event::kWithdrawn && asked_back && worker->sending) {
    event = Event::kNonsense;
    details.nonsense = "back a task of which it cannot have read all";
  }
  apply(*worker, event, std::move(details));
}

void Supervisor::take(GarbageCame& input) {
  if (Worker* worker = find(input.worker)) {
    apply(*worker, Event::kNonsense, {.nonsense = input.what});
  }
}

void Supervisor::take(ChannelEnded& input) {
  if (Worker* worker = find(input.worker)) apply(*worker, Event::kChannelLost, {});
}

void Supervisor::take(WorkerExited& input) {
  if (Worker* worker = find(input.worker)) {
    worker->notes.was_frozen = input.was_frozen;
    worker->notes.out_of_memory = input.out_of_memory;
    worker->notes.own_limit = input.own_limit;
    worker->notes.by_itself = input.by_itself;
    if (!input.abandoned) worker->notes.kill_error.clear();  // it has ended in spite of that
    worker->notes.stderr_tail = std::move(input.stderr_tail);
    apply(*worker, Event::kExit, {.exit = input.exit});
  }
}

void Supervisor::take(TaskSubmitted& input) {
  if (ended_) {
    fail(input.task, *ended_);
  } else if (shutdown_) {
    fail(input.task,
         plain_failure(FailureKind::kShutdown, input.task, "the executor is shut down"));
  } else {
    tasks_.add({.id = input.task,
                .payload = std::move(input.payload),
                .deadline = input.deadline,
                .run_limit = input.run_limit,
                .retries = input.retries});
  }
}

void Supervisor::take(CancelAsked& input) {
  Task* task = tasks_.find(input.task);
  if (task == nullptr) return;
  if (task->holder == 0) {
    cancel_waiting(task->id);
    return;
  }
  task->unwanted = true;  // in any case it is not given to another worker
  task->kill_if_begun |= input.running == Running::kKill;
  if (!task->started) {
    withdraw(*task);
  } else if (task->kill_if_begun) {
    apply(*find(task->holder), Event::kKill, {.wanted_end = WantedEnd::kCancel});
  }
}

void Supervisor::take(ShutdownAsked& input) {
  if (!shutdown_) {
    shutdown_ = input;
  } else {  // a second call can only make the shutdown stronger
    if (input.pending == Pending::kCancel) shutdown_->pending = Pending::kCancel;
    if (input.running == Running::kKill) shutdown_->running = Running::kKill;
  }
  if (input.until && (!shutdown_until_ || *input.until < *shutdown_until_)) {
    shutdown_until_ = input.until;
  }
  if (shutdown_->pending == Pending::kCancel) {
    for (const TaskId id : tasks_.all_waiting()) cancel_waiting(id);
    for (const TaskId id : tasks_.all()) {
      if (Task& task = *tasks_.find(id); !task.started) withdraw(task);
    }
  }
  if (shutdown_->running == Running::kKill) kill_everything();
}

void Supervisor::take(ResizeAsked& input) {
  POOLPROOF_CHECK(input.workers >= 1, "the public edge refuses a pool without workers");
  wanted_ = input.workers;
}

void Supervisor::take(PrestartAsked& input) {
  if (ended_ || shutdown_) return;
  prestart_ = static_cast<std::size_t>(std::min(input.workers, wanted_));
}

void Supervisor::take(HealthAsked& input) { tickets_.push_back(input.ticket); }

void Supervisor::take(WorkerSpawned& input) {
  ++counters_.spawned;
  spawn_failures_ = 0;
  Worker* worker = find(input.worker);
  POOLPROOF_CHECK(worker != nullptr && worker->state == State::kStarting,
                  "what becomes of a worker is told after its spawn");
  worker->ref.pid = input.pid;
  if (options_.initializer) {
    orders_.push_back(SendFrame{worker->id, FrameKind::kInitialize, 0, options_.initializer});
  }
}

void Supervisor::take(SpawnFailed& input) {
  Worker* worker = find(input.worker);
  POOLPROOF_CHECK(worker != nullptr, "a spawn was ordered for a worker that is not on the books");
  ++counters_.spawn_failures;
  // Workers that were ordered together fail together, and count once.
  if (std::exchange(failed_round_, worker->spawn_round) != worker->spawn_round) ++spawn_failures_;
  workers_.erase(input.worker);
  if (workers_.empty() && spawn_failures_ >= kSpawnTries) {
    end_pool(plain_failure(FailureKind::kSpawn, 0,
                           "no worker can be started, though it was tried " +
                               std::to_string(spawn_failures_) +
                               " times: " + os::to_string(input.error)));
  }
  pause_spawning(spawn_failures_);
}

void Supervisor::take(KillFailed& input) {
  if (Worker* worker = find(input.worker)) {
    worker->notes.was_frozen = input.was_frozen;
    apply(*worker, Event::kKillFailed, {.text = os::to_string(input.error)});
  }
}

// A worker that holds a task ends it first: it began while the program had the same rights.
void Supervisor::take(RightsChanged&) {
  for (auto& [id, worker] : workers_) worker.outdated = true;
}

void Supervisor::take(DescriptorsLost&) {
  const Failure why = plain_failure(
      FailureKind::kSupervisorLost, 0,
      "the program closed descriptors of the executor (look for close loops over all descriptors)");
  end_pool(why);  // first: a user who learns of it from a future must find the pool ended
  for (const TaskId id : tasks_.all()) fail(id, why);
  workers_.clear();
  finish();
}

void Supervisor::withdraw(Task& task) {
  task.unwanted = true;
  Worker* worker = find(task.holder);
  if (worker != nullptr && worker->state == State::kOffered) apply(*worker, Event::kWithdraw, {});
}

bool Supervisor::has_certainly_not_run(TaskId id) {
  const Task* task = tasks_.find(id);
  return task != nullptr && !task->ran && task->holder == 0;
}

Supervisor::Worker* Supervisor::find(WorkerId id) {
  const auto found = workers_.find(id);
  return found == workers_.end() ? nullptr : &found->second;
}

}  // namespace poolproof::supervise
