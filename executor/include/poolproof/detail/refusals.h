// What cannot be submitted, and what the compiler says then: in one error at the user's own line,
// so that nobody has to read through the templates behind it. Internal.
//
// Each function that takes a call has one overload for the calls that can be made, and one for each
// refusal, which is marked as unavailable with its text (POOLPROOF_EACH_REFUSAL).
#pragma once

#include <functional>
#include <type_traits>

#include "poolproof/detail/callable.h"

namespace poolproof::detail {

enum class Refusal {
  kNone,
  kTypeErased,
  kCapture,
  kMutableReference,
  kNotCallable,
  kPointerArgument,
  kPointerResult,
  kReference,
  kView,
  kFuture,
  kUnion,
  kBitField,
  kStruct,
  kArgument,
  kResult,
};

consteval Refusal refusal_of(Obstacle obstacle, bool is_result) {
  switch (obstacle) {
    case Obstacle::kNone:
      return Refusal::kNone;
    case Obstacle::kPointer:
      return is_result ? Refusal::kPointerResult : Refusal::kPointerArgument;
    case Obstacle::kReference:
      return Refusal::kReference;
    case Obstacle::kView:
      return Refusal::kView;
    case Obstacle::kFuture:
      return Refusal::kFuture;
    case Obstacle::kUnion:
      return Refusal::kUnion;
    case Obstacle::kBitField:
      return Refusal::kBitField;
    case Obstacle::kStruct:
      return Refusal::kStruct;
    case Obstacle::kNoCodec:
      break;
  }
  return is_result ? Refusal::kResult : Refusal::kArgument;
}

template <class F>
inline constexpr bool kIsTypeErased = std::is_bind_expression_v<F>;
template <class Signature>
inline constexpr bool kIsTypeErased<std::function<Signature>> = true;

template <class F, class... A>  // decayed, as they travel
consteval Refusal find_refusal() {
  if constexpr (kIsTypeErased<F>) {
    return Refusal::kTypeErased;
  } else if constexpr (!kCallableTravels<F>) {
    return Refusal::kCapture;
  } else {
    Refusal found = Refusal::kNone;
    static_cast<void>(((found = refusal_of(kObstacle<A>, false), found != Refusal::kNone) || ...));
    if (found != Refusal::kNone) return found;
    if constexpr (kInvocable<F&, A...>) {
      return refusal_of(kObstacle<CallResultOf<F, A...>>, true);
    } else {
      return kInvocable<F&, A&...> ? Refusal::kMutableReference : Refusal::kNotCallable;
    }
  }
}

// Why fn(args...) cannot be submitted; F and Args as they were given.
template <class F, class... Args>
inline constexpr Refusal kRefusal = find_refusal<std::decay_t<F>, Wire<Args>...>();

}  // namespace poolproof::detail

// Stands before a member function that takes a callable of type F and cannot be called. (Of other
// functions g++ would tell twice, so map and make_initializer are function objects.)
#if defined(__clang__)
#define POOLPROOF_REFUSED(text) __attribute__((diagnose_if(!std::is_void_v<F>, text, "error")))
#define POOLPROOF_WITHOUT_WARNINGS \
  _Pragma("clang diagnostic push") _Pragma("clang diagnostic ignored \"-Wgcc-compat\"")
#define POOLPROOF_WITH_WARNINGS _Pragma("clang diagnostic pop")
#elif __GNUC__ >= 12
#define POOLPROOF_REFUSED(text) __attribute__((unavailable(text)))
#else
#define POOLPROOF_REFUSED(text) __attribute__((error(text)))
#endif
#if !defined(__clang__)
#define POOLPROOF_WITHOUT_WARNINGS
#define POOLPROOF_WITH_WARNINGS
#endif

// X(refusal, text) for each of them.
// clang-format off
#define POOLPROOF_EACH_REFUSAL(X) \
  POOLPROOF_WITHOUT_WARNINGS \
  X(kTypeErased, "poolproof: a std::function or std::bind hides what it holds, so it cannot travel to another process. Pass the function or the lambda itself, and as arguments of the call what was bound to it.") \
  X(kCapture, "poolproof: this callable captures a reference, a pointer or something that is not plain (such as std::string), and that cannot travel to another process. Capture only numbers, enums and structs of them, by value; pass everything else as an argument of the call: pool.submit([](std::string text) { ... }, text).") \
  X(kMutableReference, "poolproof: the callable takes an argument by a reference that is not const. It runs in another process, on a copy, and what it changes there would be lost. Take the argument by value or by const reference, and return what it would change.") \
  X(kNotCallable, "poolproof: the callable cannot be called with these arguments. Compare their number and their types with its parameters. Text arrives as std::string; for a method, the object comes first: pool.submit(&Class::method, object, arguments...).") \
  X(kPointerArgument, "poolproof: an argument is a pointer or holds one, and a pointer means nothing in another process. Pass the value itself: std::vector for an array, std::string for text, std::optional or std::unique_ptr for what may be missing.") \
  X(kPointerResult, "poolproof: the result is a pointer or holds one, and a pointer means nothing in another process. Return the value itself: std::vector for an array, std::string for text, std::optional or std::unique_ptr for what may be missing.") \
  X(kReference, "poolproof: an argument or the result is a reference (std::ref) or holds one, and a reference means nothing in another process. Pass and return values.") \
  X(kView, "poolproof: an argument or the result holds a view (std::string_view, std::span), and the memory that it looks at is not in the other process. Use std::string or std::vector there.") \
  X(kFuture, "poolproof: an argument or the result holds a future, which belongs to this process. Pass its value: call get() first, or submit in its then().") \
  X(kUnion, "poolproof: an argument or the result holds a union, and nobody knows which member of it is meant. Use std::variant, or give the type around it a poolproof::Codec.") \
  X(kBitField, "poolproof: an argument or the result holds a struct with bit-fields, or one that is packed; such structs do not travel by themselves. Give it a poolproof::Codec.") \
  X(kStruct, "poolproof: an argument or the result holds a struct that does not travel by itself. A struct does, if it has no constructor and no base class, and at most 16 members, none of them a reference or const, each of which can be made of {}. Give this one cereal functions (template <class Archive> void serialize(Archive& ar) { ar(members...); }), or a poolproof::Codec.") \
  X(kArgument, "poolproof: an argument has, or holds, a type that cannot travel to another process. If the type is yours: Give it cereal functions (template <class Archive> void serialize(Archive& ar) { ar(members...); }) and a default constructor, or specialise poolproof::Codec. If it is of the standard library: include its <cereal/types/...> header.") \
  X(kResult, "poolproof: the result has, or holds, a type that cannot travel to another process. If the type is yours: Give it cereal functions (template <class Archive> void serialize(Archive& ar) { ar(members...); }) and a default constructor, or specialise poolproof::Codec. If it is of the standard library: include its <cereal/types/...> header.") \
  POOLPROOF_WITH_WARNINGS
// clang-format on
