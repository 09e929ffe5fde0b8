// How a call becomes bytes that another process of the same program can run.
//
// What can be submitted: a function, a lambda or a function object. Its captures travel as they lie
// in memory, and the compiler proves that they hold no reference and no pointer; all else goes as
// an argument. Arguments and result travel through Codec.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "poolproof/codec.h"
#include "poolproof/error.h"
#include "poolproof/export.h"

namespace poolproof::detail {

// A place in code that survives address randomisation: a file of the program and an offset in it.
struct CodeAddress {
  std::uint64_t module = 0;
  std::uint64_t offset = 0;
};
// Throws BadBytes if it is no code of the main program or of a library that it is linked to.
POOLPROOF_EXPORT CodeAddress locate(std::uintptr_t code);
// The address here, or throws BadBytes.
POOLPROOF_EXPORT std::uintptr_t resolve(CodeAddress address);

// What the worker is doing while it runs a thunk: tells what an exception was about.
enum class Step : std::uint8_t { kDecodeArgs, kRun, kEncodeResult };
// Runs in the worker: decode, call, encode.
using Thunk = void (*)(WireReader& in, WireWriter& out, Step& step);

// A trivially copyable type that can be made of zero bytes in a constant expression: the language
// forbids that for whatever holds a reference or a pointer, at any depth.
template <class F>
concept Plain = std::is_trivially_copyable_v<F> && requires {
  typename std::bool_constant<(
      static_cast<void>(std::bit_cast<F>(std::array<std::byte, sizeof(F)>{})), true)>;
};

template <class F>
constexpr bool kIsFunction = std::is_function_v<std::remove_pointer_t<F>>;

// The type that an argument has while it travels: text becomes std::string, all else its plain
// self.
template <class A>
using Wire =
    std::conditional_t<std::is_convertible_v<std::decay_t<A>, std::string_view> &&
                           !std::is_class_v<std::decay_t<A>>,
                       std::string,
                       std::conditional_t<std::is_same_v<std::decay_t<A>, std::string_view>,
                                          std::string, std::decay_t<A>>>;

template <bool kCallable, class F, class... A>
struct ResultOf {
  using type = void;
};
template <class F, class... A>
struct ResultOf<true, F, A...> {
  using type = std::decay_t<std::invoke_result_t<F&, A...>>;
};
// What the future holds; void where the call is ill-formed (a static_assert then says so).
template <class F, class... A>
using CallResult = typename ResultOf<std::is_invocable_v<std::decay_t<F>&, Wire<A>...>,
                                     std::decay_t<F>, Wire<A>...>::type;

template <class F>
F read_callable(WireReader& in) {
  if constexpr (kIsFunction<F>) {
    CodeAddress target;
    in.read(&target, sizeof(target));
    return std::bit_cast<F>(resolve(target));
  } else {
    std::array<std::byte, sizeof(F)> image;
    in.read(image.data(), image.size());
    return std::bit_cast<F>(image);
  }
}

template <class F>
void write_callable(WireWriter& out, const F& callable) {
  if constexpr (kIsFunction<F>) {
    const CodeAddress target = locate(std::bit_cast<std::uintptr_t>(callable));
    out.write(&target, sizeof(target));
  } else {
    const auto image = std::bit_cast<std::array<std::byte, sizeof(F)>>(callable);
    out.write(image.data(), image.size());
  }
}

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

template <class F, class... A>
constexpr void explain_what_cannot_travel() {
  static_assert(
      kIsFunction<F> || Plain<F>,
      "poolproof: this callable captures a reference, a pointer or something that is not plain "
      "(such as std::string), and that cannot travel to another process. Capture only numbers, "
      "enums and structs of them, by value; pass everything else as an argument of the call: "
      "pool.submit([](std::string text) { ... }, text).");
  static_assert((!std::is_pointer_v<A> && ...),
                "poolproof: a pointer means nothing in another process. Pass the value itself (a "
                "std::vector for an array, a std::string for text).");
  static_assert(
      std::is_invocable_v<F&, A...>,
      "poolproof: the callable cannot be called with these arguments. In the worker they are "
      "rvalues, so a parameter that is a non-const reference cannot take them: return what "
      "it would change. Text arrives as std::string.");
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
