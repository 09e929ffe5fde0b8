// The one thread of an executor on which callbacks run: started at the first then(), gone once the
// executor is.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "poolproof/future.h"

namespace poolproof::detail {

class Callbacks : public std::enable_shared_from_this<Callbacks> {
 public:
  Callbacks() = default;
  ~Callbacks();
  Callbacks(const Callbacks&) = delete;
  Callbacks& operator=(const Callbacks&) = delete;

  // Any thread, before the first run. Throws std::system_error if there can be no thread.
  void start();
  // Any thread. Queues it for the callback thread, or, once that is closed, runs it here and now.
  void run(std::unique_ptr<Callback> callback, NodePtr settled);
  // Runs what is due, and what that makes due, and ends the thread. On the callback thread itself
  // it only asks for that.
  void close();

  // Under parking_lock, by a thread of callbacks: see Patron::take_due.
  std::unique_ptr<Callback> take(const FutureNode& settled);
  // Under parking_lock: whether the callback that runs here waits for other callbacks.
  void set_parked(bool parked) { parked_ = parked; }

 private:
  struct Due {
    std::unique_ptr<Callback> callback;
    NodePtr settled;
  };
  void work();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Due> due_;
  std::thread thread_;
  bool closing_ = false;
  bool closed_ = false;
  bool parked_ = false;  // guarded by parking_lock
};

}  // namespace poolproof::detail
