// How a callback waits for a result that only other callbacks can bring: it runs those callbacks
// itself, inside its wait.
//
// Otherwise they would stay behind it in the queue of the one callback thread forever. Only the
// callbacks that the wait depends on are run. If it ran other callbacks too, they could delay it,
// and it could delay what they wait for. A future of another executor's callback is normally run by
// that executor's thread. If that thread is itself parked in such a wait, the callback is run here.
//
// A callback that closes another executor waits for the callback thread of that executor, and is
// parked during this wait too. The one parking_lock guards the record of which callback thread
// waits for which. If a wait for a close would be part of a circle, of any length, it is given up:
// the close is then only requested, and happens when the callbacks of the circle have returned.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "poolproof/future.h"

namespace poolproof::detail {

class Callbacks;

// Guards the sources of nodes; lock it before the mutex of any Callbacks.
std::mutex& parking_lock();
Callbacks* serving();
// Exists for the whole life of a callback thread.
class Serving {
 public:
  explicit Serving(Callbacks& whose);
  ~Serving();
  Serving(const Serving&) = delete;
  Serving& operator=(const Serving&) = delete;
};

// What a wait is for. All calls under parking_lock.
class Awaited {
 public:
  virtual ~Awaited() = default;
  virtual bool over() = 0;
  virtual void add_roots(std::vector<NodePtr>& to) = 0;  // the nodes whose ends help this wait
  virtual bool needs_all() const { return false; }       // false: one of them is enough
};

// Whether this is a callback thread, and only a callback can end one of these nodes.
bool must_park(Awaited& awaited);
// On a callback thread. False: `until` came first. Throws std::logic_error if it waits for the
// callback that waits, or if it is the last of several that wait for each other.
bool wait_parked(Awaited& awaited, std::optional<std::chrono::steady_clock::time_point> until);

// On the callback thread of another executor. False: `closing` waits for the callback that runs
// here.
bool wait_until_closed(Callbacks& closing);
// Called by a Callbacks that has closed. Costs one load while no callback waits for a close.
void tell_of_close();

// Called when a node has ended or a callback is due. Costs one load while no thread is parked.
void tell_parked();

}  // namespace poolproof::detail
