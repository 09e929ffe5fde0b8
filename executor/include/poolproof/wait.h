// Waiting for many futures together: of one executor or several, of tasks or of callbacks.
//
// Nothing here polls or starts a thread. A future that get() or then() has consumed is skipped, so
// a loop may wait again and again on one vector. Any thread may wait, callbacks included. During
// the wait, only the waiting thread may use the futures.
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

#include "poolproof/detail/watch.h"
#include "poolproof/detail/when_all.h"
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
  std::optional<std::chrono::nanoseconds> timeout = std::nullopt;  // none: no limit
};

// Indices in the order given: futures that had ended when the wait ended, and those that had not.
struct Waited {
  std::vector<std::size_t> done;
  std::vector<std::size_t> pending;
};

namespace detail {

POOLPROOF_EXPORT Waited wait_for_nodes(const std::vector<NodePtr>& nodes,
                                       const WaitOptions& options);
[[noreturn]] POOLPROOF_EXPORT void throw_not_all_in_time(std::size_t pending, std::size_t all);

}  // namespace detail

// Waits for futures in a range. It does not throw the futures' errors: call get() on each.
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
// Leaving it early costs nothing. One that was moved from throws std::future_error (no_state).
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

  // Waits for the first; ++ waits for the next. Both throw TimeoutError if the timeout has passed
  // and a future is pending; the futures themselves do not change.
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
[[nodiscard]] auto as_completed(R& futures,
                                std::optional<std::chrono::nanoseconds> timeout = std::nullopt) {
  using Each = std::ranges::range_value_t<R>;
  return AsCompleted<decltype(std::declval<Each&>().get())>(futures, timeout);
}

// A future that ends once all of these have ended, and returns them, each with its own result: it
// never fails by itself. then() of it runs on the callback thread of the first one's executor.
// cancel() applies to each. Consumes them; throws std::future_error (no_state) if one of them is
// empty.
template <class T>
[[nodiscard]] Future<std::vector<Future<T>>> when_all(std::vector<Future<T>> futures) {
  std::shared_ptr<detail::CallbackOwner> owner;
  for (const Future<T>& each : futures) {
    const detail::NodePtr& node = detail::FutureAccess::checked(each);
    if (!owner) owner = node->owner();
  }
  return detail::all_of(std::move(futures), std::move(owner));
}
template <class... T>
[[nodiscard]] Future<std::tuple<Future<T>...>> when_all(Future<T>... futures) {
  std::shared_ptr<detail::CallbackOwner> owner;
  const auto look = [&](const detail::NodePtr& node) {
    if (!owner) owner = node->owner();
  };
  (look(detail::FutureAccess::checked(futures)), ...);
  return detail::all_of(std::tuple<Future<T>...>(std::move(futures)...), std::move(owner));
}

}  // namespace poolproof
