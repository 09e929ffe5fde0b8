// Compares the wanted state with the actual state: deadlines, which worker gets which task, which
// worker may end, and which must start.
#include <algorithm>
#include <utility>

#include "executor/supervise/supervisor.h"

namespace poolproof::supervise {

std::optional<Instant> Supervisor::next_deadline() const {
  std::optional<Instant> next = tasks_.next_deadline();
  const auto consider = [&](const std::optional<Instant>& other) {
    if (other && (!next || *other < *next)) next = other;
  };
  if (!finished_) consider(shutdown_until_);
  if (tasks_.waiting() > 0) consider(spawn_after_);
  for (const auto& [id, worker] : workers_) consider(worker.grace_until);
  return next;
}

void Supervisor::expire() {
  for (const TaskId id : tasks_.take_expired(now_)) {
    Task* task = tasks_.find(id);
    if (task->holder == 0) {
      fail(id, plain_failure(FailureKind::kDeadline, id, "its deadline came while it waited"));
    } else {
      apply(*find(task->holder), Event::kKill, {.wanted_end = WantedEnd::kDeadline});
    }
  }
  for (auto at = workers_.begin(); at != workers_.end();) {
    Worker& worker = (at++)->second;  // the call may remove it from the map
    // Idle workers are checked only after tasks were handed out: one that gets a task stays.
    if (worker.state != State::kIdle) end_grace(worker);
  }
  if (spawn_after_ && *spawn_after_ <= now_) spawn_after_.reset();
  if (shutdown_until_ && *shutdown_until_ <= now_) {
    shutdown_until_.reset();
    shutdown_->running = Running::kKill;
    kill_everything();
  }
}

void Supervisor::end_grace(Worker& worker) {
  if (worker.grace_until && *worker.grace_until <= now_) apply(worker, Event::kGraceOver, {});
}

void Supervisor::pump() {
  if (finished_) return;
  hand_out();
  for (auto& [id, worker] : workers_) {
    if (worker.state == State::kIdle) end_grace(worker);
  }
  retire();
  spawn_as_needed();
  if (shutdown_ && tasks_.empty() && workers_.empty()) {
    finish();
  }
}

void Supervisor::tell_health() {
  for (const std::uint64_t ticket : std::exchange(tickets_, {})) {
    orders_.push_back(TellHealth{ticket, health()});
  }
}

Health Supervisor::health() const {
  Health health = counters_;
  health.workers_wanted = wanted_;
  health.queued = tasks_.waiting();
  for (const auto& [id, worker] : workers_) {
    switch (worker.state) {
      case State::kStarting:
      case State::kInitializing:
        ++health.starting;
        break;
      case State::kIdle:
        ++health.idle;
        break;
      case State::kOffered:
      case State::kWithdrawing:
      case State::kTaking:
      case State::kBusy:
        ++health.busy;
        break;
      case State::kStopping:
      case State::kKilling:
      case State::kLosing:
      case State::kViolation:
      case State::kUnkilled:
      case State::kReaped:
        ++health.ending;
        break;
    }
  }
  return health;
}

void Supervisor::hand_out() {
  for (auto& [id, worker] : workers_) {
    if (tasks_.waiting() == 0) return;
    if (worker.state != State::kIdle || wish_to_retire(worker) != WantedEnd::kNone) continue;
    Task* task = tasks_.hand_out(id);
    apply(worker, Event::kOffer, {.offered = task->id});
  }
}

void Supervisor::retire() {
  for (auto& [id, worker] : workers_) {
    const bool has_no_task = worker.state == State::kIdle || is_coming(worker);
    if (!has_no_task) continue;
    const WantedEnd wanted_end = wish_to_retire(worker);
    if (wanted_end != WantedEnd::kNone) apply(worker, Event::kStop, {.wanted_end = wanted_end});
  }
}

bool Supervisor::is_coming(const Worker& worker) const {
  return worker.state == State::kStarting || worker.state == State::kInitializing;
}

// Why this worker, which has no task, must end; kNone: it may stay.
WantedEnd Supervisor::wish_to_retire(const Worker& worker) const {
  if ((shutdown_ || ended_) && tasks_.waiting() == 0) return WantedEnd::kStop;
  if (worker.ref.index >= wanted_) return WantedEnd::kResize;
  if (worker.outdated) return WantedEnd::kRights;
  if (options_.tasks_per_worker > 0 && worker.tasks_done >= options_.tasks_per_worker) {
    return WantedEnd::kSpent;
  }
  const bool grown = options_.memory_growth > 0 && worker.memory_at_first &&
                     worker.memory >= *worker.memory_at_first &&
                     worker.memory - *worker.memory_at_first >= options_.memory_growth;
  if (grown) return WantedEnd::kGrown;
  return WantedEnd::kNone;
}

void Supervisor::pause_spawning(int losses) {
  if (losses < 2) return;
  const int doublings = std::min(losses - 2, 10);
  spawn_after_ = os::after(now_, std::min(kFirstPause * (1 << doublings), kLongestPause));
}

// How many workers must still start: for the waiting tasks, and for a prestart, which is tried
// once.
std::size_t Supervisor::missing(std::size_t starting) const {
  const std::size_t for_tasks = tasks_.waiting() - std::min(tasks_.waiting(), starting);
  const std::size_t for_prestart = prestart_ - std::min(prestart_, workers_.size());
  return std::max(for_tasks, for_prestart);
}

// What this costs depends on the workers there are and on those that are missing, not on the number
// that is allowed, which may be INT_MAX.
void Supervisor::spawn_as_needed() {
  if (spawn_after_) return;
  const auto starting = static_cast<std::size_t>(
      std::ranges::count_if(workers_, [this](const auto& each) { return is_coming(each.second); }));
  // Those beyond the wanted places count too, until they have ended: never more at once than asked.
  const auto wanted = static_cast<std::size_t>(wanted_);
  const std::size_t room = wanted - std::min(wanted, workers_.size());
  const std::size_t needed = std::min(room, missing(starting));
  prestart_ = 0;
  ++spawn_round_;
  for (const int place : free_places(needed)) {
    Worker worker;
    worker.id = ++last_worker_;
    worker.ref.index = place;
    worker.spawn_round = spawn_round_;
    worker.grace_until = os::after(now_, options_.start_limit);
    orders_.push_back(SpawnWorker{worker.id, place});
    workers_.emplace(worker.id, std::move(worker));
  }
}

// The lowest, at most wanted_ - workers_.size() of them.
std::vector<int> Supervisor::free_places(std::size_t count) const {
  if (count == 0) return {};
  // Among so many places at most workers_.size() are taken, so that enough of them are free.
  std::vector<bool> taken(workers_.size() + count);
  for (const auto& [id, worker] : workers_) {
    const auto place = static_cast<std::size_t>(worker.ref.index);
    if (place < taken.size()) taken[place] = true;
  }
  std::vector<int> free;
  for (std::size_t place = 0; free.size() < count; ++place) {
    if (!taken[place]) free.push_back(static_cast<int>(place));
  }
  return free;
}

}  // namespace poolproof::supervise
