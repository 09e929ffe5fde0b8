// What stands behind a future: one node, counted, with one atomic word that tells its state.
// Internal; a Future is the only handle that a program has.
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

#include "poolproof/codec.h"
#include "poolproof/detail/callback.h"
#include "poolproof/detail/node_ptr.h"
#include "poolproof/error.h"
#include "poolproof/export.h"
#include "poolproof/options.h"

namespace poolproof {

template <class T>
class Future;

namespace detail {

// The nodes that must end before another can: one, or many. Moved, never copied.
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

  // Exactly one of these, once, from one thread.
  void settle(Bytes result);
  void settle(Failure failure);
  void settle_thrown(std::exception_ptr what);
  void settle_stored() { publish(); }  // the value was put where only its owner's type knows
  // For one that Callback::refuse gives, before settle_stored.
  void store_thrown(std::exception_ptr what) { thrown_ = std::move(what); }

  bool ready() const { return (word_.load(std::memory_order_acquire) & kReady) != 0; }
  // False: `until` came first. Throws ShutdownExecutorError in a process that was forked from the
  // pool's own, unless it is ready.
  bool wait(std::optional<std::chrono::steady_clock::time_point> until);
  // All of then() that may fail: no process for it (ShutdownExecutorError), or no thread
  // (std::system_error). Changes nothing here.
  void prepare_then();
  void then(std::unique_ptr<Callback> callback) noexcept;  // at most once, after prepare_then
  // In a process that was forked from the executor's the end never comes: ShutdownExecutorError.
  void refuse_in_fork() const;
  void cancel(const CancelOptions& options);  // of every task that this waits for

  // Who had to wait too long, or cannot decode the result, is told which task it was.
  [[noreturn]] void throw_timeout() const;
  [[noreturn]] void throw_decode_error(std::exception_ptr why) const;

  // What must end before this can. Called under parking_lock.
  virtual void add_sources(std::vector<NodePtr>& /*to*/) const {}

  // Only once ready.
  bool failed() const { return failure_ != nullptr || thrown_ != nullptr; }
  bool was_cancelled() const { return failure_ && failure_->kind == FailureKind::kCancelled; }
  void throw_if_failed() const;
  void copy_failure_to(FutureNode& other) const noexcept;  // and ends it
  const Bytes& result() const { return result_; }

  // Under the lock of the Callbacks that has it to run.
  bool has_due_callback() const { return then_ != nullptr && !refused_; }
  std::unique_ptr<Callback> take_callback() { return std::move(then_); }
  // The callback itself stays here, and is destroyed with this.
  NodePtr refuse_callback(std::exception_ptr why) noexcept;

  // Whether it is ready and a callback waits for that, runs, or has run.
  bool called_back() const {
    const std::uint32_t word = word_.load(std::memory_order_acquire);
    return (word & kReady) != 0 && (word & kThen) != 0;
  }
  // Whether its destructor runs none of the user's, as long as its owner is not the last one's.
  bool is_plain() const;
  TaskId task() const { return task_; }
  // TaskOptions::name, which the nodes of callbacks share; before anybody else sees this.
  void set_name(const std::string& name);
  std::string name() const { return name_ ? *name_ : std::string(); }
  const std::shared_ptr<CallbackOwner>& owner() const { return owner_; }

 protected:
  NodePtr reference();  // one more
  // In a constructor: drop_sources shall be called, under parking_lock, when this has ended.
  void has_sources() { word_.store(kLinked, std::memory_order_relaxed); }
  virtual Sources drop_sources() { return {}; }

 private:
  friend class NodePtr;
  friend class NodeQueue;
  friend class Callbacks;  // links what it has to destroy
  friend class Watch;
  static constexpr std::uint32_t kReady = 1, kWaiting = 2, kThen = 4, kLinked = 8, kWatched = 16;
  void publish();
  void tell_all(NodeQueue& more);
  static void drop(FutureNode* node) noexcept;

  std::atomic<std::uint32_t> word_{0};
  std::atomic<std::uint32_t> references_{1};
  const TaskId task_;
  std::shared_ptr<const std::string> name_;
  FutureNode* link_ = nullptr;  // of the queue that it is in
  Bytes result_;
  std::unique_ptr<Failure> failure_;
  std::exception_ptr thrown_;
  std::unique_ptr<Callback> then_;
  bool refused_ = false;  // then_ was
  std::shared_ptr<CallbackOwner> owner_;
};

// An exception of this process as a plain value, with its type name and text.
POOLPROOF_EXPORT Failure describe_exception(FailureKind kind, Stage stage, TaskId task,
                                            std::exception_ptr what);

// To the owner, if there is one, what a callback threw.
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
