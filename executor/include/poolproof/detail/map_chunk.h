// The elements of a map that travel as one task, and their results, which travel as one reply.
// Every element and every result is encoded separately, so if one cannot be read, the others are
// not lost.
//
//   task   thunk, callable, then for each element its length (u64) and bytes
//   reply  for each element: its status (u8), length (u64), bytes; then the nanoseconds that
//          all took (u64)
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <type_traits>
#include <utility>

#include "poolproof/future.h"
#include "poolproof/task.h"

namespace poolproof::detail {

enum class ElementEnd : std::uint8_t { kValue, kFailure };

template <class T>
void append(WireWriter& out, T number) {
  out.write(&number, sizeof(number));
}
inline void append_part(WireWriter& out, const Bytes& part) {
  append(out, static_cast<std::uint64_t>(part.size()));
  out.write(part.data(), part.size());
}
template <class T>
T read_number(WireReader& in) {
  T number{};
  in.read(&number, sizeof(number));
  return number;
}

// The exception of one element, encoded as text.
POOLPROOF_EXPORT Bytes describe_element(Step step, std::exception_ptr what);

template <class F, class A>  // decayed, as they travel
Bytes run_element(F callable, std::span<const std::byte> element, Step& step) {
  WireReader in(element);
  A value = Codec<A>::decode(in);
  if (in.remaining() != 0) throw BadBytes("bytes are left over after the element");
  step = Step::kRun;
  WireWriter out;
  using Result = std::decay_t<std::invoke_result_t<F&, A>>;
  if constexpr (std::is_void_v<Result>) {
    std::invoke(callable, std::move(value));
  } else {
    const Result result = std::invoke(callable, std::move(value));
    step = Step::kEncodeResult;
    Codec<Result>::encode(out, result);
  }
  return out.take();
}

template <class F, class A>
void run_chunk(WireReader& in, WireWriter& out, Step& step) {
  const F callable = read_callable<F>(in);
  const auto start = std::chrono::steady_clock::now();
  while (in.remaining() != 0) {
    const std::span<const std::byte> element = in.part(read_number<std::uint64_t>(in));
    Step at = Step::kDecodeArgs;
    ElementEnd end = ElementEnd::kValue;
    Bytes told;
    try {
      told = run_element<F, A>(callable, element, at);
    } catch (...) {
      end = ElementEnd::kFailure;
      told = describe_element(at, std::current_exception());
    }
    append(out, end);
    append_part(out, told);
  }
  const auto took = std::chrono::steady_clock::now() - start;
  append(out, static_cast<std::uint64_t>(std::chrono::nanoseconds(took).count()));
  step = Step::kEncodeResult;
}

// The bytes at the start of every chunk of a map.
template <class F, class A>
Bytes chunk_head(const F& callable) {
  WireWriter out;
  static const CodeAddress thunk =
      locate(std::bit_cast<std::uintptr_t>(static_cast<Thunk>(&run_chunk<F, A>)));
  out.write(&thunk, sizeof(thunk));
  write_callable<F>(out, callable);
  return out.take();
}

}  // namespace poolproof::detail
