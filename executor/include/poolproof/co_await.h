// co_await on a future. A program that does not include this header pays nothing for it.
//
//   int answer = co_await pool.submit(work, 41);
//
// If the task has not ended yet, the coroutine is resumed later. It then runs on the executor's one
// callback thread, or, once that executor is gone, where a callback of then() would run. It gets
// the value or the exception that get() would give. Consumes the future. Throws std::future_error
// (no_state) for an empty future. Throws std::system_error if the callback thread cannot be
// started: the future is then unchanged, so `co_await std::move(future)` loses nothing.
//
// A coroutine may be destroyed while it awaits; it is then not resumed. As for every coroutine, it
// must not be destroyed while it runs, and it may run as soon as its task has ended. So destroy it
// on the callback thread (in another callback or coroutine of that executor), or when the task
// cannot end at the same time. If a coroutine is destroyed while the callback thread is about to
// resume it, the program ends with a message where this can be detected.
#pragma once

#include <atomic>
#include <coroutine>
#include <exception>
#include <memory>
#include <utility>

#include "poolproof/future.h"

namespace poolproof {

namespace detail {

// A coroutine that awaits. It stops awaiting when its callback has begun, when it was destroyed, or
// when its owner resumed it. The side that sets this flag first owns the coroutine.
struct Suspension {
  std::coroutine_handle<> waiting;
  std::atomic<bool> over = false;
};

// Resumes a coroutine once the node has ended.
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
  // Everything that may fail is done here. If it fails, `future` is unchanged.
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
    // Held here: the coroutine may run to its end, and destroy this, before then() has returned.
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
  std::shared_ptr<Suspension> suspension_;  // null: the future was ready
  std::unique_ptr<Resume> resume_;          // until it waits
  bool resumed_ = false;
};

}  // namespace detail

template <class T>
auto operator co_await(Future<T>&& future) {
  return detail::FutureAwaiter<T>(future);
}

}  // namespace poolproof
