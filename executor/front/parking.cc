#include "executor/front/parking.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "executor/front/callbacks.h"

namespace poolproof::detail {
namespace {

struct Lot {
  std::mutex mutex;  // before that of any Callbacks
  std::condition_variable changed;
  std::atomic<int> parked = 0;
};

// Never destroyed: futures end while static objects are destroyed, too.
Lot& the_lot() {
  static Lot& lot = *new Lot;
  return lot;
}

// The callbacks that run on this thread, one inside the wait of the other.
struct Frame {
  NodePtr settled;
  const Frame* outer;
};
thread_local const Frame* frames = nullptr;
thread_local Callbacks* served = nullptr;

bool runs_here(const FutureNode& settled) {
  for (const Frame* frame = frames; frame != nullptr; frame = frame->outer) {
    if (&*frame->settled == &settled) return true;
  }
  return false;
}

struct Due {
  std::unique_ptr<Callback> callback;
  NodePtr settled;
};

// Under the lock. Looks from what is awaited back to what it waits for. Every future is consumed by
// then() or when_all(), so this is a tree. `seen` keeps what was looked at: the last reference to a
// node must not go under the lock, since a value of the user's may go with it.
Due find_due(Awaited& awaited, std::vector<NodePtr>& seen) {
  awaited.add_roots(seen);
  for (std::size_t next = 0; next < seen.size(); ++next) {
    if (seen[next]->ready()) continue;
    const std::size_t first = seen.size();
    FutureNode& node = *seen[next];
    node.add_sources(seen);
    for (std::size_t i = first; i < seen.size(); ++i) {
      const NodePtr& source = seen[i];
      if (!source->ready() || !source->patron()) continue;
      if (auto callback = source->patron()->take_due(*source)) {
        return {std::move(callback), source};
      }
      if (runs_here(*source)) {
        throw std::logic_error(
            "poolproof: a callback waits for its own future, which ends only when it returns");
      }
    }
  }
  return {};
}

// While it is alive and not suspended, the thread is parked.
class Parked {
 public:
  explicit Parked(Lot& lot) : lot_(lot) {
    lot_.parked.fetch_add(1, std::memory_order_seq_cst);
    set(true);
  }
  ~Parked() {
    set(false);
    lot_.parked.fetch_sub(1, std::memory_order_seq_cst);
  }
  Parked(const Parked&) = delete;
  Parked& operator=(const Parked&) = delete;
  void set(bool parked) {
    served->set_parked(parked);
    if (parked) lot_.changed.notify_all();  // others may run now what is due here
  }

 private:
  Lot& lot_;
};

}  // namespace

Callbacks* serving() { return served; }
Serving::Serving(Callbacks& whose) { served = &whose; }
Serving::~Serving() { served = nullptr; }

void run_callback(std::unique_ptr<Callback> callback, NodePtr settled) {
  const Frame frame{settled, frames};
  frames = &frame;
  callback->run(std::move(settled));  // throws nothing
  callback.reset();                   // what it captured dies here, under no lock
  frames = frame.outer;
}

bool must_park(Awaited& awaited) {
  if (served == nullptr) return false;
  std::vector<NodePtr> roots, sources;
  const std::lock_guard lock(the_lot().mutex);
  awaited.add_roots(roots);
  for (const NodePtr& root : roots) root->add_sources(sources);
  return !sources.empty();
}

bool wait_parked(Awaited& awaited, std::optional<std::chrono::steady_clock::time_point> until) {
  Lot& lot = the_lot();
  std::vector<NodePtr> seen;
  std::unique_lock lock(lot.mutex);
  Parked parked(lot);
  while (!awaited.over()) {
    if (until && std::chrono::steady_clock::now() >= *until) return false;
    if (!seen.empty()) {
      lock.unlock();
      seen.clear();
      lock.lock();
      continue;
    }
    Due due = find_due(awaited, seen);
    if (due.callback) {
      parked.set(false);
      lock.unlock();
      run_callback(std::move(due.callback), std::move(due.settled));
      lock.lock();
      parked.set(true);
    } else if (until) {
      lot.changed.wait_until(lock, *until);
    } else {
      lot.changed.wait(lock);
    }
  }
  return true;
}

void tell_parked() {
  Lot& lot = the_lot();
  if (lot.parked.load(std::memory_order_seq_cst) == 0) return;
  // Locked: who looked before this came to pass must be asleep by now.
  const std::lock_guard lock(lot.mutex);
  lot.changed.notify_all();
}

NodePtr source_of(const FutureNode& node) {
  std::vector<NodePtr> sources;
  const std::lock_guard lock(the_lot().mutex);
  node.add_sources(sources);
  return sources.empty() ? NodePtr() : std::move(sources.front());
}

std::mutex& parking_lock() { return the_lot().mutex; }

}  // namespace poolproof::detail
