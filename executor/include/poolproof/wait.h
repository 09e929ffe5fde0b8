// Waiting for many futures: of one executor or several, of tasks or of callbacks, all together.
//
// Nothing here polls or starts a thread. A future that get() or then() has consumed is passed over,
// so a loop may wait again and again on one vector. Any thread may wait, callbacks included; the
// futures belong to the waiting thread meanwhile.
#pragma once

#include <chrono>
#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "poolproof/export.h"
#include "poolproof/future.h"

namespace poolproof {

enum class Until {
  kAll,         // all have ended
  kFirst,       // one has ended
  kFirstError,  // one has ended with an error (a cancelled one does not count), or all have ended
};

struct WaitOptions {
  Until until = Until::kAll;
  std::optional<std::chrono::nanoseconds> timeout = std::nullopt;  // none: as long as it takes
};

// Places in the order given: which had ended when the wait did, and which had not.
struct Waited {
  std::vector<std::size_t> done;
  std::vector<std::size_t> pending;
};

namespace detail {

// Who is to be told of the end of nodes. What is watched is kept outside the nodes, so that a
// future that nobody watches pays nothing for it.
class POOLPROOF_EXPORT Watch {
 public:
  virtual ~Watch() = default;

  // `watch` hears came(index) once, here if `node` has ended already. It must outlive that or its
  // stop(); `keep`, if any, is held until then.
  static void start(FutureNode& node, Watch& watch, std::size_t index, NodePtr keep = {});
  static void stop(FutureNode& node, Watch& watch);  // no came() after this
  static void tell(FutureNode& ended);               // by the node itself

 private:
  // Any thread, under a lock: must neither block nor call anything of a user. The node that it
  // gives, if any, is one that ends by this.
  virtual NodePtr came(std::size_t index) = 0;
};

// The indices of the nodes that have ended, in that order; those that were added as ended come
// first. For one thread.
class POOLPROOF_EXPORT Arrivals {
 public:
  using Instant = std::chrono::steady_clock::time_point;
  Arrivals();
  ~Arrivals();
  Arrivals(Arrivals&&) noexcept;
  Arrivals& operator=(Arrivals&&) noexcept;

  void add(const NodePtr& node, std::size_t index);
  std::size_t pending() const;  // added, and not given by next
  bool any() const;             // next would not wait
  // nullopt: `until` came first, or nothing is pending.
  std::optional<std::size_t> next(std::optional<Instant> until);

 private:
  class State;
  std::unique_ptr<State> state_;
};

// That far from now; none if the clock cannot tell it, or if there is none.
POOLPROOF_EXPORT std::optional<std::chrono::steady_clock::time_point> until_after(
    std::optional<std::chrono::nanoseconds> delay);
POOLPROOF_EXPORT Waited wait_for_nodes(const std::vector<NodePtr>& nodes,
                                       const WaitOptions& options);
[[noreturn]] POOLPROOF_EXPORT void throw_not_all_in_time(std::size_t pending, std::size_t all);

template <class T>
struct IsFuture : std::false_type {};
template <class T>
struct IsFuture<Future<T>> : std::true_type {};
template <class R>
concept FutureRange = std::ranges::input_range<R> &&
    IsFuture<std::remove_cvref_t<std::ranges::range_reference_t<R>>>::value;

// What when_all gives: counts its futures' ends. Sources keep it alive.
template <class All>
class AllNode final : public TypedNode<All>, public Watch {
 public:
  AllNode(All all, std::shared_ptr<Patron> patron)
      : TypedNode<All>(0, std::move(patron)), all_(std::move(all)) {}
  // `self`: this. Once.
  void begin(const NodePtr& self) {
    std::vector<NodePtr> nodes;
    add_sources(nodes);
    left_ = nodes.size() + 1;
    for (const NodePtr& node : nodes) Watch::start(*node, *this, 0, self);
    if (came(0)) this->settle_stored();
  }
  All take() override { return std::move(all_); }
  void cancel(const CancelOptions& options) override {
    std::vector<NodePtr> nodes;
    add_sources(nodes);
    for (const NodePtr& node : nodes) node->cancel(options);
  }
  void add_sources(std::vector<NodePtr>& to) const override {
    const auto add = [&](const auto& future) {
      if (FutureAccess::node(future)) to.push_back(FutureAccess::node(future));
    };
    if constexpr (FutureRange<All>) {
      for (const auto& future : all_) add(future);
    } else {
      std::apply([&](const auto&... future) { (add(future), ...); }, all_);
    }
  }

