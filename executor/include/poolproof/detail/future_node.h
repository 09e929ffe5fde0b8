// The shared state behind a future: one reference-counted node, with one atomic word that holds its
// state. Internal; a Future is the only handle that a program has.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "poolproof/bytes.h"
#include "poolproof/detail/callback.h"
#include "poolproof/detail/node_ptr.h"
#include "poolproof/error.h"
#include "poolproof/export.h"
#include "poolproof/options.h"

namespace poolproof {

template <class T>
class Future;

namespace detail {

// The nodes that must end before another one can: one, or many. Moved, never copied.
struct Sources {
  NodePtr one;
  std::vector<NodePtr> many;
};

class POOLPROOF_EXPORT FutureNode {
 public:
  FutureNode(TaskId task, std::shared_ptr<CallbackOwner> owner);
  explicit FutureNode(const NodePtr& source);  // of the same task
  virtual ~FutureNode() = default;
  FutureNode(const FutureNode&) = delete;
  FutureNode& operator=(const FutureNode&) = delete;

  // Call exactly one of these, once, from one thread.
  void settle(Bytes result);
  void settle(Failure failure);
  void settle_thrown(std::exception_ptr what);
  void settle_stored() { publish(); }  // the value is already stored by the derived class
  // For a node that Callback::refuse returned, before settle_stored.
  void store_thrown(std::exception_ptr what) { thrown_ = std::move(what); }

  bool ready() const { return (word_.load(std::memory_order_acquire) & kReady) != 0; }
  // False: `until` came first. Throws ShutdownExecutorError in a process that was forked from the
  // pool's own, unless it is ready.
  bool wait(std::optional<std::chrono::steady_clock::time_point> until);
  // Does everything in then() that may fail: throws ShutdownExecutorError in a forked process,
  // std::system_error if there is no thread. Changes nothing in this node.
  void prepare_then();
  void then(std::unique_ptr<Callback> callback) noexcept;  // at most once, after prepare_then
  // Throws ShutdownExecutorError in a process that was forked from the executor's, because the end
  // never arrives there.
  void refuse_in_fork() const;
  void cancel(const CancelOptions& options);  // every task that this node waits for

  // Both name the task: for a wait that was too long, and for a result that cannot be decoded.
  [[noreturn]] void throw_timeout() const;
  [[noreturn]] void throw_decode_error(std::exception_ptr why) const;

  // Adds the nodes that must end before this one can. Called under parking_lock.
  virtual void add_sources(std::vector<NodePtr>& /*to*/) const {}

  // Only once ready.
  bool failed() const { return failure_ != nullptr || thrown_ != nullptr; }
  bool was_cancelled() const { return failure_ && failure_->kind == FailureKind::kCancelled; }
  void throw_if_failed() const;
  void copy_failure_to(FutureNode& other) const noexcept;  // ends `other` with it
  const Bytes& result() const { return result_; }

  // Under the lock of the Callbacks object that will run it.
  bool has_due_callback() const { return then_ != nullptr && !refused_; }
  std::unique_ptr<Callback> take_callback() { return std::move(then_); }
  // The callback itself stays here, and is destroyed with this node.
  NodePtr refuse_callback(std::exception_ptr why) noexcept;

  // Whether it is ready and its callback is due, runs, or has run.
  bool called_back() const {
    const std::uint32_t word = word_.load(std::memory_order_acquire);
    return (word & kReady) != 0 && (word & kThen) != 0;
  }
  // Whether its destructor runs no code of the user, provided that it does not drop the last
  // reference to its owner.
  bool is_plain() const;
  TaskId task() const { return task_; }
  // TaskOptions::name; the nodes of callbacks share it. Call it before any other thread sees this.
  void set_name(const std::string& name);
  std::string name() const { return name_ ? *name_ : std::string(); }
  const std::shared_ptr<CallbackOwner>& owner() const { return owner_; }

 protected:
  NodePtr reference();  // one more reference
  // In a constructor: asks that drop_sources be called, under parking_lock, when this has ended.
  void has_sources() { word_.store(kLinked, std::memory_order_relaxed); }
  virtual Sources drop_sources() { return {}; }

 private:
  friend class NodePtr;
  friend class NodeQueue;
  friend class Callbacks;  // links the nodes that it must destroy
  friend class Watch;
  static constexpr std::uint32_t kReady = 1, kWaiting = 2, kThen = 4, kLinked = 8, kWatched = 16;
  void publish();
  void tell_all(NodeQueue& more);
  static void drop(FutureNode* node) noexcept;

  std::atomic<std::uint32_t> word_{0};
  std::atomic<std::uint32_t> references_{1};
  const TaskId task_;
  std::shared_ptr<const std::string> name_;
  FutureNode* link_ = nullptr;  // in the queue that holds it
  Bytes result_;
  std::unique_ptr<Failure> failure_;
  std::exception_ptr thrown_;
  std::unique_ptr<Callback> then_;
  bool refused_ = false;  // then_ was refused
  std::shared_ptr<CallbackOwner> owner_;
};

// Tells the owner, if there is one, what a callback threw.
POOLPROOF_EXPORT void tell_thrown(CallbackOwner* owner, const std::exception_ptr& what) noexcept;

// std::future_error with std::future_errc::no_state.
[[noreturn]] POOLPROOF_EXPORT void throw_no_state();
[[noreturn]] POOLPROOF_EXPORT void abort_on_running_coroutine();

struct FutureAccess {
  template <class T>
  static Future<T> make(NodePtr node) {
    return Future<T>(std::move(node));
  }
  template <class T>
  static const NodePtr& node(const Future<T>& future) {
    return future.node_;
  }
  // The same; throws if there is none.
  template <class T>
  static const NodePtr& checked(const Future<T>& future) {
    if (!future.node_) throw_no_state();
    return future.node_;
  }
};

}  // namespace detail
}  // namespace poolproof
