// The end of a task, to come. Move-only; dropping one neither cancels the task nor waits for it.
//
// Any thread may use a future, one at a time. Nothing here runs user code on another thread than
// the caller's, but `then`, whose callbacks run on the one callback thread of the executor.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "poolproof/codec.h"
#include "poolproof/error.h"
#include "poolproof/export.h"
#include "poolproof/options.h"

namespace poolproof {

template <class T>
class Future;

namespace detail {

class FutureNode;

// A counted reference to a node; the count is in the node.
class POOLPROOF_EXPORT NodePtr {
 public:
  NodePtr() = default;
  explicit NodePtr(FutureNode* node);  // takes over the count that a new node has
  NodePtr(const NodePtr& other);
  NodePtr(NodePtr&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  NodePtr& operator=(NodePtr other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  ~NodePtr();
  FutureNode* operator->() const { return node_; }
  FutureNode& operator*() const { return *node_; }
  explicit operator bool() const { return node_ != nullptr; }

 private:
  FutureNode* node_ = nullptr;
};

// What `then` leaves behind; run once, on the callback thread, with the settled node.
class Callback {
 public:
  virtual ~Callback() = default;
  virtual void run(NodePtr settled) = 0;
};

// What a future needs of its pool, which it may outlive.
class Patron {
 public:
  virtual ~Patron() = default;
  // False in a child that the program has forked: there nothing can come any more.
  virtual bool in_own_process() const { return true; }
  virtual void cancel(TaskId task, const CancelOptions& options) = 0;
  virtual void prepare_callbacks() = 0;  // before the first call_back; may throw
  virtual void call_back(std::unique_ptr<Callback> callback, NodePtr settled) = 0;
  virtual void callback_threw(std::exception_ptr what) = 0;
  // The callback of `settled`, if it is due, not begun, and may run on this thread, which is one of
  // callbacks: its own, or any while its own waits for other callbacks. Null otherwise.
  virtual std::unique_ptr<Callback> take_due(const FutureNode& settled) = 0;
};

class POOLPROOF_EXPORT FutureNode {
 public:
  FutureNode(TaskId task, std::shared_ptr<Patron> patron);
  virtual ~FutureNode() = default;
  FutureNode(const FutureNode&) = delete;
  FutureNode& operator=(const FutureNode&) = delete;

  // Exactly one of these, once, from one thread.
  void settle(Bytes result);
  void settle(Failure failure);
  void settle_thrown(std::exception_ptr what);
  void settle_stored() { publish(); }  // the value was put where only its owner's type knows

  bool ready() const { return (word_.load(std::memory_order_acquire) & kReady) != 0; }
  // False: `until` came first. Throws ShutdownExecutorError in a process that was forked from the
  // pool's own, unless it is ready.
  bool wait(std::optional<std::chrono::steady_clock::time_point> until);
  void then(std::unique_ptr<Callback> callback);  // at most once
  // In a process that was forked from the executor's the end never comes: ShutdownExecutorError.
  void refuse_in_fork() const;
  virtual void cancel(const CancelOptions& options);

  // What must end before this can. Called under parking_lock.
  virtual void add_sources(std::vector<NodePtr>& /*to*/) const {}

  // Only once ready.
  bool failed() const { return failure_ != nullptr || thrown_ != nullptr; }
  bool was_cancelled() const { return failure_ && failure_->kind == FailureKind::kCancelled; }
  void throw_if_failed() const;
  void copy_failure_to(FutureNode& other) const;
  const Bytes& result() const { return result_; }

  TaskId task() const { return task_; }
  const std::shared_ptr<Patron>& patron() const { return patron_; }

 protected:
  NodePtr reference();  // one more
  // In a constructor: drop_source shall be called, under parking_lock, when this has ended.
  void has_source() { word_.store(kLinked, std::memory_order_relaxed); }
  virtual NodePtr drop_source() { return {}; }

 private:
  friend class NodePtr;
  friend class Watch;
  static constexpr std::uint32_t kReady = 1, kWaiting = 2, kThen = 4, kLinked = 8, kWatched = 16;
  void publish();

  std::atomic<std::uint32_t> word_{0};
  std::atomic<std::uint32_t> references_{1};
  const TaskId task_;
  Bytes result_;
  std::unique_ptr<Failure> failure_;
  std::exception_ptr thrown_;
  std::unique_ptr<Callback> then_;
  std::shared_ptr<Patron> patron_;
};

// The one source of a node, while it has one.
POOLPROOF_EXPORT NodePtr source_of(const FutureNode& node);
[[noreturn]] POOLPROOF_EXPORT void throw_decode_error(TaskId task, std::exception_ptr why);
// An exception of this process as a plain value, with its type name and text.
POOLPROOF_EXPORT Failure describe_exception(FailureKind kind, Stage stage, TaskId task,
                                            std::exception_ptr what);

// Where a Future<T> gets its value from, once it is ready and has not failed.
template <class T>
class TypedNode : public FutureNode {
 public:
  using FutureNode::FutureNode;
  virtual T take() = 0;
};

// A task's: bytes from a worker, decoded on the thread that asks for them.
template <class T>
class TaskNode final : public TypedNode<T> {
 public:
  using TypedNode<T>::TypedNode;
  T take() override {
    if constexpr (!std::is_void_v<T>) {
      try {
        WireReader in(this->result());
        T value = Codec<T>::decode(in);
        if (in.remaining() != 0) throw BadBytes("bytes are left over after the result");
        return value;
      } catch (...) {
        throw_decode_error(this->task(), std::current_exception());
      }
    }
  }
};
using MakeNode = FutureNode* (*)(TaskId, std::shared_ptr<Patron>);
template <class T>
FutureNode* make_task_node(TaskId task, std::shared_ptr<Patron> patron) {
  return new TaskNode<T>(task, std::move(patron));
}

// One that a callback will end: it knows whose end the callback waits for.
template <class T>
class LinkedNode : public TypedNode<T> {
 public:
  explicit LinkedNode(NodePtr source)
      : TypedNode<T>(source->task(), source->patron()), source_(std::move(source)) {
    this->has_source();
  }
  void cancel(const CancelOptions& options) override {
    const NodePtr source = source_of(*this);
    if (source) source->cancel(options);
  }
  void add_sources(std::vector<NodePtr>& to) const override {
    if (source_) to.push_back(source_);
  }

 private:
  NodePtr drop_source() override { return std::move(source_); }
  NodePtr source_;
};

// A callback's: a value that was made in this process, of any type that can be moved.
template <class T>
class ValueNode final : public LinkedNode<T> {
 public:
  using LinkedNode<T>::LinkedNode;
  T take() override { return std::move(*value); }
  std::optional<T> value;
};
template <>
class ValueNode<void> final : public LinkedNode<void> {
 public:
  using LinkedNode::LinkedNode;
  void take() override {}
};

struct FutureAccess;

}  // namespace detail

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

namespace detail {

[[noreturn]] POOLPROOF_EXPORT void abort_on_empty_future();

struct FutureAccess {
  template <class T>
  static Future<T> make(NodePtr node) {
    return Future<T>(std::move(node));
  }
  template <class T>
  static const NodePtr& node(const Future<T>& future) {
    return future.node_;
  }
};

template <class F, class T>
struct ThenResult {
  using type = std::invoke_result_t<F&, T>;
};
template <class F>
struct ThenResult<F, void> {
  using type = std::invoke_result_t<F&>;
};
template <bool kTakesFuture, class F, class T>
struct ThenResultOf : ThenResult<F, T> {};
template <class F, class T>
struct ThenResultOf<true, F, T> : ThenResult<F, Future<T>> {};

template <class F, class T, class U>
class ThenCallback : public Callback {
 public:
  ThenCallback(F f, NodePtr next) : f_(std::move(f)), next_(std::move(next)) {}

  void run(NodePtr settled) override {
    constexpr bool kTakesFuture = std::is_invocable_v<F&, Future<T>>;
    if (!kTakesFuture && settled->failed()) {
      settled->copy_failure_to(*next_);
      return;
    }
    try {
      Future<T> source = FutureAccess::make<T>(std::move(settled));
      if constexpr (kTakesFuture) {
        finish([&]() -> U { return f_(std::move(source)); });
      } else if constexpr (std::is_void_v<T>) {
        source.get();
        finish([&]() -> U { return f_(); });
      } else {
        finish([&]() -> U { return f_(source.get()); });
      }
    } catch (...) {
      // Told first: who waits for the new future may look at what the hook was told.
      if (next_->patron()) next_->patron()->callback_threw(std::current_exception());
      next_->settle_thrown(std::current_exception());
    }
  }

 private:
  template <class Call>
  void finish(Call call) {
    if constexpr (std::is_void_v<U>) {
      call();
    } else {
      static_cast<ValueNode<U>&>(*next_).value.emplace(call());
    }
    next_->settle_stored();
  }

  F f_;
  NodePtr next_;
};

}  // namespace detail

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
