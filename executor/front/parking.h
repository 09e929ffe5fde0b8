// How a callback waits for what only other callbacks can bring: it runs those itself, in its wait.
//
// They would else stand behind it in the queue of the one callback thread, forever. Only what the
// wait depends on is run: a callback that ran others, too, would be held up by them, and might hold
// up itself what they wait for. A future of another executor's callback is awaited from that
// executor's thread, unless that one is itself parked in such a wait; then it is run here.
//
// A callback that closes another executor waits for that one's callback thread, and is parked
// meanwhile as well. Which callback thread waits for which is recorded under the one parking_lock.
// A wait for a close that would be part of a circle, of any length, is given up: the close is then
// only asked for, and comes when the callbacks of the circle have returned.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "poolproof/future.h"

namespace poolproof::detail {

class Callbacks;

std::mutex& parking_lock();  // guards the sources of nodes; taken before the lock of any Callbacks

// Whose callback thread this is; null for every other thread.
Callbacks* serving();
// For the whole life of a callback thread.
class Serving {
 public:
  explicit Serving(Callbacks& whose);
  ~Serving();
  Serving(const Serving&) = delete;
  Serving& operator=(const Serving&) = delete;
};

// What a wait is for. All under parking_lock.
class Awaited {
 public:
  virtual ~Awaited() = default;
  virtual bool over() = 0;
  virtual void add_roots(std::vector<NodePtr>& to) = 0;  // whose ends would further it
  virtual bool needs_all() const { return false; }       // not only one of these
};

// Whether this is a callback thread, and one of these can only be ended by a callback.
bool must_park(Awaited& awaited);
// On a callback thread. False: `until` came first. Throws std::logic_error if it waits for the
// callback that waits, or is the last of several that wait for each other.
bool wait_parked(Awaited& awaited, std::optional<std::chrono::steady_clock::time_point> until);

// On a callback thread of another one. False: `closing` waits for the callback that runs here.
bool wait_until_closed(Callbacks& closing);
// By one that has closed. Costs one load while no callback waits for that.
void tell_of_close();

// Something has ended, or is due. Costs one load while nobody is parked.
void tell_parked();

}  // namespace poolproof::detail
