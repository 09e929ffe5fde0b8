#include "executor/front/parking.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "executor/front/callbacks.h"
#include "executor/front/search.h"

namespace poolproof::detail {
namespace {

// A callback thread that waits, and what it waits for: futures, or the end of another callback
// thread.
struct Waiting {
  Callbacks* thread;
  const Search* search = nullptr;
  Callbacks* closing = nullptr;
  bool certain = false;  // for futures: it continues only when all of them have ended
};

struct Parkings {
  std::mutex mutex;  // lock it before the mutex of any Callbacks
  std::condition_variable changed;
  std::atomic<int> parked = 0;
  std::vector<const Waiting*> waiting;    // each thread at most once
  std::condition_variable may_be_circle;  // for threads that wait for a close
  std::atomic<int> closing = 0;
};

// Never destroyed: futures may also end while static objects are destroyed.
Parkings& all_parkings() {
  static Parkings& parkings = *new Parkings;
  return parkings;
}

thread_local Callbacks* served = nullptr;

// While it exists and is not suspended, the thread is parked: other threads may run the callbacks
// that are due here. All calls under the lock.
class Parked {
 public:
  Parked(Parkings& parkings, const Waiting& waiting) : parkings_(parkings), waiting_(waiting) {
    resume();
    parkings_.parked.fetch_add(1, std::memory_order_seq_cst);
  }
  ~Parked() {
    parkings_.parked.fetch_sub(1, std::memory_order_seq_cst);
    suspend();
  }
  Parked(const Parked&) = delete;
  Parked& operator=(const Parked&) = delete;
  void resume() {
    parkings_.waiting.push_back(&waiting_);
    waiting_.thread->set_parked(true);
    parkings_.changed.notify_all();
    parkings_.may_be_circle.notify_all();
  }
  void suspend() {
    waiting_.thread->set_parked(false);
    std::erase(parkings_.waiting, &waiting_);
  }

 private:
  Parkings& parkings_;
  const Waiting& waiting_;
};

// Under the lock: adds the threads without which this one cannot continue.
void add_needed(const Parkings& parkings, const Waiting& one, std::vector<Callbacks*>& to) {
  if (one.closing != nullptr) {
    to.push_back(one.closing);
    return;
  }
  for (const NodePtr& node : one.search->called_back()) {
    for (const Waiting* other : parkings.waiting) {
      if (other->thread->runs(*node)) to.push_back(other->thread);
    }
  }
}

enum class Waits {
  kAny,
  kForFutures,  // only the waits that no time limit and no other future can end
};

// Under the lock: whether `from` waits for `to`, directly or through other threads.
bool leads_to(const Parkings& parkings, const std::vector<Callbacks*>& from, const Callbacks* to,
              Waits which) {
  std::vector<Callbacks*> threads = from;
  for (std::size_t next = 0; next < threads.size(); ++next) {
    if (threads[next] == to) return true;
    std::vector<Callbacks*> needed;
    for (const Waiting* each : parkings.waiting) {
      if (each->thread != threads[next]) continue;
      if (which == Waits::kForFutures && !each->certain) continue;
      add_needed(parkings, *each, needed);
    }
    for (Callbacks* each : needed) {
      if (std::find(threads.begin(), threads.end(), each) == threads.end()) threads.push_back(each);
    }
  }
  return false;
}

void throw_if_in_circle(const Parkings& parkings, const Waiting& mine) {
  if (!mine.certain) return;
  std::vector<Callbacks*> needed;
  add_needed(parkings, mine, needed);
  if (!leads_to(parkings, needed, mine.thread, Waits::kForFutures)) return;
  throw std::logic_error(
      "poolproof: callbacks wait for each other's futures, in a circle; this one would wait "
      "forever");
}

}  // namespace

Callbacks* serving() { return served; }
Serving::Serving(Callbacks& whose) { served = &whose; }
Serving::~Serving() { served = nullptr; }

bool must_park(Awaited& awaited) {
  if (served == nullptr) return false;
  std::vector<NodePtr> roots, sources;
  const std::lock_guard lock(all_parkings().mutex);
  awaited.add_roots(roots);
  for (const NodePtr& root : roots) root->add_sources(sources);
  return !sources.empty();
}

bool wait_parked(Awaited& awaited, std::optional<std::chrono::steady_clock::time_point> until) {
  Parkings& parkings = all_parkings();
  Search search(awaited);
  const Waiting mine{served, &search, nullptr, !until && awaited.needs_all()};
  std::unique_lock lock(parkings.mutex);
  Parked parked(parkings, mine);
  while (!awaited.over()) {
    if (until && std::chrono::steady_clock::now() >= *until) return false;
    DueCallback due = search.next(*served);
    if (due.callback) {
      parked.suspend();
      lock.unlock();
      served->run_taken(std::move(due.callback), std::move(due.settled));
      search.forget_passed();
      lock.lock();
      parked.resume();
    } else if (search.has_passed()) {
      lock.unlock();
      search.forget_passed();
      lock.lock();
    } else {
      throw_if_in_circle(parkings, mine);
      parkings.may_be_circle.notify_all();
      if (until) {
        parkings.changed.wait_until(lock, *until);
      } else {
        parkings.changed.wait(lock);
      }
    }
  }
  return true;
}

bool wait_until_closed(Callbacks& closing) {
  Parkings& parkings = all_parkings();
  const Waiting mine{served, nullptr, &closing};
  std::unique_lock lock(parkings.mutex);
  const Parked parked(parkings, mine);
  parkings.closing.fetch_add(1, std::memory_order_seq_cst);
  bool circle = false;
  while (!closing.closed() && !circle) {
    circle = leads_to(parkings, {&closing}, served, Waits::kAny);
    if (!circle) parkings.may_be_circle.wait(lock);
  }
  parkings.closing.fetch_sub(1, std::memory_order_seq_cst);
  return !circle;
}

void tell_of_close() {
  Parkings& parkings = all_parkings();
  if (parkings.closing.load(std::memory_order_seq_cst) == 0) return;
  const std::lock_guard lock(parkings.mutex);
  parkings.may_be_circle.notify_all();
}

void tell_parked() {
  Parkings& parkings = all_parkings();
  if (parkings.parked.load(std::memory_order_seq_cst) == 0) return;
  // Locked, so that a thread that looked before this happened is asleep by now and gets the notice.
  const std::lock_guard lock(parkings.mutex);
  parkings.changed.notify_all();
}

std::mutex& parking_lock() { return all_parkings().mutex; }

}  // namespace poolproof::detail
