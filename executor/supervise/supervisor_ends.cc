// How workers, tasks and the pool end.
#include <utility>

#include "executor/supervise/supervisor.h"

namespace poolproof::supervise {

void Supervisor::reap(Worker& worker, const ExitStatus& exit) {
  worker.notes.in_initializer = worker.in_initializer;
  worker.notes.said_hello = worker.said_hello;
  Death death = name_death(worker.ref, worker.notes, exit);
  // If idle workers are killed from outside, this is no crash loop: they are replaced when needed.
  const bool counts = !worker.ever_claimed && death.intent == Intent::kUnplanned &&
                      (!worker.said_hello || worker.task != 0);
  death.pool_after = pool_after(death, counts);
  ++counters_.ended[death.cause];
  Task* task = worker.task != 0 ? tasks_.find(worker.task) : nullptr;
  if (worker.notes.kill_error.empty()) orders_.push_back(ForgetWorker{worker.id});
  workers_.erase(worker.id);
  if (!counts) spawn_after_.reset();  // its end may have made room for another worker
  if (task != nullptr) settle_or_requeue(*task, death);
  if (options_.on_death == OnDeath::kBreakPool && death.intent == Intent::kUnplanned) {
    break_pool(death);
  }
  if (counts) {
    if (++fresh_losses_ >= kLossLimit || is_hopeless(death)) {
      end_pool(failure_of_pool(death, fresh_losses_));
    }
    pause_spawning(++losses_to_pause_);
  }
}

// An initializer that hangs would hang again (one that froze, or died, perhaps not). A worker that
// could not serve would say the same again.
bool Supervisor::is_hopeless(const Death& death) const {
  return (death.in_initializer && death.cause == Cause::kLate) || !death.refusal.empty();
}

// What this death, which has not been reported yet, does to the pool.
PoolAfter Supervisor::pool_after(const Death& death, bool counts) const {
  const bool breaks =
      options_.on_death == OnDeath::kBreakPool && death.intent == Intent::kUnplanned;
  const bool gives_up = counts && (fresh_losses_ + 1 >= kLossLimit || is_hopeless(death));
  if (ended_ || breaks || gives_up) return PoolAfter::kEnded;
  return shutdown_ ? PoolAfter::kShuttingDown : PoolAfter::kUnaffected;
}

void Supervisor::settle_or_requeue(Task& task, const Death& death) {
  if (death.cause == Cause::kPoolBroken) {
    fail(task.id, *ended_);  // report the death that broke the pool
  } else if (!task.started && task.unwanted && death.intent != Intent::kPolicy) {
    cancel_waiting(task.id);
  } else if (may_run_again(task, death)) {
    tasks_.put_back(task);
    if (ended_) settle_waiting(*ended_);
    if (shutdown_ && shutdown_->running == Running::kKill) settle_unrun();
  } else {
    fail(task.id, failure_of_task(death, task.id, task.started));
  }
}

// Whether the task is given to another worker after its own worker died.
bool Supervisor::may_run_again(Task& task, const Death& death) {
  if (death.intent != Intent::kUnplanned) return false;
  if (!death.kill_error.empty()) return false;  // it may still run there
  if (!task.started) {
    if (++task.lost_unclaimed >= kLossLimit) return false;
    ++counters_.requeued;
    return true;
  }
  const bool breaks = ended_ || options_.on_death == OnDeath::kBreakPool;
  if (task.unwanted || breaks || task.retries <= 0) return false;
  --task.retries;
  ++counters_.retried;
  return true;
}

void Supervisor::break_pool(const Death& death) {
  end_pool(failure_of_broken_pool(death));
  for (auto& [id, worker] : workers_)
    apply(worker, Event::kKill, {.wanted_end = WantedEnd::kBreak});
}

void Supervisor::end_pool(const Failure& why) {
  if (ended_) return;
  ended_ = why;
  orders_.push_back(EndPool{why});
  settle_waiting(why);
}

void Supervisor::finish() {
  if (std::exchange(finished_, true)) return;
  tell_health();  // nothing may come after Finish
  orders_.push_back(TellHealth{0, health()});
  orders_.push_back(Finish{});
}

void Supervisor::settle(TaskId task, Outcome outcome) {
  ++counters_.settled;
  tasks_.remove(task);
  orders_.push_back(SettleTask{task, std::move(outcome)});
}

// Ends it with `why`, and with what is known about this task.
void Supervisor::fail(TaskId id, Failure why) {
  const Task* task = tasks_.find(id);
  why.task = id;
  why.started = task != nullptr && task->ran;
  settle(id, std::move(why));
}

void Supervisor::cancel_waiting(TaskId id) {
  const bool ran = tasks_.find(id)->ran;
  fail(id, plain_failure(FailureKind::kCancelled, id,
                         ran ? "it was cancelled before it was run again"
                             : "it was cancelled before a worker claimed it"));
}

void Supervisor::settle_waiting(const Failure& why) {
  for (const TaskId id : tasks_.all_waiting()) fail(id, why);
}

void Supervisor::settle_unrun() {
  if (shutdown_->pending == Pending::kCancel) {
    for (const TaskId id : tasks_.all_waiting()) cancel_waiting(id);
  } else {
    settle_waiting(
        plain_failure(FailureKind::kShutdown, 0, "the executor was shut down before it could run"));
  }
}

void Supervisor::kill_everything() {
  settle_unrun();
  for (auto& [id, worker] : workers_)
    apply(worker, Event::kKill, {.wanted_end = WantedEnd::kShutdownKill});
}

}  // namespace poolproof::supervise
