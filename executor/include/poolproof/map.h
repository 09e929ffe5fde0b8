// One call for each element of an input, in chunks, and its results as a range.
//
//   for (double each : poolproof::map(pool, [](int x) { return x * 0.5; }, numbers)) ...
//
// The input is read when it is needed, on the thread that takes the results, so it may be endless
// and may be slow. If you leave the range early, the chunks that no worker has begun are cancelled.
#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <type_traits>
#include <utility>
#include <variant>

#include "poolproof/executor.h"
// After it: see the comment there.
#include "poolproof/detail/map_run.h"

namespace poolproof {

enum class Order {
  kInput,       // results in the order of the input
  kCompletion,  // a chunk's results once the chunk has ended, in the order of the input within the
                // chunk
};

struct MapOptions {
  Order order = Order::kInput;
  // Elements that travel as one task. 0: chosen by measurement. The first chunks hold one element.
  // Workers report how long they took, and chunks grow, at most to double size each time, until one
  // keeps a worker busy for about two milliseconds, some twenty times what a task costs. The limit
  // is 1024, half of each worker's share of look_ahead, or a quarter of each worker's share of an
  // input whose size is known, whichever is smallest.
  std::size_t chunk = 0;
  // At most so many elements are read whose results were not taken. 0: four chunks a worker. Any
  // number is allowed for these two; SIZE_MAX reads the whole input.
  std::size_t look_ahead = 0;
  // Counted from the call of map, for all results together. After it, next() throws TimeoutError,
  // and the range can still be used.
  std::optional<std::chrono::nanoseconds> timeout = std::nullopt;
  // Applies to each chunk.
  TaskOptions task = {};
};

// The results of a map. Move-only; for one thread at a time. One that was moved from is empty: all
// but its destructor, and an assignment to it, throws std::future_error with
// std::future_errc::no_state.
template <class T>
class MapRange {
 public:
  class iterator {
   public:
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    iterator() = default;
    explicit iterator(MapRange* of) : of_(of) {}
    T& operator*() const { return *of_->now_; }
    iterator& operator++() {
      of_->step();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return !of_->now_; }

   private:
    MapRange* of_ = nullptr;
  };

  explicit MapRange(std::unique_ptr<detail::MapRun> run) : run_(std::move(run)) {}

  // Waits for the next result; nullopt: there are no more. If that element failed, throws its error
  // (TaskError, TerminatedWorkerError, ...) at its place; the next call continues after it. What
  // the input threw comes after all results of the elements before it, and ends the map.
  // TimeoutError changes nothing.
  std::optional<T> next() {
    if (!run_) detail::throw_no_state();
    const auto bytes = run_->next();
    if (!bytes) return std::nullopt;
    if constexpr (std::is_same_v<T, std::monostate>) {
      return T();
    } else {
      try {
        WireReader in(*bytes);
        std::optional<T> value(Codec<T>::decode(in));
        if (in.remaining() != 0) throw BadBytes("bytes are left over after the result");
        return value;
      } catch (...) {
        run_->throw_decode_error(std::current_exception());
      }
    }
  }

  // Calls next(). After an exception in a loop over it, a new loop continues after that element.
  iterator begin() {
    step();
    return iterator(this);
  }
  std::default_sentinel_t end() const { return {}; }

 private:
  void step() {
    now_.reset();
    if (std::optional<T> found = next()) now_.emplace(std::move(*found));
  }
  std::unique_ptr<detail::MapRun> run_;
  std::optional<T> now_;
};

namespace detail {

template <class F, class R>
inline constexpr Refusal kMapRefusal = kRefusal<F, std::ranges::range_value_t<R>>;
template <class F, class R>
using MapRangeOf =
    typename Given<kMapRefusal<F, R>, MapRange<MapResult<F, std::ranges::range_value_t<R>>>>::Type;

}  // namespace detail

// Calls fn(element) in workers for each element of `input`, and returns the results. `fn` and the
// elements travel as by Executor::submit; each element has a fresh copy of `fn`. The call begins at
// once: it reads and sends as many elements as look_ahead allows. An rvalue input is moved into the
// map; an lvalue must live longer than the map. If the queue is full (max_pending), it waits. For a
// function that returns nothing, the range is one of std::monostate. Throws std::invalid_argument
// for a chunk that is longer than look_ahead.
template <class F, std::ranges::input_range R>
POOLPROOF_CHECKED((detail::kMapRefusal<F, R>))
detail::MapRangeOf<F, R> map(Executor& pool, const F& fn, R&& input,
                             const MapOptions& options = {}) {
  if constexpr (detail::kMapRefusal<F, R> == detail::Refusal::kNone) {
    using Callable = std::decay_t<F>;
    using Value = std::ranges::range_value_t<R>;
    std::optional<std::size_t> size;
    if constexpr (std::ranges::sized_range<R>) size = std::ranges::size(input);
    auto drawer = std::make_shared<detail::Drawer<detail::Kept<R>>>(std::forward<R>(input));
    return detail::MapRangeOf<F, R>(std::make_unique<detail::MapRun>(
        detail::ExecutorAccess::pool(pool), options,
        detail::chunk_head<Callable, detail::Wire<Value>>(fn),
        [drawer](Bytes& element, std::exception_ptr& unencodable) {
          return (*drawer)(element, unencodable);
        },
        size));
  } else {
    detail::refused();
  }
}

}  // namespace poolproof
