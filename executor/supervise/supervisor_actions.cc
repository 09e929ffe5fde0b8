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
    case Action::kTimeInitializer:
      worker.in_initializer = true;
      worker.grace_until = os::after(now_, options_.initializer_limit);
      break;
    case Action::kRefuse:
      worker.notes.wish = Wish::kRefuse;
      worker.grace_until.reset();
      orders_.push_back(KillWorker{worker.id});
      end_pool(failure_of_initializer(worker.ref, std::get<Failure>(*details.reply)));
      break;
    case Action::kWelcome:
      worker.in_initializer = false;
      worker.said_hello = true;
      rest(worker);
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
      stop(worker, details.wish);
      break;
    case Action::kRetire:
      stop(worker, Wish::kIdle);
      break;
    case Action::kNoteMemory:
      if (!worker.memory_at_first) worker.memory_at_first = details.bytes;
      worker.memory = details.bytes;
      break;
    case Action::kNoteClaim:
      worker.grace_until.reset();
      if (Task* task = tasks_.find(worker.task)) {
        fresh_losses_ = 0;
        if (!std::exchange(worker.ever_claimed, true)) {
          losses_to_pause_ = 0;
          spawn_after_.reset();
        }
        task->started = task->ran = true;
        if (task->retries == 0) task->payload.reset();
        if (worker.state == State::kBusy) begin_to_run(worker, *task);
      }
      break;
    case Action::kTakeBack:
      cancel_waiting(worker.task);
      worker.task = 0;
      rest(worker);
      break;
    case Action::kSettle:
    case Action::kSettleLate:
      if (const Task* task = tasks_.find(worker.task); task != nullptr && task->started) {
        settle(worker.task, std::move(*details.reply));
        worker.task = 0;
        ++worker.tasks_done;
        rest(worker);
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
    case Action::kKillOverrun:
      worker.notes.wish = Wish::kRunLimit;
      worker.notes.limit = "since its task had run for " +
                           in_words(*tasks_.find(worker.task)->run_limit) +
                           " (TaskOptions::run_limit)";
      worker.grace_until.reset();
      orders_.push_back(KillWorker{worker.id});
      break;
    case Action::kKillLate:
      worker.notes.limit = missed_limit(worker);
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

// It has no task (any more): how long it may stay so. One that is being killed is past that.
void Supervisor::rest(Worker& worker) {
  worker.grace_until =
      worker.state == State::kIdle ? os::after(now_, options_.idle_timeout) : std::nullopt;
}

void Supervisor::stop(Worker& worker, Wish wish) {
  if (wish == Wish::kGrown) {
    counters_.last_growth = to_string(worker.ref) + " held " + std::to_string(worker.memory) +
                            " bytes of anonymous memory after " +
                            std::to_string(worker.tasks_done) + " tasks, " +
                            std::to_string(*worker.memory_at_first) + " after its first";
  }
  worker.notes.wish = wish;
  worker.grace_until = now_ + options_.stop_grace;
  orders_.push_back(SendFrame{worker.id, FrameKind::kStop, 0, nullptr});
}

// What a worker did not do in time, and by which option.
std::string Supervisor::missed_limit(const Worker& worker) const {
  if (worker.in_initializer) {
    return "since its initializer did not end within " + in_words(options_.initializer_limit) +
           " (ExecutorOptions::initializer_limit)";
  }
  return (worker.task == 0 ? "since it did not say hello within "
                           : "since it did not take the task that it was offered within ") +
         in_words(options_.start_limit) + " (ExecutorOptions::start_limit)";
}

void Supervisor::begin_to_run(Worker& worker, const Task& task) {
  worker.grace_until = os::after(now_, task.run_limit);
  if (task.kill_if_begun) apply(worker, Event::kKill, {.wish = Wish::kCancel});
}

void Supervisor::convict(Worker& worker, const Row& row, const std::string& nonsense) {
  worker.notes.conviction = !nonsense.empty() ? "it sent " + nonsense
                                              : std::string("it sent '") + to_string(row.on) +
                                                    "' while " + to_string(row.in);
  worker.grace_until.reset();
  orders_.push_back(KillWorker{worker.id});
}

}  // namespace poolproof::supervise
