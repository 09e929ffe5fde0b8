// co_await on a future, for those who have coroutines; nobody else pays for it.
//
//   int answer = co_await pool.submit(work, 41);
//
// If the task has not ended yet, the coroutine goes on afterwards on the executor's one callback
// thread, like a callback of then(); once the executor is gone, on the thread that awaits. It gets
// the value or the exception that get() would give. Consumes the future.
#pragma once

#include <coroutine>
#include <exception>
#include <memory>
#include <utility>

#include "poolproof/future.h"

namespace poolproof {

namespace detail {

// Goes on with a coroutine once the node has ended.
class Resume final : public Callback {
 public:
  explicit Resume(std::coroutine_handle<> waiting) : waiting_(waiting) {}
  void run(NodePtr settled) override {
    const std::shared_ptr<Patron> patron = settled->patron();
    settled = NodePtr();
    try {
      waiting_.resume();
    } catch (...) {  // of a promise whose unhandled_exception throws
      if (patron) patron->callback_threw(std::current_exception());
    }
  }

 private:
  std::coroutine_handle<> waiting_;
};

template <class T>
class FutureAwaiter {
 public:
  explicit FutureAwaiter(Future<T> future) : future_(std::move(future)) {}
  bool await_ready() const { return node()->ready(); }
  void await_suspend(std::coroutine_handle<> waiting) {
    // Held here: the coroutine may go on, and end with this in it, before then() has returned.
    const NodePtr held = node();
    held->then(std::make_unique<Resume>(waiting));
  }
  T await_resume() { return future_.get(); }

 private:
  const NodePtr& node() const {
    const NodePtr& node = FutureAccess::node(future_);
    if (!node) abort_on_empty_future();
    return node;
  }
  Future<T> future_;
};

}  // namespace detail

template <class T>
auto operator co_await(Future<T> future) {
  return detail::FutureAwaiter<T>(std::move(future));
}

}  // namespace poolproof
