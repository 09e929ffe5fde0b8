// The part of Loop for workers that could not be killed. The pool has given them up, but they are
// processes of the program until they end.
#include <utility>

#include "executor/check.h"
#include "executor/supervise/loop.h"

namespace poolproof::supervise {

// Reads everything that the worker has sent, and reports that no more comes. Its handle is kept and
// watched until its exit record comes.
void Loop::carry_out(AbandonWorker& order, std::vector<Input>& inputs) {
  const auto found = workers_.find(order.worker);
  POOLPROOF_CHECK(found != workers_.end(), "a worker is abandoned once");
  WorkerHandle& worker = found->second;
  if (!are_ours(worker) || !lifeline_is_ours(worker)) return tell_loss(inputs);
  outlet_.worker_ended({worker.index, worker.child.pid});
  tell_end(order.worker, worker, Unseen{}, inputs);
  worker.channel.reset();
  worker.tail.reset();
  for (int* fd : {&worker.child.errors, &worker.child.lifeline}) {
    if (*fd >= 0) os_.close(std::exchange(*fd, -1));
  }
  // Moved as a map node: a late reaper holds the worker's address.
  abandoned_.insert(workers_.extract(found));
}

bool Loop::has_late_exit(const WorkerHandle& worker) {
  const std::lock_guard lock(late_mutex_);
  return worker.late_exit.has_value();
}

// `handles`: the result of the wait for each.
void Loop::reap_abandoned(std::span<const os::Watch> handles) {
  auto watch = handles.begin();
  for (auto at = abandoned_.begin(); at != abandoned_.end();) {
    WorkerHandle& worker = at->second;
    const bool told = watch != handles.end() && (watch++)->readable;
    if (worker.late_reaper.joinable()) {
      worker.reaped = has_late_exit(worker);
      if (worker.reaped) worker.late_reaper.join();
    } else if (told || (worker.look_again && *worker.look_again <= os_.now())) {
      if (os_.identity(worker.child.handle) != worker.handle_identity) {
        descriptors_lost_ = true;
        return;
      }
      worker.reaped = os_.try_reap(worker.child).has_value();
      if (!worker.reaped) await_record(worker);
    }
    if (!worker.reaped) {
      ++at;
      continue;
    }
    leave(worker);
    at = abandoned_.erase(at);
    clear_pause_ = kFirstClearing;
    clear_again();
  }
}

// Whether it ends in time because of its lifeline, which was closed when its kill failed.
bool Loop::ends_by(os::Instant until, const WorkerHandle& worker) noexcept {
  if (descriptors_lost_ || os_.identity(worker.child.handle) != worker.handle_identity)
    return false;
  try {
    os::Watch ended{.fd = worker.child.handle};
    while (!ended.readable && os_.now() < until) {
      if (os_.wait({&ended, 1}, until)) break;  // cannot sleep: then the record is checked once
    }
  } catch (...) {  // no memory: the same as above
  }
  return os_.try_reap(worker.child).has_value();
}

// Cleans up what is left of an abandoned worker. The process may stay alive.
void Loop::leave(WorkerHandle& worker) noexcept {
  if (worker.late_reaper.joinable()) worker.late_reaper.join();
  if (descriptors_lost_ || os_.identity(worker.child.handle) != worker.handle_identity) return;
  if (!worker.reaped && !worker.late_exit) os_.try_reap(worker.child);
  os_.close(worker.child.handle);
  try {
    left_over_.push_back(std::move(worker.child));
  } catch (...) {  // no memory: its cgroup stays in the user's cgroup
  }
}

}  // namespace poolproof::supervise
