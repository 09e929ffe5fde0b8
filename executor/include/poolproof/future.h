// The end of a task, to come. Move-only; dropping one neither cancels the task nor waits for it.
//
// Any thread may use a future, one at a time. Nothing here runs user code on another thread than
// the caller's, but `then`, whose callbacks run on the one callback thread of the executor.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "poolproof/detail/then.h"
#include "poolproof/error.h"
#include "poolproof/options.h"

namespace poolproof {

template <class T>
class Future {
 public:
  Future() = default;
  Future(Future&&) noexcept = default;
  Future& operator=(Future&&) noexcept = default;

  // False once get or then has consumed it; only id() and valid() may be called then.
  bool valid() const { return static_cast<bool>(node_); }
  TaskId id() const { return task_; }

  // Waits, and gives the value or throws an ExecutorError. Consumes the future. In a process that
  // was forked from the executor's, all that would wait throws ShutdownExecutorError.
  T get();
  // The same within `timeout`, else throws TimeoutError: then the future is still valid.
  T get_for(std::chrono::nanoseconds timeout);
  void wait() const { checked().wait(std::nullopt); }
  // Whether the task has ended within `timeout`.
  bool wait_for(std::chrono::nanoseconds timeout) const;

  // Asks that the task not run. If no worker has claimed it, it ends with CancelledError; if one
  // has, it runs on, and is not run again; or it is ended, where the options say so. The answer is
  // the future's end: this neither waits nor throws.
  void cancel(const CancelOptions& options = {}) const { checked().cancel(options); }

  // Calls `f` on the executor's callback thread once the task has ended, and gives a future of what
  // it returns. If `f` takes a Future<T>, it gets this one, settled; else it gets the value
  // (nothing for void), and an error of the task goes past it into the new future. What `f` throws
  // ends the new future and is told to on_callback_error. `f` may call get(), submit and shutdown.
  // Once the executor is gone, `f` runs here and now. Consumes the future; cancel() of the new one
  // cancels the task.
  // A callback that waits for a future of another callback runs that one itself, inside its wait,
  // unless it is running already; one that waits for its own future gets a std::logic_error.
  template <class F>
  auto then(F f);

 private:
  friend struct detail::FutureAccess;
  explicit Future(detail::NodePtr node) : task_(node->task()), node_(std::move(node)) {}
  detail::FutureNode& checked() const;

  TaskId task_ = 0;
  detail::NodePtr node_;
};

template <class T>
detail::FutureNode& Future<T>::checked() const {
  if (!node_) detail::abort_on_empty_future();
  return *node_;
}

template <class T>
T Future<T>::get() {
  checked().wait(std::nullopt);
  const detail::NodePtr node = std::move(node_);
  node->throw_if_failed();
  return static_cast<detail::TypedNode<T>&>(*node).take();
}

template <class T>
T Future<T>::get_for(std::chrono::nanoseconds timeout) {
  if (!wait_for(timeout)) throw TimeoutError(task_);
  return get();
}

template <class T>
bool Future<T>::wait_for(std::chrono::nanoseconds timeout) const {
  const auto now = std::chrono::steady_clock::now();
  const auto until = timeout < std::chrono::steady_clock::time_point::max() - now
                         ? std::optional(now + timeout)
                         : std::nullopt;  // so long that the clock cannot tell it
  return checked().wait(until);
}

template <class T>
template <class F>
auto Future<T>::then(F f) {
  using U =
      std::decay_t<typename detail::ThenResultOf<std::is_invocable_v<F&, Future<T>>, F, T>::type>;
  checked();
  detail::NodePtr next(new detail::ValueNode<U>(node_));
  auto callback = std::make_unique<detail::ThenCallback<F, T, U>>(std::move(f), next);
  const detail::NodePtr held = std::move(node_);
  held->then(std::move(callback));
  return detail::FutureAccess::make<U>(std::move(next));
}

}  // namespace poolproof
