#include "executor/front/callbacks.h"

#include <utility>

#include "executor/front/parking.h"
#include "executor/os/thread.h"

namespace poolproof::detail {
namespace {

thread_local Callbacks* supervised = nullptr;
thread_local const CallbackOwner* supervised_patron = nullptr;

}  // namespace

SupervisorThread::SupervisorThread(Callbacks& callbacks, const CallbackOwner& owner) {
  supervised = &callbacks;
  supervised_patron = &owner;
}
SupervisorThread::~SupervisorThread() {
  supervised = nullptr;
  supervised_patron = nullptr;
}
Callbacks* SupervisorThread::callbacks() { return supervised; }
// A node may hold the last reference to its executor, whose options hold functions of the user. The
// node's own executor lives longer than the supervisor, so it is no problem.
bool SupervisorThread::may_destroy(const FutureNode& node) {
  return supervised == nullptr || (node.is_plain() && node.owner().get() == supervised_patron);
}

Callbacks::~Callbacks() {
  // Joinable only if no close() has joined the thread. The thread itself then drops the last
  // reference, or it has already ended.
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

std::exception_ptr Callbacks::try_start() noexcept {
  try {
    start();
    return nullptr;
  } catch (...) {
    return std::current_exception();
  }
}

NodePtr Callbacks::run(NodePtr settled, CalledBy by) noexcept {
  Lock lock(mutex_);
  if (!settled->has_due_callback()) return {};  // a parked thread took it first
  if (!closed_) {
    due_.push(std::move(settled));
    changed_.notify_all();
    lock.unlock();
    tell_parked();
    return {};
  }
  if (by == CalledBy::kEnd) return run_late(lock, std::move(settled));
  std::unique_ptr<Callback> callback = settled->take_callback();
  lock.unlock();
  callback->run(std::move(settled));
  return {};
}

// The executor is gone, and one of its futures ends only now, because futures of other executors
// had to end first. This never runs anything here: this may be a supervisor's thread, or the end of
// a callback with a long chain behind it.
NodePtr Callbacks::run_late(Lock& lock, NodePtr settled) noexcept {
  Callbacks* const home = supervised != nullptr ? supervised : serving();
  if (!has_help_ && home != nullptr) {
    lock.unlock();
    const std::exception_ptr why = home->try_start();
    lock.lock();
    NodePtr ends;
    const bool taken = !settled->has_due_callback();
    if (!taken && why) ends = settled->refuse_callback(why);
    if (taken || ends) {
      lock.unlock();  // before the node is destroyed, which may destroy this
      return ends;
    }
  }
  due_.push(std::move(settled));
  const bool needs_help = !std::exchange(has_help_, true);
  lock.unlock();
  tell_parked();
  if (!needs_help) return {};
  if (home != nullptr) {
    home->help(shared_from_this());
  } else {  // a thread of the user: no other thread can run it
    while (run_one_late(nullptr)) continue;
  }
  return {};
}

void Callbacks::help(std::shared_ptr<Callbacks> other) noexcept {
  const std::lock_guard lock(mutex_);
  other->next_helped_ = std::move(helped_);
  helped_ = std::move(other);
  changed_.notify_all();
}

// On a thread that helps this object: `on` owns that thread, if any. False: nothing is left.
bool Callbacks::run_one_late(Callbacks* on) {
  NodePtr settled;  // destroyed without the lock
  Lock lock(mutex_);
  settled = due_.pop();
  if (!settled) {
    has_help_ = false;
    return false;
  }
  if (!settled->has_due_callback()) return true;
  std::unique_ptr<Callback> callback = settled->take_callback();
  lock.unlock();
  if (on != nullptr) {
    on->run_taken(std::move(callback), std::move(settled));
  } else {
    callback->run(std::move(settled));
  }
  return true;
}

void Callbacks::discard(FutureNode* node) noexcept {
  try_start();
  const std::lock_guard lock(mutex_);
  node->link_ = std::exchange(discarded_, node);
  changed_.notify_all();
}

std::unique_ptr<Callback> Callbacks::take(FutureNode& settled) {
  const std::lock_guard lock(mutex_);
  if (!closed_ && !parked_ && serving() != this) return nullptr;
  return settled.has_due_callback() ? settled.take_callback() : nullptr;
}

bool Callbacks::runs(const FutureNode& settled) {
  const std::lock_guard lock(mutex_);
  for (const CallbackFrame* frame = frames_; frame != nullptr; frame = frame->outer) {
    if (&*frame->settled == &settled) return true;
  }
  return false;
}

bool Callbacks::closed() {
  const std::lock_guard lock(mutex_);
  return closed_;
}

void Callbacks::close() {
  Lock lock(mutex_);
  closing_ = true;
  if (thread_.get_id() == std::this_thread::get_id()) return;
  if (!thread_.joinable() && due_.empty()) {
    closed_ = true;  // never started, or already joined by another call
  }
  changed_.notify_all();
  if (serving() != nullptr && !closed_) {
    lock.unlock();
    if (!wait_until_closed(*this)) return;  // the wait would be part of a circle
    lock.lock();
  }
  changed_.wait(lock, [this] { return closed_; });
  std::thread ending = std::move(thread_);
  lock.unlock();
  if (ending.joinable()) ending.join();
  run_left_over();
}

void Callbacks::work() {
  const Serving serving(*this);
  Lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] {
      return !due_.empty() || discarded_ != nullptr || helped_ != nullptr || closing_;
    });
    run_due(lock);
    clear_up(lock, this);
    if (closing_ && due_.empty() && discarded_ == nullptr && helped_ == nullptr) break;
  }
  closed_ = true;
  changed_.notify_all();
  lock.unlock();
  tell_of_close();
}

void Callbacks::run_due(Lock& lock) {
  NodePtr settled = due_.pop();
  if (!settled) return;
  std::unique_ptr<Callback> callback;
  if (settled->has_due_callback()) callback = settled->take_callback();
  if (callback) {
    run_here(lock, std::move(callback), std::move(settled));
  } else {
    lock.unlock();
    settled = NodePtr();
  }
  lock.lock();
}

// Destroys the discarded nodes, and runs one callback for a closed executor. False: there was
// nothing to do.
bool Callbacks::clear_up(Lock& lock, Callbacks* on) {
  if (discarded_ == nullptr && helped_ == nullptr) return false;
  FutureNode* discarded = std::exchange(discarded_, nullptr);
  std::shared_ptr<Callbacks> helped = std::move(helped_);
  if (helped) helped_ = std::move(helped->next_helped_);
  lock.unlock();
  while (discarded != nullptr) FutureNode::drop(std::exchange(discarded, discarded->link_));
  if (helped && helped->run_one_late(on)) help(std::move(helped));
  lock.lock();
  return true;
}

// On the thread that has closed this: runs what was left because there was no callback thread.
void Callbacks::run_left_over() {
  Lock lock(mutex_);
  while (clear_up(lock, serving())) continue;
}

void Callbacks::run_taken(std::unique_ptr<Callback> callback, NodePtr settled) {
  Lock lock(mutex_);
  run_here(lock, std::move(callback), std::move(settled));
}

// Returns with the lock released. The callback, its captures, and the node are destroyed without
// the lock.
void Callbacks::run_here(Lock& lock, std::unique_ptr<Callback> callback, NodePtr settled) {
  const CallbackFrame frame{settled, frames_};
  frames_ = &frame;
  lock.unlock();
  callback->run(std::move(settled));
  callback.reset();
  lock.lock();
  frames_ = frame.outer;
  lock.unlock();
}

}  // namespace poolproof::detail