 private:
  NodePtr came(std::size_t) override {
    return left_.fetch_sub(1, std::memory_order_acq_rel) == 1 ? this->reference() : NodePtr();
  }
  All all_;
  std::atomic<std::size_t> left_ = 0;
};

template <class All>
Future<All> all_of(All all, std::shared_ptr<Patron> patron) {
  auto* node = new AllNode<All>(std::move(all), std::move(patron));
  const NodePtr held(node);
  node->begin(held);
  return FutureAccess::make<All>(held);
}

}  // namespace detail

// Waits for futures in a range. Never throws for what became of them: ask each with get().
template <detail::FutureRange R>
Waited wait(const R& futures, const WaitOptions& options = {}) {
  std::vector<detail::NodePtr> nodes;
  for (const auto& future : futures) nodes.push_back(detail::FutureAccess::node(future));
  return detail::wait_for_nodes(nodes, options);
}
// The same for futures of several types.
template <class... T>
Waited wait(const WaitOptions& options, const Future<T>&... futures) {
  return detail::wait_for_nodes({detail::FutureAccess::node(futures)...}, options);
}

// The futures of a range in the order in which they end: for (Future<int>& each : as_completed(v)).
// The range must outlive this one, with its futures where they are. One pass, on one thread.
// Leaving it early costs nothing.
template <class T>
class AsCompleted {
 public:
  class iterator {
   public:
    using value_type = Future<T>;
    using difference_type = std::ptrdiff_t;
    iterator() = default;
    explicit iterator(AsCompleted* of) : of_(of) {}
    Future<T>& operator*() const { return *of_->now_; }
    iterator& operator++() {
      of_->step();
      return *this;
    }
    void operator++(int) { of_->step(); }
    bool operator==(std::default_sentinel_t) const { return of_->now_ == nullptr; }

   private:
    AsCompleted* of_ = nullptr;
  };

  template <class R>
  AsCompleted(R& futures, std::optional<std::chrono::nanoseconds> timeout)
      : until_(detail::until_after(timeout)) {
    for (Future<T>& future : futures) {
      if (!future.valid()) continue;
      arrivals_.add(detail::FutureAccess::node(future), all_.size());
      all_.push_back(&future);
    }
  }

  // Waits for the first; ++ waits for the next. Both throw TimeoutError once the timeout has passed
  // and a future is pending; the futures themselves stay as they are.
  iterator begin() {
    step();
    return iterator(this);
  }
  std::default_sentinel_t end() const { return {}; }

 private:
  void step() {
    now_ = nullptr;
    if (arrivals_.pending() == 0) return;
    const std::optional<std::size_t> next = arrivals_.next(until_);
    if (!next) detail::throw_not_all_in_time(arrivals_.pending(), all_.size());
    now_ = all_[*next];
  }

  std::vector<Future<T>*> all_;
  detail::Arrivals arrivals_;
  std::optional<std::chrono::steady_clock::time_point> until_;
  Future<T>* now_ = nullptr;
};
template <detail::FutureRange R>
auto as_completed(R& futures, std::optional<std::chrono::nanoseconds> timeout = std::nullopt) {
  using Each = std::ranges::range_value_t<R>;
  return AsCompleted<decltype(std::declval<Each&>().get())>(futures, timeout);
}

// A future that ends once all of these have, and gives them back, each with its own end: it never
// fails by itself. then() of it runs on the callback thread of the first one's executor, cancel()
// goes to each. Consumes them.
template <class T>
Future<std::vector<Future<T>>> when_all(std::vector<Future<T>> futures) {
  std::shared_ptr<detail::Patron> patron;
  for (const Future<T>& each : futures) {
    if (const auto& node = detail::FutureAccess::node(each)) {
      if (!patron) patron = node->patron();
    } else {
      detail::abort_on_empty_future();
    }
  }
  return detail::all_of(std::move(futures), std::move(patron));
}
template <class... T>
Future<std::tuple<Future<T>...>> when_all(Future<T>... futures) {
  std::shared_ptr<detail::Patron> patron;
  const auto look = [&](const detail::NodePtr& node) {
    if (!node) detail::abort_on_empty_future();
    if (!patron) patron = node->patron();
  };
  (look(detail::FutureAccess::node(futures)), ...);
  return detail::all_of(std::tuple<Future<T>...>(std::move(futures)...), std::move(patron));
}

}  // namespace poolproof
