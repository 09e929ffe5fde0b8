// Which callables can travel, how they travel, and what a call returns. Internal.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>

#include "poolproof/codec.h"
#include "poolproof/export.h"

namespace poolproof::detail {

// A place in code that survives address randomisation: a file of the program and an offset in it.
struct CodeAddress {
  std::uint64_t module = 0;
  std::uint64_t offset = 0;
};
// Throws BadBytes if it is not code of the main program or of a library that it is linked to.
POOLPROOF_EXPORT CodeAddress locate(std::uintptr_t code);
// The address in this process. Throws BadBytes if there is none.
POOLPROOF_EXPORT std::uintptr_t resolve(CodeAddress address);

// The type that an argument has while it travels: text becomes std::string, anything else its
// decayed type.
template <class A>
using Wire =
    std::conditional_t<std::is_convertible_v<std::decay_t<A>, std::string_view> &&
                           !std::is_class_v<std::decay_t<A>>,
                       std::string,
                       std::conditional_t<std::is_same_v<std::decay_t<A>, std::string_view>,
                                          std::string, std::decay_t<A>>>;

template <class F>
constexpr bool kIsFunction = std::is_function_v<std::remove_pointer_t<F>>;

// Tried in this order: first what its author declares, then what can be proved about it.
enum class CallableWay {
  kFunction,  // a function pointer: as a CodeAddress
  kMethod,    // a pointer to a member function: as a CodeAddress, or as a place in virtual tables
  kMember,    // a pointer to a data member, an offset
  kCodec,     // a function object by its Codec
  kImage,     // as it lies in memory: Plain
  kNone,
};
template <class F>
consteval CallableWay way_of() {
  if constexpr (kIsFunction<F>) {
    return CallableWay::kFunction;
  } else if constexpr (std::is_member_function_pointer_v<F>) {
    return CallableWay::kMethod;
  } else if constexpr (std::is_member_object_pointer_v<F>) {
    return CallableWay::kMember;
  } else if constexpr (HasOwnCodec<F>) {
    return CallableWay::kCodec;
  } else if constexpr (Plain<F>) {
    return CallableWay::kImage;
  } else {
    return kObstacle<F> == Obstacle::kNone ? CallableWay::kCodec : CallableWay::kNone;
  }
}
template <class F>
inline constexpr bool kCallableTravels = way_of<F>() != CallableWay::kNone;

// As std::is_invocable, but with fewer templates. A compiler lists these templates when a generic
// lambda does not compile.
template <class F, class... A>
consteval bool is_invocable() {
  if constexpr (std::is_member_pointer_v<std::remove_reference_t<F>>) {
    return std::is_invocable_v<F, A...>;
  } else {
    return requires { std::declval<F>()(std::declval<A>()...); };
  }
}
template <class F, class... A>
inline constexpr bool kInvocable = is_invocable<F, A...>();

template <bool kCallable, class F, class... A>
struct ResultOf {  // of a refused call: a type that causes no further error
  using type = int;
};
template <class F, class... A>
struct ResultOf<true, F, A...> {
  using type = std::decay_t<std::invoke_result_t<F&, A...>>;
};
template <class F, class... A>  // decayed, as they travel
using CallResultOf = typename ResultOf<kInvocable<F&, A...>, F, A...>::type;
// What the future holds. It is a class of its own because compilers write its name into their
// messages.
template <class F, class... A>
struct CallOf {
  using Result = CallResultOf<std::decay_t<F>, Wire<A>...>;
};
template <class F, class... A>
using CallResult = typename CallOf<F, A...>::Result;

// A pointer to a member function, as the Itanium C++ ABI lays it out. For a virtual function it
// holds no address. It holds the place in the virtual table, which is the same in each process.
struct MethodPointer {
  std::uintptr_t code = 0;
  std::ptrdiff_t adjustment = 0;
#if defined(__aarch64__) || defined(__arm__)
  bool is_virtual() const { return (adjustment & 1) != 0; }
  bool is_null() const { return code == 0 && !is_virtual(); }
#else
  bool is_virtual() const { return (code & 1) != 0; }
  bool is_null() const { return code == 0; }
#endif
};
POOLPROOF_EXPORT void write_method(WireWriter& out, MethodPointer method);
POOLPROOF_EXPORT MethodPointer read_method(WireReader& in);

template <class F>
F read_callable(WireReader& in) {
  constexpr CallableWay kWay = way_of<F>();
  if constexpr (kWay == CallableWay::kFunction) {
    CodeAddress target;
    in.read(&target, sizeof(target));
    return std::bit_cast<F>(resolve(target));
  } else if constexpr (kWay == CallableWay::kMethod) {
    return std::bit_cast<F>(read_method(in));
  } else if constexpr (kWay == CallableWay::kCodec) {
    return Codec<F>::decode(in);
  } else {
    std::array<std::byte, sizeof(F)> image;
    in.read(image.data(), image.size());
    return std::bit_cast<F>(image);
  }
}

template <class F>
void write_callable(WireWriter& out, const F& callable) {
  constexpr CallableWay kWay = way_of<F>();
  if constexpr (kWay == CallableWay::kFunction) {
    const CodeAddress target = locate(std::bit_cast<std::uintptr_t>(callable));
    out.write(&target, sizeof(target));
  } else if constexpr (kWay == CallableWay::kMethod) {
    write_method(out, std::bit_cast<MethodPointer>(callable));
  } else if constexpr (kWay == CallableWay::kCodec) {
    Codec<F>::encode(out, callable);
  } else {
    if constexpr (kWay == CallableWay::kMember) {
      if (callable == nullptr) throw BadBytes("the pointer to a member is null");
    }
    const auto image = std::bit_cast<std::array<std::byte, sizeof(F)>>(callable);
    out.write(image.data(), image.size());
  }
}

}  // namespace poolproof::detail
