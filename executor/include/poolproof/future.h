// The end of a task, to come. Move-only; dropping one neither cancels the task nor waits for it.
//
// Any thread may use a future, one at a time. Nothing here runs user code on another thread than
// the caller's, but `then`, whose callbacks run on the one callback thread of the executor. No code
// of a user, no destructor of a value either, ever runs on a thread that tends workers.
//
// A future that get, then or when_all has consumed is empty, like one that was never given a task:
// id(), valid(), assignment and destruction are all that may be done with it, and every other call
// throws std::future_error with std::future_errc::no_state, as std::future does.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "poolproof/detail/deadline.h"
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

  [[nodiscard]] bool valid() const { return static_cast<bool>(node_); }  // false: it is empty
  TaskId id() const { return task_; }
  // Whether get() would not wait.
  [[nodiscard]] bool ready() const { return checked().ready(); }

  // Waits, and gives the value or throws an ExecutorError. Consumes the future. In a process that
  // was forked from the executor's, all that would wait throws ShutdownExecutorError.
  T get();
  // The same within `timeout`, or until `instant`; else throws TimeoutError: then the future is
  // still valid. Any duration and any instant will do, however long or far, or passed.
  template <class Rep, class Period>
  T get_for(std::chrono::duration<Rep, Period> timeout);
  template <class Duration>
  T get_until(std::chrono::time_point<std::chrono::steady_clock, Duration> instant);
  void wait() const { checked().wait(std::nullopt); }
  // Whether the task has ended within `timeout`, or by `instant`.
  template <class Rep, class Period>
  [[nodiscard]] bool wait_for(std::chrono::duration<Rep, Period> timeout) const {
    return checked().wait(detail::until_after(detail::in_nanoseconds(timeout)));
  }
  template <class Duration>
  [[nodiscard]] bool wait_until(
      std::chrono::time_point<std::chrono::steady_clock, Duration> instant) const {
    return checked().wait(detail::in_nanoseconds(instant));
  }

  // Asks that the task not run. If no worker has claimed it, it ends with CancelledError; if one
  // has, it runs on, and is not run again; or it is ended, where the options say so. The answer is
  // the future's end: this neither waits nor throws.
  void cancel(const CancelOptions& options = {}) const { checked().cancel(options); }

  // Calls `f` on the executor's callback thread once the task has ended, and gives a future of what
  // it returns. If `f` takes a Future<T>, it gets this one, settled; else it gets the value
  // (nothing for void), and an error of the task goes past it into the new future. What `f` throws
  // ends the new future and is told to on_callback_error. `f` may call get(), submit and shutdown.
  // Consumes the future; cancel() of the new one cancels the task. Who drops the new one sees no
  // error of the task: cast it to void if that is meant.
  // Throws std::system_error if the callback thread cannot be started: the future is then as it
  // was, with its value to come, and only `f` is gone.
  // Once the executor is gone, `f` runs here and now. A future that ends only after that (when_all
  // of several executors' futures) calls `f` on the callback thread of the executor that ended it;
  // if that one can have no such thread, the new future ends with std::system_error.
  // A callback that waits for a future of another callback runs that one itself, inside its wait,
  // unless it is running already. One that waits for its own future gets a std::logic_error, and so
  // does the last of several that wait for each other's in a circle.
  template <class F>
  [[nodiscard]] auto then(F f);

 private:
  friend struct detail::FutureAccess;
  explicit Future(detail::NodePtr node) : task_(node->task()), node_(std::move(node)) {}
  detail::FutureNode& checked() const;

  TaskId task_ = 0;
  detail::NodePtr node_;
};

template <class T>
detail::FutureNode& Future<T>::checked() const {
  return *detail::FutureAccess::checked(*this);
}

template <class T>
T Future<T>::get() {
  checked().wait(std::nullopt);
  const detail::NodePtr node = std::move(node_);
  node->throw_if_failed();
  return static_cast<detail::TypedNode<T>&>(*node).take();
}

template <class T>
template <class Rep, class Period>
T Future<T>::get_for(std::chrono::duration<Rep, Period> timeout) {
  if (!wait_for(timeout)) node_->throw_timeout();
  return get();
}

template <class T>
template <class Duration>
T Future<T>::get_until(std::chrono::time_point<std::chrono::steady_clock, Duration> instant) {
  if (!wait_until(instant)) node_->throw_timeout();
  return get();
}

template <class T>
template <class F>
auto Future<T>::then(F f) {
  using U =
      std::decay_t<typename detail::ThenResultOf<std::is_invocable_v<F&, Future<T>>, F, T>::type>;
  checked().prepare_then();
  detail::NodePtr next(new detail::ValueNode<U>(node_));
  auto callback = std::make_unique<detail::ThenCallback<F, T, U>>(std::move(f), next);
  // Nothing throws from here on. The callback may destroy this future before then() returns.
  const detail::NodePtr held = std::move(node_);
  held->then(std::move(callback));
  return detail::FutureAccess::make<U>(std::move(next));
}

}  // namespace poolproof
