#include "poolproof/wait.h"

#include <array>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <unordered_map>

#include "executor/front/parking.h"
#include "executor/os/os.h"

namespace poolproof::detail {
namespace {

struct Entry {
  Watch* watch;
  std::size_t index;
  NodePtr keep;
};

// Which watch watches which node. Nodes have no room for this, and most are never watched.
struct Stripe {
  std::mutex mutex;
  std::unordered_multimap<const FutureNode*, Entry> entries;
};

Stripe& stripe_of(const FutureNode& node) {
  constexpr std::size_t kStripes = 64;
  // Never destroyed: futures may also end while static objects are destroyed.
  static auto& stripes = *new std::array<Stripe, kStripes>;
  return stripes[(reinterpret_cast<std::uintptr_t>(&node) / alignof(std::max_align_t)) % kStripes];
}

}  // namespace

void Watch::start(FutureNode& node, Watch& watch, std::size_t index, NodePtr keep) {
  {
    Stripe& stripe = stripe_of(node);
    const std::lock_guard lock(stripe.mutex);
    // The bit is set under the lock. tell() takes the lock after it has seen the bit, so it finds
    // the entry.
    const std::uint32_t before =
        node.word_.fetch_or(FutureNode::kWatched, std::memory_order_acq_rel);
    if ((before & FutureNode::kReady) == 0) {
      stripe.entries.emplace(&node, Entry{&watch, index, std::move(keep)});
      return;
    }
  }
  if (const NodePtr ends = watch.came(index)) ends->settle_stored();
}

void Watch::stop(FutureNode& node, Watch& watch) {
  NodePtr keep;
  Stripe& stripe = stripe_of(node);
  const std::lock_guard lock(stripe.mutex);
  const auto [from, to] = stripe.entries.equal_range(&node);
  for (auto each = from; each != to; ++each) {
    if (each->second.watch != &watch) continue;
    keep = std::move(each->second.keep);
    stripe.entries.erase(each);
    return;
  }
}

void Watch::tell(FutureNode& ended, NodeQueue& more) {
  Stripe& stripe = stripe_of(ended);
  while (true) {
    NodePtr keep;  // destroyed without the lock
    const std::lock_guard lock(stripe.mutex);
    const auto found = stripe.entries.find(&ended);
    if (found == stripe.entries.end()) return;
    keep = std::move(found->second.keep);
    Watch& watch = *found->second.watch;
    const std::size_t index = found->second.index;
    stripe.entries.erase(found);
    if (NodePtr ends = watch.came(index)) more.push(std::move(ends));
  }
}

class Arrivals::State final : public Watch, public Awaited {
 public:
  ~State() override {
    for (const auto& [index, node] : pending_) Watch::stop(*node, *this);
  }

  void add(const NodePtr& node, std::size_t index) {
    if (!node->ready()) node->refuse_in_fork();
    pending_.emplace(index, node);
    Watch::start(*node, *this, index);
  }

  std::optional<std::size_t> next(std::optional<Instant> until) {
    if (pending_.empty()) return std::nullopt;
    if (!over() && must_park(*this)) {
      if (!wait_parked(*this, until)) return std::nullopt;
    }
    std::unique_lock lock(mutex_);
    const auto some = [this] { return !came_.empty(); };
    if (!until) {
      changed_.wait(lock, some);
    } else if (!changed_.wait_until(lock, *until, some)) {
      return std::nullopt;
    }
    const std::size_t index = came_.front();
    came_.pop_front();
    lock.unlock();
    pending_.erase(index);
    return index;
  }

  std::size_t pending() const { return pending_.size(); }

  bool over() override {
    const std::lock_guard lock(mutex_);
    return !came_.empty();
  }
  void add_roots(std::vector<NodePtr>& to) override {
    for (const auto& [index, node] : pending_) to.push_back(node);
  }

 private:
  NodePtr came(std::size_t index) override {
    const std::lock_guard lock(mutex_);
    came_.push_back(index);
    changed_.notify_all();  // under the lock: once the lock is released, this may be destroyed
    return {};
  }

  std::unordered_map<std::size_t, NodePtr> pending_;  // used by the waiting thread only
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::size_t> came_;
};

Arrivals::Arrivals() : state_(std::make_unique<State>()) {}
Arrivals::~Arrivals() = default;
Arrivals::Arrivals(Arrivals&&) noexcept = default;
Arrivals& Arrivals::operator=(Arrivals&&) noexcept = default;
void Arrivals::add(const NodePtr& node, std::size_t index) { state_->add(node, index); }
bool Arrivals::any() const { return state_->over(); }
std::size_t Arrivals::pending() const {
  if (!state_) throw_no_state();
  return state_->pending();
}
std::optional<std::size_t> Arrivals::next(std::optional<Instant> until) {
  return state_->next(until);
}

std::optional<std::chrono::steady_clock::time_point> until_after(
    std::optional<std::chrono::nanoseconds> delay) {
  return os::after(std::chrono::steady_clock::now(), delay);
}

Waited wait_for_nodes(const std::vector<NodePtr>& nodes, const WaitOptions& options) {
  const auto until = until_after(options.timeout);
  if (options.until == Until::kAll) {
    for (const NodePtr& node : nodes) {
      if (node && !node->wait(until)) break;
    }
  } else {
    Arrivals arrivals;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (nodes[i]) arrivals.add(nodes[i], i);
    }
    while (const auto index = arrivals.next(until)) {
      const FutureNode& node = *nodes[*index];
      if (options.until == Until::kFirst || (node.failed() && !node.was_cancelled())) break;
    }
  }
  Waited waited;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i]) (nodes[i]->ready() ? waited.done : waited.pending).push_back(i);
  }
  return waited;
}

void throw_not_all_in_time(std::size_t pending, std::size_t all) {
  Failure failure;
  failure.kind = FailureKind::kTimeout;
  failure.started = true;  // nothing more is known here
  failure.text = std::to_string(pending) + " of " + std::to_string(all) +
                 " futures had not ended in time; their tasks go on";
  throw TimeoutError(failure);
}

}  // namespace poolproof::detail
