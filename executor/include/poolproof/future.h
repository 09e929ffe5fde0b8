// The result of a task that will end later. Move-only. Destroying a future neither cancels the task
// nor waits for it.
//
// Any thread may use a future, one thread at a time. Nothing here runs user code on a thread other
// than the caller's, except `then`, whose callbacks run on the one callback thread of the executor.
// User code, including the destructor of a value, never runs on a supervisor's thread.
//
// A future that get, then or when_all has consumed is empty, like a future that was never given a
// task. An empty future allows only id(), valid(), assignment and destruction. Every other call
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
  // Whether get() would return at once.
  [[nodiscard]] bool ready() const { return checked().ready(); }

  // Waits, and returns the value or throws an ExecutorError. Consumes the future. In a process that
  // was forked from the executor's, every call that would wait throws ShutdownExecutorError.
  T get();
  // The same, but throws TimeoutError if the task has not ended within `timeout`, or by `instant`;
  // the future is then still valid. Every duration and every instant is allowed, also very long
  // ones and ones that have passed.
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

  // Asks that the task not run. If no worker has claimed it, it ends with CancelledError. If a
  // worker has claimed it, it runs on and is not run again; or it is ended, if the options say so.
  // This neither waits nor throws: the end of the future shows the result.
  void cancel(const CancelOptions& options = {}) const { checked().cancel(options); }

  // Calls `f` on the executor's callback thread once the task has ended, and returns a future of
  // what `f` returns. If `f` takes a Future<T>, it gets this one, settled. Otherwise it gets the
  // value (nothing for void), and an error of the task goes directly into the new future. What `f`
  // throws ends the new future and is reported to on_callback_error. `f` may call get(), submit and
  // shutdown. Consumes the future; cancel() of the new one cancels the task. If you drop the new
  // future, you see no error of the task: cast it to void if you intend that. Throws
  // std::system_error if the callback thread cannot be started: this future is then unchanged and
  // can still get its value, and only `f` is gone. Once the executor is gone, `f` runs in this
  // call. A future that ends only after that (when_all of several executors' futures) calls `f` on
  // the callback thread of the executor that ended it; if that executor can have no such thread,
  // the new future ends with std::system_error. A callback that waits for a future of another
  // callback runs that callback itself, inside its wait, unless it already runs. A callback that
  // waits for its own future gets a std::logic_error. The last of several callbacks that wait for
  // each other in a circle gets it too.
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
