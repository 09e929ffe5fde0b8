// How a call becomes bytes that another process of the same program can run.
//
// What can be submitted: a function, a pointer to a member (whose object is then the first
// argument), a lambda, a function object. The captures of a lambda are copied byte for byte, and
// the compiler proves that they hold no reference and no pointer. A function object whose members
// can travel, or that has a Codec, may hold more. Everything else must be an argument. Arguments
// and result travel through Codec.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "poolproof/detail/callable.h"
#include "poolproof/detail/refusals.h"
#include "poolproof/error.h"

namespace poolproof::detail {

// What the worker does at the moment while it runs a thunk: it shows where an exception came from.
enum class Step : std::uint8_t { kDecodeArgs, kRun, kEncodeResult };
// Runs in the worker: decode, call, encode.
using Thunk = void (*)(WireReader& in, WireWriter& out, Step& step);

template <class F, class... A>  // decayed, as they travel
void run_call(WireReader& in, WireWriter& out, Step& step) {
  F callable = read_callable<F>(in);
  // Braces: the order of decoding must be the order of encoding.
  std::tuple<A...> args{Codec<A>::decode(in)...};
  if (in.remaining() != 0) throw BadBytes("bytes are left over after the last argument");
  step = Step::kRun;
  using Result = std::decay_t<std::invoke_result_t<F&, A...>>;
  if constexpr (std::is_void_v<Result>) {
    std::apply([&](A&... each) { std::invoke(callable, std::move(each)...); }, args);
    step = Step::kEncodeResult;
  } else {
    const Result result = std::apply(
        [&](A&... each) -> Result { return std::invoke(callable, std::move(each)...); }, args);
    step = Step::kEncodeResult;
    Codec<Result>::encode(out, result);
  }
}

template <class W, class A>
void encode_as(WireWriter& out, const A& value) {
  if constexpr (std::is_same_v<W, A>) {
    Codec<W>::encode(out, value);
  } else {
    Codec<W>::encode(out, W(value));
  }
}

// Throws what a Codec throws, and BadBytes for a function that cannot be located.
template <class F, class... A>
Bytes encode_call(const std::decay_t<F>& callable, const A&... args) {
  using Callable = std::decay_t<F>;
  WireWriter out;
  static const CodeAddress thunk =
      locate(std::bit_cast<std::uintptr_t>(static_cast<Thunk>(&run_call<Callable, Wire<A>...>)));
  out.write(&thunk, sizeof(thunk));
  write_callable<Callable>(out, callable);
  (encode_as<Wire<A>>(out, args), ...);
  return out.take();
}

}  // namespace poolproof::detail
