// co_await on a future, for those who have coroutines; nobody else pays for it.
//
//   int answer = co_await pool.submit(work, 41);
//
// If the task has not ended yet, the coroutine goes on afterwards on the executor's one callback
// thread, or where else a callback of then() runs once that executor is gone. It gets the value or
// the exception that get() would give. Consumes the future. Throws std::future_error (no_state) for
// an empty future, and std::system_error if the callback thread cannot be started: the future is
// then as it was, so that `co_await std::move(future)` loses nothing.
//
// A coroutine may be destroyed while it awaits; it is then not resumed. As for every coroutine, not
// while it runs, and it may run as soon as its task has ended: so destroy it on the callback thread
// (in another callback or coroutine of that executor), or when the task cannot end meanwhile. A
// destruction that comes while the callback thread is about to resume it ends the program with a
// message, where it can be told.
#pragma once

#include <atomic>
#include <coroutine>
#include <exception>
#include <memory>
#include <utility>

#include "poolproof/future.h"

namespace poolproof {

namespace detail {

// A coroutine that awaits, and whether it does so no longer: its callback has begun, or it was
// destroyed, or resumed by its owner. Whoever sets that first has it.
struct Suspension {
  std::coroutine_handle<> waiting;
  std::atomic<bool> over = false;
};

// Goes on with a coroutine once the node has ended.
class Resume final : public Callback {
 public:
  explicit Resume(std::shared_ptr<Suspension> of) : of_(std::move(of)) {}
  void run(NodePtr settled) noexcept override {
    const std::shared_ptr<CallbackOwner> owner = settled->owner();
    settled = NodePtr();
    if (of_->over.exchange(true)) return;
    try {
      of_->waiting.resume();
    } catch (...) {  // of a promise whose unhandled_exception throws
      tell_thrown(owner.get(), std::current_exception());
    }
  }

 private:
  const std::shared_ptr<Suspension> of_;
};

template <class T>
class FutureAwaiter {
 public:
  // All that may fail is done here; then `future` is as it was.
  explicit FutureAwaiter(Future<T>& future) {
    if (!future.ready()) {
      FutureAccess::node(future)->prepare_then();
      suspension_ = std::make_shared<Suspension>();
      resume_ = std::make_unique<Resume>(suspension_);
    }
    future_ = std::move(future);
  }
  FutureAwaiter(FutureAwaiter&&) noexcept = default;
  FutureAwaiter& operator=(FutureAwaiter&&) = delete;
  ~FutureAwaiter() {
    if (suspension_ && suspension_->over.exchange(true) && !resumed_) abort_on_running_coroutine();
  }

  bool await_ready() const { return suspension_ == nullptr || future_.ready(); }
  void await_suspend(std::coroutine_handle<> waiting) noexcept {
    suspension_->waiting = waiting;
    // Held here: the coroutine may go on, and end with this in it, before then() has returned.
    const NodePtr held = FutureAccess::node(future_);
    held->then(std::move(resume_));
  }
  T await_resume() {
    resumed_ = true;
    if (suspension_) suspension_->over = true;
    return future_.get();
  }

 private:
  Future<T> future_;
  std::shared_ptr<Suspension> suspension_;  // none: the future was ready
  std::unique_ptr<Resume> resume_;          // until it waits
  bool resumed_ = false;
};

}  // namespace detail

template <class T>
auto operator co_await(Future<T>&& future) {
  return detail::FutureAwaiter<T>(future);
}

}  // namespace poolproof
