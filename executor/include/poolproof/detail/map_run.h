// What a map does while its results are taken. Internal.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <type_traits>
#include <utility>
#include <variant>

#include "poolproof/detail/map_chunk.h"
#include "poolproof/export.h"

namespace poolproof {

struct MapOptions;

namespace detail {

class Pool;

// Encodes the next element; false: there is none. Throws what the input throws. What the codec
// throws is stored in `unencodable`.
using Draw = std::function<bool(Bytes& element, std::exception_ptr& unencodable)>;

// Draws elements, sends them, and returns results. It knows no types. One thread at a time.
class POOLPROOF_EXPORT MapRun {
 public:
  // `head`: the bytes at the start of every chunk. `size`: of the input, if it is known.
  MapRun(Pool& pool, const MapOptions& options, Bytes head, Draw draw,
         std::optional<std::size_t> size);
  ~MapRun();
  MapRun(const MapRun&) = delete;
  MapRun& operator=(const MapRun&) = delete;

  // The bytes of the next result, valid until the next call; nullopt: there is none. Throws the
  // error of that element instead, or what the input threw, or TimeoutError.
  std::optional<std::span<const std::byte>> next();
  // Throws the DecodeError of the last result.
  [[noreturn]] void throw_decode_error(std::exception_ptr why) const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

template <class F, class V>
using MapResult =
    std::conditional_t<std::is_void_v<CallResult<F, V>>, std::monostate, CallResult<F, V>>;

// An lvalue is held by reference, unless it is a view, which is cheap to copy. Anything else is
// moved in. This is std::views::all_t, which clang before 16 does not compile with Debian 12's
// library.
template <class R>
using Kept =
    std::conditional_t<std::is_lvalue_reference_v<R> && !std::ranges::view<std::remove_cvref_t<R>>,
                       R, std::remove_cvref_t<R>>;

// Draws from a range. It moves the input's iterator on only when the next element is wanted.
template <class Input>
class Drawer {
 public:
  using Value = std::ranges::range_value_t<Input>;
  template <class R>
  explicit Drawer(R&& input) : input_(std::forward<R>(input)) {}

  bool operator()(Bytes& element, std::exception_ptr& unencodable) {
    if (!at_) {
      at_.emplace(std::ranges::begin(input_));
    } else {
      ++*at_;
    }
    if (*at_ == std::ranges::end(input_)) return false;
    const Value& value = **at_;
    try {
      WireWriter out;
      encode_as<Wire<Value>>(out, value);
      element = out.take();
    } catch (...) {
      unencodable = std::current_exception();
    }
    return true;
  }

 private:
  Input input_;
  std::optional<std::ranges::iterator_t<Input>> at_;
};

}  // namespace detail
}  // namespace poolproof
