// The one thread of an executor on which callbacks run. It starts at the first then(), and ends
// when the executor is destroyed.
//
// A supervisor's thread also passes work to it: callbacks of executors that have already closed,
// and nodes whose destructors may be the user's.
#pragma once

#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>

#include "poolproof/future.h"

namespace poolproof::detail {

// The callbacks that run on one callback thread: each runs inside a wait of the next outer one.
struct CallbackFrame {
  NodePtr settled;
  const CallbackFrame* outer = nullptr;
};

class Callbacks : public std::enable_shared_from_this<Callbacks> {
 public:
  Callbacks() = default;
  ~Callbacks();
  Callbacks(const Callbacks&) = delete;
  Callbacks& operator=(const Callbacks&) = delete;

  // Any thread, before the first run. Throws std::system_error if no thread can be started.
  void start();
  // Any thread; see CallbackOwner::call_back. Queues the node for the callback thread. After
  // close(): for then(), it runs the callback in this call; otherwise it queues the node for the
  // callback thread that this thread is, or for the one of the supervisor whose thread this is.
  NodePtr run(NodePtr settled, CalledBy by) noexcept;
  // Runs the due callbacks, and those that become due from them, and ends the thread. On the
  // callback thread itself it only asks for this. It also only asks if it is called on the callback
  // thread of another executor and would wait in a circle (parking.h).
  void close();
  bool closed();
  // On a supervisor's thread: passes the node, which has no reference left, to the callback thread,
  // which destroys it. If there can be no such thread, close() destroys it.
  void discard(FutureNode* node) noexcept;

  // Under parking_lock, on a callback thread: see CallbackOwner::take_due.
  std::unique_ptr<Callback> take(FutureNode& settled);
  // On the callback thread: runs what take() returned, of this or of another executor.
  void run_taken(std::unique_ptr<Callback> callback, NodePtr settled);
  // Whether the callback of this node runs on this callback thread, or waits there for another one.
  bool runs(const FutureNode& settled);
  // Under parking_lock: whether the callback that runs here waits for other callbacks.
  void set_parked(bool parked) { parked_ = parked; }

 private:
  using Lock = std::unique_lock<std::mutex>;
  void work();
  void run_due(Lock& lock);
  void run_here(Lock& lock, std::unique_ptr<Callback> callback, NodePtr settled);
  NodePtr run_late(Lock& lock, NodePtr settled) noexcept;
  std::exception_ptr try_start() noexcept;
  void help(std::shared_ptr<Callbacks> other) noexcept;
  bool run_one_late(Callbacks* on);
  bool clear_up(Lock& lock, Callbacks* on);
  void run_left_over();

  std::mutex mutex_;
  std::condition_variable changed_;
  NodeQueue due_;  // after close(): callbacks that come late
  std::thread thread_;
  bool closing_ = false;
  bool closed_ = false;
  const CallbackFrame* frames_ = nullptr;   // the innermost one
  FutureNode* discarded_ = nullptr;         // linked through the nodes
  std::shared_ptr<Callbacks> helped_;       // other closed ones, whose late callbacks run here
  std::shared_ptr<Callbacks> next_helped_;  // guarded by the lock of the Callbacks that helps
  bool has_help_ = false;                   // another Callbacks has this among its helped_
  bool parked_ = false;                     // guarded by parking_lock
};

// Exists for the life of a supervisor's thread. While it exists, no code of the user runs there.
class SupervisorThread {
 public:
  // `callbacks` and `owner` belong to this thread's executor. `callbacks` must not close before
  // this object is destroyed.
  SupervisorThread(Callbacks& callbacks, const CallbackOwner& owner);
  ~SupervisorThread();
  SupervisorThread(const SupervisorThread&) = delete;
  SupervisorThread& operator=(const SupervisorThread&) = delete;

  static Callbacks* callbacks();                    // null: this is not a supervisor's thread
  static bool may_destroy(const FutureNode& node);  // on this thread
};

}  // namespace poolproof::detail
