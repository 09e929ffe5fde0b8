#include "fuzz/supervisor_model.h"

#include <utility>

namespace poolproof::supervise {

using transport::FrameKind;

void SupervisorModel::told(const Input& input) {
  if (const auto* submitted = std::get_if<TaskSubmitted>(&input)) {
    tasks_[submitted->task] = {.retries = submitted->retries};
  } else if (const auto* resized = std::get_if<ResizeAsked>(&input)) {
    most_workers_ = resized->workers;
  } else if (const auto* came = std::get_if<FrameCame>(&input)) {
    heard(came->worker, came->frame);
  } else if (const auto* ended = std::get_if<ChannelEnded>(&input)) {
    if (workers_.contains(ended->worker)) worker(ended->worker).hung_up = true;
  } else if (const auto* exited = std::get_if<WorkerExited>(&input)) {
    if (workers_.contains(exited->worker)) worker(exited->worker).ended = true;
    if (exited->abandoned) workers_.erase(exited->worker);
  } else if (const auto* failed = std::get_if<SpawnFailed>(&input)) {
    workers_.erase(failed->worker);
  } else if (const auto* unkilled = std::get_if<KillFailed>(&input)) {
    if (workers_.contains(unkilled->worker)) worker(unkilled->worker).kill_failed = true;
  }
}

void SupervisorModel::heard(WorkerId id, const transport::Frame& frame) {
  if (!workers_.contains(id)) return;
  Worker& from = worker(id);
  if (frame.kind == FrameKind::kHello) from.said_hello = true;
  if (frame.kind == FrameKind::kInitBegun) from.began_initializer = true;
  if (frame.kind == FrameKind::kClaim && from.task != 0 && frame.task == from.task &&
      !std::exchange(from.claimed, true)) {
    ++tasks_.at(from.task).claims;
  }
}

std::optional<std::string> SupervisorModel::ordered(const Order& order) {
  if (finished_) return "an order after the end";
  if (const auto* spawned = std::get_if<SpawnWorker>(&order)) return spawn(*spawned);
  if (const auto* sent = std::get_if<SendFrame>(&order)) return send(*sent);
  if (const auto* settled = std::get_if<SettleTask>(&order)) return settle(*settled);
  if (const auto* forgotten = std::get_if<ForgetWorker>(&order)) return forget(*forgotten);
  if (std::holds_alternative<Finish>(order)) return finish();
  if (const auto* told = std::get_if<TellHealth>(&order)) return check(told->health);
  if (std::holds_alternative<EndPool>(order) && std::exchange(pool_ended_, true)) {
    return "the pool ends twice";
  }
  if (const auto* killed = std::get_if<KillWorker>(&order)) {
    if (!workers_.contains(killed->worker)) return "a kill of nobody";
    if (std::exchange(worker(killed->worker).killed, true)) return "a second kill";
  }
  if (const auto* abandoned = std::get_if<AbandonWorker>(&order)) {
    const bool known = workers_.contains(abandoned->worker);
    if (!known || !worker(abandoned->worker).kill_failed)
      return "given up, though it can be killed";
    if (std::exchange(worker(abandoned->worker).abandoned, true)) return "given up twice";
  }
  return std::nullopt;
}

std::optional<std::string> SupervisorModel::spawn(const SpawnWorker& order) {
  if (pool_ended_) return "a worker is started for a pool that has ended";
  if (!seen_.insert(order.worker).second) return "a worker number is used again";
  if (order.index < 0 || order.index >= most_workers_) return "a place that the pool does not have";
  for (const auto& [id, other] : workers_) {
    if (other.index == order.index) return "two workers in one place";
  }
  if (workers_.size() >= static_cast<std::size_t>(most_workers_)) return "more workers than asked";
  workers_[order.worker].index = order.index;
  return std::nullopt;
}

std::optional<std::string> SupervisorModel::send(const SendFrame& order) {
  if (!workers_.contains(order.worker)) return "a message to nobody";
  Worker& to = worker(order.worker);
  if (to.killed) return "a message to a worker that was killed";
  if (order.kind == FrameKind::kOffer) {
    if (!to.said_hello) return "an offer before the hello";
    if (to.task != 0) return "two tasks at a time";
    if (pool_ended_) return "an offer in a pool that has ended";
    TaskFacts& task = tasks_.at(order.task);
    if (to.index >= most_workers_) return "an offer to a worker beyond the size of the pool";
    if (task.ended) return "an offer of a task that has ended";
    // If a worker dies with a retry that it has not claimed, no retry is used up.
    if (task.claims > task.retries) return "L6: a task that was claimed is offered again";
    for (const auto& [id, other] : workers_) {
      if (other.task == order.task) return "a task is offered to two workers";
    }
    to.task = order.task;
    to.claimed = to.asked_back = false;
  } else if (order.kind == FrameKind::kWithdraw) {
    if (to.task != order.task || to.claimed)
      return "what it does not hold, or has claimed, is asked back";
    if (std::exchange(to.asked_back, true)) return "a task is asked back twice";
  } else if (order.kind == FrameKind::kInitialize) {
    if (std::exchange(to.was_sent_initializer, true)) return "an initializer is sent twice";
    if (to.said_hello) return "an initializer is sent after the hello";
  } else if (order.kind == FrameKind::kStop) {
    if (to.task != 0) return "a worker with a task is asked to stop";
  } else {
    return "a message that only a worker may send";
  }
  return std::nullopt;
}

std::optional<std::string> SupervisorModel::settle(const SettleTask& order) {
  if (!tasks_.contains(order.task)) return "a task that nobody submitted ends";
  TaskFacts& task = tasks_.at(order.task);
  if (std::exchange(task.ended, true)) return "L5: a future ends twice";
  if (std::holds_alternative<Bytes>(order.outcome) && task.claims == 0) {
    return "L6: a value for a task that nobody claimed";
  }
  if (const auto* failure = std::get_if<Failure>(&order.outcome)) {
    if (failure->task != order.task) return "L6: a failure names another task";
    if (failure->started && task.claims == 0) return "L6: called started, and nobody claimed it";
    if (!failure->started && task.claims > 0) return "L6: called not started, and it was claimed";
  }
  for (auto& [id, holder] : workers_) {
    if (holder.task == order.task) holder.task = 0;
  }
  return std::nullopt;
}

std::optional<std::string> SupervisorModel::forget(const ForgetWorker& order) {
  if (!workers_.contains(order.worker)) return "nobody is forgotten";
  if (!worker(order.worker).ended) return "L3: a worker is forgotten before its exit was told";
  workers_.erase(order.worker);
  return std::nullopt;
}

std::optional<std::string> SupervisorModel::check(const Health& health) const {
  const auto alive = health.starting + health.idle + health.busy + health.ending;
  if (alive != static_cast<int>(workers_.size())) return "health: not all workers, or too many";
  if (health.workers_wanted != most_workers_) return "health: another size than was asked for";
  std::size_t held = 0, open = 0, ended = 0;
  for (const auto& [id, each] : workers_) held += each.task != 0 ? 1 : 0;
  for (const auto& [id, task] : tasks_) ++(task.ended ? ended : open);
  if (health.queued != open - held) return "health: another queue than there is";
  if (health.settled != ended) return "health: another number of settled tasks";
  return std::nullopt;
}

std::optional<std::string> SupervisorModel::finish() {
  if (!workers_.empty()) return "L9: finished, and a worker is left";
  for (const auto& [id, task] : tasks_) {
    if (!task.ended) return "L5: finished, and a future is open";
  }
  finished_ = true;
  return std::nullopt;
}

}  // namespace poolproof::supervise
