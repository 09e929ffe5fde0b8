// Runs the life-cycle table and performs the actions of its rows.
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
    case Action::kTimeInitializer:
      worker.in_initializer = true;
      worker.grace_until =
          os::after(now_, worker.sending ? options_.start_limit : options_.initializer_limit);
      break;
    case Action::kWelcome:
      worker.in_initializer = false;
      worker.said_hello = true;
      worker.notes.refusal.clear();
      rest(worker);
      break;
    case Action::kSendOffer:
      worker.task = details.offered;
      worker.sending = false;
      worker.grace_until = os::after(now_, options_.start_limit);
      orders_.push_back(
          SendFrame{worker.id, FrameKind::kOffer, worker.task, tasks_.find(worker.task)->payload});
      break;
    case Action::kSendWithdraw:
      orders_.push_back(SendFrame{worker.id, FrameKind::kWithdraw, worker.task, nullptr});
      break;
    case Action::kSendStop:
    case Action::kRetire:
      stop(worker, row.action == Action::kRetire ? WantedEnd::kIdle : details.wanted_end);
      break;
    case Action::kTimeTaking:
      worker.sending = true;
      worker.grace_until = os::after(now_, options_.start_limit);
      break;
    case Action::kTimeRun:
      time_run(worker);
      break;
    case Action::kNoteMemory:
      if (!worker.memory_at_first) worker.memory_at_first = details.bytes;
      worker.memory = details.bytes;
      break;
    case Action::kNoteClaim:
      note_claim(worker);
      break;
    case Action::kTakeBack:
      cancel_waiting(worker.task);
      worker.task = 0;
      rest(worker);
      break;
    case Action::kSettle:
    case Action::kSettleLate:
      settle_reply(worker, std::move(*details.reply));
      break;
    case Action::kRefuse:
    case Action::kKill:
    case Action::kKillOverdue:
    case Action::kKillLost:
    case Action::kKillOverrun:
    case Action::kKillLate:
    case Action::kKillViolator:
    case Action::kNoteRefusal:
    case Action::kNoteKillFailed:
    case Action::kAbandon:
    case Action::kArmGrace:
    case Action::kReap:
      act_on_end(worker, row, details);
      break;
    case Action::kNothing:
    case Action::kBug:
      break;
  }
}

// The actions that lead out of a worker's life.
void Supervisor::act_on_end(Worker& worker, const Row& row, Details& details) {
  switch (row.action) {
    case Action::kNoteRefusal:
      worker.notes.refusal = std::move(details.text);
      break;
    case Action::kNoteKillFailed:
      worker.notes.kill_error = std::move(details.text);
      worker.grace_until = os::after(now_, options_.channel_grace);
      break;
    case Action::kAbandon:
      worker.grace_until.reset();
      orders_.push_back(AbandonWorker{worker.id});
      break;
    case Action::kArmGrace:
      worker.grace_until = os::after(now_, options_.channel_grace);
      break;
    case Action::kReap:
      reap(worker, details.exit);  // `worker` no longer exists
      break;
    default:  // the actions that kill
      note_why(worker, row, details);
      worker.grace_until.reset();
      orders_.push_back(KillWorker{worker.id});
      if (row.action == Action::kRefuse) {
        end_pool(failure_of_initializer(worker.ref, std::get<Failure>(*details.reply)));
      }
      break;
  }
}

void Supervisor::note_claim(Worker& worker) {
  Task* task = tasks_.find(worker.task);
  if (task == nullptr) return;
  fresh_losses_ = 0;
  if (!std::exchange(worker.ever_claimed, true)) {
    losses_to_pause_ = 0;
    spawn_after_.reset();
  }
  task->started = task->ran = true;
  if (task->retries == 0) task->payload.reset();
  if (worker.state != State::kTaking) return;
  worker.grace_until = os::after(now_, options_.start_limit);
  if (!worker.sending) apply(worker, Event::kTaken, {});
  if (task->kill_if_begun) apply(worker, Event::kKill, {.wanted_end = WantedEnd::kCancel});
}

