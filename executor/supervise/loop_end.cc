// The part of Loop for its end: remaining workers, what they leave behind, and a pool whose thread
// cannot continue.
#include <algorithm>
#include <exception>
#include <string>
#include <utility>

#include "executor/supervise/death.h"
#include "executor/supervise/loop.h"
#include "executor/transport/thrown.h"

namespace poolproof::supervise {
namespace {

// Within a catch block only. If there is no memory for the text, uses a text that needs none.
Failure failure_of_thread() noexcept {
  try {
    return plain_failure(FailureKind::kSupervisorLost, 0,
                         "the executor's own thread failed (" +
                             transport::in_words(std::current_exception()) +
                             "); the pool has ended, and its workers were killed. Make another "
                             "executor");
  } catch (...) {
    Failure failure;
    failure.kind = FailureKind::kSupervisorLost;
    failure.text = "out of memory";
    return failure;
  }
}

}  // namespace

Loop::~Loop() {
  // Normally there are none left. The futures have ended by now, so a worker that dies slowly
  // delays no caller.
  const os::Instant until = os_.now() + kLongestPause;
  for (auto& [id, worker] : workers_) {
    if (worker.unkillable && !worker.reaped && !worker.late_reaper.joinable()) {
      worker.reaped = ends_by(until, worker);
    }
    if (descriptors_lost_ || broke_down_) {
      let_go(worker);
    } else if (worker.late_reaper.joinable()) {
      worker.late_reaper.join();
    }
  }
  for (auto& [id, worker] : abandoned_) leave(worker);
  try {
    clear_at_the_end();
  } catch (...) {  // no memory: what is left stays in the user's cgroup
  }
}

// Cleans up a worker that is still there when the loop ends.
void Loop::let_go(WorkerHandle& worker) noexcept {
  if (worker.child.pid == 0) return;  // its spawn threw
  // After descriptors_lost_ their numbers may belong to other files.
  const bool ours = !descriptors_lost_ && are_ours(worker);
  if (!ours && worker.channel) worker.channel->abandon();
  const bool closed = worker.channel != nullptr;
  worker.channel.reset();
  if (worker.late_reaper.joinable()) {
    worker.late_reaper.join();
    worker.reaped = worker.late_exit.has_value();
  }
  if (!ours) {
    os_.abandon(worker.child);
  } else {
    if (!worker.reaped && !worker.unkillable) os_.reap(worker.child);  // it has been killed
    if (!closed) os_.close(worker.child.channel);
    os_.close(worker.child.handle);
    if (worker.child.errors >= 0) os_.close(worker.child.errors);
    if (worker.child.lifeline >= 0 && lifeline_is_ours(worker)) os_.close(worker.child.lifeline);
  }
  try {
    left_over_.push_back(std::move(worker.child));
  } catch (...) {
  }
}

// Everything except the channel, which closes itself.
void Loop::close_all_of(const WorkerHandle& worker) {
  for (const int fd : {worker.child.handle, worker.child.errors, worker.child.lifeline}) {
    if (fd >= 0) os_.close(fd);
  }
}

// Asked before the lifeline is closed, which any kill may do: closing it also kills the worker.
bool Loop::lifeline_is_ours(const WorkerHandle& worker) {
  if (worker.child.lifeline >= 0 &&
      os_.identity(worker.child.lifeline) != worker.lifeline_identity) {
    descriptors_lost_ = true;
  }
  return !descriptors_lost_;
}

// Within a catch block only. The state of workers and tasks may be half updated, so nothing can
// continue from here.
void Loop::break_down() noexcept {
  reserve_.reset();
  broke_down_ = true;
  for (auto& [id, worker] : workers_) {
    if (worker.reaped || descriptors_lost_ || !are_ours(worker) || !lifeline_is_ours(worker))
      continue;
    // A failed kill closes its lifeline, which may end it, but that is not certain.
    worker.unkillable = os_.kill(worker.child).has_value();
  }
  const Failure why = failure_of_thread();
  try {
    outlet_.pool_ended(why);
  } catch (...) {
    Failure short_one;  // copying it needs no memory
    short_one.kind = why.kind;
    short_one.text = "out of memory";
    outlet_.pool_ended(short_one);
  }
  try {
    inbox_.for_untaken([this](const Input& input) {
      if (const auto* submitted = std::get_if<TaskSubmitted>(&input)) {
        untaken_.insert(submitted->task);
      }
    });
  } catch (...) {  // no memory: tasks that are not in the set count as possibly run
  }
}

bool Loop::has_certainly_not_run(TaskId task) {
  return untaken_.contains(task) || supervisor_.has_certainly_not_run(task);
}

// What cannot be removed yet is tried again after a pause that doubles. If something is still there
// after the longest pause (in an uninterruptible wait, for example), it is tried again with the
// next worker, and at the end.
void Loop::clear_away(const os::Child& child) {
  left_over_.push_back(child);
  clear_pause_ = kFirstClearing;
  clear_again();
}

void Loop::clear_again() {
  std::erase_if(left_over_, [this](const os::Child& each) { return os_.clear_away(each); });
  clear_at_.reset();
  if (left_over_.empty() || clear_pause_ > kLongestPause) return;
  clear_at_ = os::after(os_.now(), clear_pause_);
  clear_pause_ *= 2;
}

// Nothing else waits at this point, so it may wait for killed processes as long as the pauses last.
void Loop::clear_at_the_end() {
  clear_pause_ = kFirstClearing;
  clear_again();
  while (clear_at_) {
    os_.wait({}, clear_at_);
    clear_again();
  }
}

}  // namespace poolproof::supervise
