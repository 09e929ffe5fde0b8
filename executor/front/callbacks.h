// The one thread of an executor on which callbacks run: started at the first then(), gone once the
// executor is.
//
// What ends on a supervisor's thread is handed over here, too: callbacks of executors that have
// closed already, and nodes whose destructors may be the user's.
#pragma once

#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>

#include "poolproof/future.h"

namespace poolproof::detail {

// The callbacks that run on one callback thread, each inside a wait of the next outer one.
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

  // Any thread, before the first run. Throws std::system_error if there can be no thread.
  void start();
  // Any thread; see CallbackOwner::call_back. Queues the node for the callback thread. Once that is
  // closed: runs it here and now for then(), else queues it for the thread that serves here, or for
  // the callback thread of the supervisor that runs here.
  NodePtr run(NodePtr settled, CalledBy by) noexcept;
  // Runs what is due, and what that makes due, and ends the thread. On the callback thread itself
  // it only asks for that, and on the callback thread of another executor if it would wait in a
  // circle (parking.h).
  void close();
  bool closed();
  // On a supervisor's thread: destroys the node, which has no reference left, on the callback
  // thread; if there can be none, when this closes.
  void discard(FutureNode* node) noexcept;

  // Under parking_lock, by a thread of callbacks: see CallbackOwner::take_due.
  std::unique_ptr<Callback> take(FutureNode& settled);
  // On the callback thread: runs what take() gave, of this or of another executor.
  void run_taken(std::unique_ptr<Callback> callback, NodePtr settled);
  // Whether the callback of this node runs on this callback thread, or waits there for another.
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
  NodeQueue due_;  // once closed: what comes late
  std::thread thread_;
  bool closing_ = false;
  bool closed_ = false;
  const CallbackFrame* frames_ = nullptr;   // the innermost
  FutureNode* discarded_ = nullptr;         // linked through the nodes
  std::shared_ptr<Callbacks> helped_;       // others, closed, whose late callbacks run here
  std::shared_ptr<Callbacks> next_helped_;  // guarded by the lock of the one that helps
  bool has_help_ = false;                   // some other has this among its helped_
  bool parked_ = false;                     // guarded by parking_lock
};

// For the life of a supervisor's thread: on it, no code of the user runs.
class SupervisorThread {
 public:
  // `callbacks`: of its executor, which must not close before this is gone. `owner`: that one.
  SupervisorThread(Callbacks& callbacks, const CallbackOwner& owner);
  ~SupervisorThread();
  SupervisorThread(const SupervisorThread&) = delete;
  SupervisorThread& operator=(const SupervisorThread&) = delete;

  static Callbacks* callbacks();                    // null: this is no supervisor's thread
  static bool may_destroy(const FutureNode& node);  // here
};

}  // namespace poolproof::detail