// It was sent the whole call, so from now on the time is its own.
void Supervisor::time_run(Worker& worker) {
  worker.sending = false;
  std::optional<std::chrono::nanoseconds> limit = options_.start_limit;
  if (worker.state == State::kInitializing) limit = options_.initializer_limit;
  if (worker.state == State::kBusy) limit = tasks_.find(worker.task)->run_limit;
  worker.grace_until = os::after(now_, limit);
}

void Supervisor::settle_reply(Worker& worker, Outcome reply) {
  const Task* task = tasks_.find(worker.task);
  if (task == nullptr || !task->started || worker.notes.violation) return;
  settle(worker.task, std::move(reply));
  worker.task = 0;
  ++worker.tasks_done;
  rest(worker);
}

// Notes why it will be killed; the report of its death uses this.
void Supervisor::note_why(Worker& worker, const Row& row, const Details& details) {
  Notes& notes = worker.notes;
  switch (row.action) {
    case Action::kRefuse:
      notes.wanted_end = WantedEnd::kRefuse;
      break;
    case Action::kKill:
      // If a stop turned into a kill, the reason stays the same.
      if (notes.wanted_end == WantedEnd::kNone) notes.wanted_end = details.wanted_end;
      break;
    case Action::kKillLost:
      notes.killed_as_lost = true;
      break;
    case Action::kKillOverrun:
      notes.wanted_end = WantedEnd::kRunLimit;
      notes.limit = "since its task had run for " + in_words(*tasks_.find(worker.task)->run_limit) +
                    " (TaskOptions::run_limit)";
      break;
    case Action::kKillLate:
      notes.limit = missed_limit(worker, row.in);
      break;
    case Action::kKillViolator:
      notes.violation = !details.nonsense.empty() ? "it sent " + details.nonsense
                                                  : std::string("it sent '") + to_string(row.on) +
                                                        "' while " + to_string(row.in);
      break;
    default:  // it did not stop as asked: the reason was noted then
      break;
  }
}

// It has no task (any more): sets how long it may stay idle. If it is already being killed, this
// does not apply, because the wait for its end does not depend on its task.
void Supervisor::rest(Worker& worker) {
  if (worker.state == State::kUnkilled) return;
  worker.grace_until =
      worker.state == State::kIdle ? os::after(now_, options_.idle_timeout) : std::nullopt;
}

void Supervisor::stop(Worker& worker, WantedEnd wanted_end) {
  if (wanted_end == WantedEnd::kGrown) {
    counters_.last_growth = to_string(worker.ref) + " held " + std::to_string(worker.memory) +
                            " bytes of anonymous memory after " +
                            std::to_string(worker.tasks_done) + " tasks, " +
                            std::to_string(*worker.memory_at_first) + " after its first";
  }
  worker.notes.wanted_end = wanted_end;
  worker.grace_until = os::after(now_, options_.stop_grace);
  orders_.push_back(SendFrame{worker.id, FrameKind::kStop, 0, nullptr});
}

// What a worker did not do in time, and which option set the limit.
std::string Supervisor::missed_limit(const Worker& worker, State in) const {
  if (worker.sending && (worker.in_initializer || in == State::kTaking)) {
    return std::string("since it took no more of the argument of its ") +
           (worker.in_initializer ? "initializer" : "task") + " for " +
           in_words(options_.start_limit) + " (ExecutorOptions::start_limit)";
  }
  if (worker.in_initializer) {
    return "since its initializer did not end within " + in_words(options_.initializer_limit) +
           " (ExecutorOptions::initializer_limit)";
  }
  return (worker.task == 0 ? "since it did not say hello within "
                           : "since it did not take the task that it was offered within ") +
         in_words(options_.start_limit) + " (ExecutorOptions::start_limit)";
}

}  // namespace poolproof::supervise
