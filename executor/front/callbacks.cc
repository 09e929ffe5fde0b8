#include "executor/front/callbacks.h"

#include <algorithm>
#include <utility>

#include "executor/front/parking.h"
#include "executor/os/thread.h"

namespace poolproof::detail {

Callbacks::~Callbacks() {
  // Joinable only if close() ran on the thread itself: then the thread drops the last reference, or
  // has ended.
  if (!thread_.joinable()) return;
  if (thread_.get_id() == std::this_thread::get_id()) {
    thread_.detach();
  } else {
    thread_.join();
  }
}

void Callbacks::start() {
  const std::lock_guard lock(mutex_);
  if (thread_.joinable() || closing_) return;
  thread_ = os::start_quiet_thread("poolproof-calls", [self = shared_from_this()]() mutable {
    self->work();
    self.reset();
  });
}

void Callbacks::run(std::unique_ptr<Callback> callback, NodePtr settled) {
  std::unique_lock lock(mutex_);
  if (closed_) {
    lock.unlock();
    callback->run(std::move(settled));
    return;
  }
  due_.push_back({std::move(callback), std::move(settled)});
  changed_.notify_all();
  lock.unlock();
  tell_parked();
}

std::unique_ptr<Callback> Callbacks::take(const FutureNode& settled) {
  if (!parked_ && serving() != this) return nullptr;
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(due_.begin(), due_.end(),
                                  [&](const Due& due) { return &*due.settled == &settled; });
  if (found == due_.end()) return nullptr;
  std::unique_ptr<Callback> callback = std::move(found->callback);
  due_.erase(found);
  return callback;
}

void Callbacks::close() {
  std::thread ending;
  std::unique_lock lock(mutex_);
  closing_ = true;
  if (thread_.get_id() == std::this_thread::get_id()) return;
  if (!thread_.joinable() && due_.empty())
    closed_ = true;  // never started, or joined by another call
  changed_.notify_all();
  changed_.wait(lock, [this] { return closed_; });
  ending = std::move(thread_);
  lock.unlock();
  if (ending.joinable()) ending.join();
}

void Callbacks::work() {
  const Serving serving(*this);
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return !due_.empty() || closing_; });
    if (due_.empty()) break;
    Due due = std::move(due_.front());
    due_.pop_front();
    lock.unlock();
    run_callback(std::move(due.callback), std::move(due.settled));
    lock.lock();
  }
  closed_ = true;
  changed_.notify_all();
}

}  // namespace poolproof::detail
