// The second half of Supervisor: runs the life-cycle table and performs the actions of its rows.
#include <cstdio>
#include <string>
#include <utility>

#include "executor/check.h"
#include "executor/supervise/supervisor.h"

namespace poolproof::supervise {

using transport::FrameKind;

void Supervisor::apply(Worker& worker, Event event, Details details) {
  const Row& row = row_for(worker.state, event);
  if (row.action == Action::kBug) {
    std::fprintf(stderr, "poolproof: worker %d is %s, on %s\n", worker.ref.index,
                 to_string(worker.state), to_string(event));
    POOLPROOF_CHECK(row.action != Action::kBug,
                    "the comment of this row in lifecycle.cc says why not");
  }
  worker.state = row.next;
  act(worker, row, details);
}

void Supervisor::act(Worker& worker, const Row& row, Details& details) {
  switch (row.action) {
    case Action::kNothing:
    case Action::kBug:
      break;
    case Action::kWelcome:
      worker.said_hello = true;
      worker.grace_until.reset();
      break;
    case Action::kSendOffer:
      worker.task = details.offered;
      worker.grace_until = os::after(now_, options_.start_limit);
      orders_.push_back(
          SendFrame{worker.id, FrameKind::kOffer, worker.task, tasks_.find(worker.task)->payload});
      break;
    case Action::kSendWithdraw:
      orders_.push_back(SendFrame{worker.id, FrameKind::kWithdraw, worker.task, nullptr});
      break;
    case Action::kSendStop:
      worker.notes.wish = details.wish;
      worker.grace_until = now_ + options_.stop_grace;
      orders_.push_back(SendFrame{worker.id, FrameKind::kStop, 0, nullptr});
      break;
    case Action::kNoteClaim:
      worker.grace_until.reset();
      if (Task* task = tasks_.find(worker.task)) {
        fresh_losses_ = 0;
        if (!std::exchange(worker.ever_claimed, true)) {
          losses_to_pause_ = 0;
          spawn_after_.reset();
        }
        task->started = true;
        task->payload.reset();
      }
      break;
    case Action::kTakeBack:
      worker.grace_until.reset();
      settle(worker.task, cancelled(worker.task));
      worker.task = 0;
      break;
    case Action::kSettle:
    case Action::kSettleLate:
      if (const Task* task = tasks_.find(worker.task); task != nullptr && task->started) {
        settle(worker.task, std::move(*details.reply));
        worker.task = 0;
      }
      break;
    case Action::kKill:
      // A stop that turned into a kill is still the same wish.
      if (worker.notes.wish == Wish::kNone) worker.notes.wish = details.wish;
      worker.grace_until.reset();
      orders_.push_back(KillWorker{worker.id});
      break;
    case Action::kKillOverdue:
      worker.grace_until.reset();
      orders_.push_back(KillWorker{worker.id});
      break;
    case Action::kKillLost:
      worker.notes.killed_as_lost = true;
      worker.grace_until.reset();
      orders_.push_back(KillWorker{worker.id});
      break;
    case Action::kKillLate:
      worker.notes.late_to =
          (worker.task == 0 ? "say hello within " : "take the task that it was offered within ") +
          in_words(options_.start_limit) + " (ExecutorOptions::start_limit)";
      worker.grace_until.reset();
      orders_.push_back(KillWorker{worker.id});
      break;
    case Action::kConvict:
      convict(worker, row, details.nonsense);
      break;
    case Action::kArmGrace:
      worker.grace_until = now_ + options_.channel_grace;
      break;
    case Action::kBury:
      bury(worker, details.exit);  // `worker` is gone now
      break;
  }
}

void Supervisor::convict(Worker& worker, const Row& row, const std::string& nonsense) {
  worker.notes.conviction = !nonsense.empty() ? "it sent " + nonsense
                                              : std::string("it sent '") + to_string(row.on) +
                                                    "' while " + to_string(row.in);
  worker.grace_until.reset();
  orders_.push_back(KillWorker{worker.id});
}

void Supervisor::bury(Worker& worker, const ExitStatus& exit) {
  const Death death = name_death(worker.ref, worker.notes, exit);
  // Idle workers that somebody kills from outside are no crash loop: they are replaced when needed.
  const bool counts = !worker.ever_claimed && death.intent == Intent::kUnplanned &&
                      (!worker.said_hello || worker.task != 0);
  Task* task = worker.task != 0 ? tasks_.find(worker.task) : nullptr;
  orders_.push_back(ForgetWorker{worker.id});
  workers_.erase(worker.id);
  if (!counts) spawn_after_.reset();  // its end may have made room for another
  if (task != nullptr) settle_or_requeue(*task, death);
  if (options_.on_death == OnDeath::kBreakPool && death.intent == Intent::kUnplanned) {
    break_pool(death);
  }
  if (counts) {
    if (++fresh_losses_ >= kLossLimit) end_pool(failure_of_pool(death, fresh_losses_));
    pause_spawning(++losses_to_pause_);
  }
}

void Supervisor::break_pool(const Death& death) {
  end_pool(failure_of_broken_pool(death));
  for (auto& [id, worker] : workers_) apply(worker, Event::kKill, {.wish = Wish::kBreak});
}

void Supervisor::settle_or_requeue(Task& task, const Death& death) {
  if (death.cause == Cause::kPoolBroken) {  // the death that broke it is the one to be told
    Failure failure = *ended_;
    failure.task = task.id;
    failure.started = task.started;
    settle(task.id, std::move(failure));
    return;
  }
  const bool asked = death.intent == Intent::kAsked;
  const bool unplanned = death.intent == Intent::kUnplanned;
  if (!task.started && task.unwanted && (asked || unplanned)) {
    settle(task.id, cancelled(task.id));
  } else if (task.started || !unplanned || ++task.lost_unclaimed >= kLossLimit) {
    settle(task.id, failure_of_task(death, task.id, task.started));
  } else {
    tasks_.put_back(task);
    if (ended_) settle_waiting(*ended_);
    if (shutdown_ && shutdown_->running == Running::kKill) settle_unrun();
  }
}

}  // namespace poolproof::supervise
