// What stands behind a future: one node, counted, with one atomic word that tells its state.
// Internal; a Future is the only handle that a program has.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <utility>
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

}  // namespace detail
}  // namespace poolproof
