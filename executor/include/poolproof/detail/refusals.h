// What cannot be submitted, and what the compiler then says: one error at the user's own line, so
// that the user need not read the templates behind it. Internal.
//
// Each function that takes a call has only one overload, so that the error for a call that fits
// none also takes only a few lines. With g++, the text comes from what the function returns: the
// destructor of Refused<why, R> is marked as unavailable with the text. With clang, it comes from
// attributes of the function itself.
#pragma once

#include <cstdlib>
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
  kQualified,
  kPointerToArray,
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
    case Obstacle::kQualified:
      return Refusal::kQualified;
    case Obstacle::kPointerToArray:
      return Refusal::kPointerToArray;
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

// Why fn(args...) cannot be submitted. F and Args are the types as given.
template <class F, class... Args>
inline constexpr Refusal kRefusal = find_refusal<std::decay_t<F>, Wire<Args>...>();

}  // namespace poolproof::detail

// clang-format off
#define POOLPROOF_TEXT_TYPE_ERASED \
  "poolproof: a std::function or std::bind hides what it holds, so it cannot travel to " \
  "another process. Pass the function or the lambda itself, and as arguments of the call " \
  "what was bound to it."
#define POOLPROOF_TEXT_CAPTURE \
  "poolproof: this callable captures a reference, a pointer or something that is not " \
  "plain (such as std::string), and that cannot travel to another process. Capture only " \
  "numbers, enums and structs of them, by value; pass everything else as an argument of " \
  "the call: pool.submit([](std::string text) { ... }, text)."
#define POOLPROOF_TEXT_MUTABLE_REFERENCE \
  "poolproof: the callable takes an argument by a reference that is not const. It runs " \
  "in another process, on a copy, and what it changes there would be lost. Take the " \
  "argument by value or by const reference, and return what it would change."
#define POOLPROOF_TEXT_NOT_CALLABLE \
  "poolproof: the callable cannot be called with these arguments. Compare their number " \
  "and their types with its parameters. Text arrives as std::string; for a method, the " \
  "object comes first: pool.submit(&Class::method, object, arguments...)."
#define POOLPROOF_TEXT_POINTER_ARGUMENT \
  "poolproof: an argument is a pointer or holds one, and a pointer means nothing in " \
  "another process. Pass the value itself: std::vector for an array, std::string for " \
  "text, std::optional or std::unique_ptr for what may be missing. If the pointer is in " \
  "a type of yours, give that type a poolproof::Codec."
#define POOLPROOF_TEXT_POINTER_RESULT \
  "poolproof: the result is a pointer or holds one, and a pointer means nothing in " \
  "another process. Return the value itself: std::vector for an array, std::string for " \
  "text, std::optional or std::unique_ptr for what may be missing. If the pointer is in " \
  "a type of yours, give that type a poolproof::Codec."
#define POOLPROOF_TEXT_REFERENCE \
  "poolproof: an argument or the result is a reference (std::ref) or holds one, and a " \
  "reference means nothing in another process. Pass and return values."
#define POOLPROOF_TEXT_VIEW \
  "poolproof: an argument or the result holds a view (std::string_view, std::span), and " \
  "the memory that it looks at is not in the other process. Use std::string or " \
  "std::vector there."
#define POOLPROOF_TEXT_FUTURE \
  "poolproof: an argument or the result holds a future, which belongs to this process. " \
  "Pass its value: call get() first, or submit in its then()."
#define POOLPROOF_TEXT_UNION \
  "poolproof: an argument or the result holds a union, and nobody knows which member of " \
  "it is meant. Use std::variant, or give the type around it a poolproof::Codec."
#define POOLPROOF_TEXT_BIT_FIELD \
  "poolproof: an argument or the result holds a struct with bit-fields, or one that is " \
  "packed; such structs do not travel by themselves. Give it a poolproof::Codec."
#define POOLPROOF_TEXT_STRUCT \
  "poolproof: an argument or the result holds a struct that does not travel by itself. A " \
  "struct does, if it has no constructor and no base class, and at most 16 members, none " \
  "of them a reference or const, each of which can be made of {}. Give this one cereal " \
  "functions (template <class Archive> void serialize(Archive& ar) { ar(members...); }), " \
  "or a poolproof::Codec."
#define POOLPROOF_TEXT_QUALIFIED \
  "poolproof: an argument or the result holds something that is const or volatile (a " \
  "member, or an element), and what arrives cannot be stored there. Make it a plain one, " \
  "or give the type around it a poolproof::Codec."
#define POOLPROOF_TEXT_POINTER_TO_ARRAY \
  "poolproof: an argument or the result holds a smart pointer to an array " \
  "(std::unique_ptr<T[]>), which does not travel. Use std::vector, or, if the length is " \
  "part of the type, a smart pointer to a std::array."
#define POOLPROOF_TEXT_ARGUMENT \
  "poolproof: an argument has, or holds, a type that cannot travel to another process. " \
  "If the type is yours: Give it cereal functions (template <class Archive> void " \
  "serialize(Archive& ar) { ar(members...); }) and a default constructor, or specialise " \
  "poolproof::Codec. If it is of the standard library: include its <cereal/types/...> " \
  "header."
#define POOLPROOF_TEXT_RESULT \
  "poolproof: the result has, or holds, a type that cannot travel to another process. If " \
  "the type is yours: Give it cereal functions (template <class Archive> void " \
  "serialize(Archive& ar) { ar(members...); }) and a default constructor, or specialise " \
  "poolproof::Codec. If it is of the standard library: include its <cereal/types/...> " \
  "header."
// clang-format on

namespace poolproof::detail {

// What a refused call returns, so that the user can name its result without a further error.
template <Refusal why, class R>
struct Refused;

#if defined(__clang__)
#define POOLPROOF_UNAVAILABLE(text)
#elif __GNUC__ >= 12
#define POOLPROOF_UNAVAILABLE(text) __attribute__((unavailable(text)))
#else
#define POOLPROOF_UNAVAILABLE(text) __attribute__((error(text)))
#endif
// Written out, because g++ adds three lines to a message for each macro that it comes from.
template <class R>
struct Refused<Refusal::kTypeErased, R> : R {
  POOLPROOF_UNAVAILABLE(POOLPROOF_TEXT_TYPE_ERASED) ~Refused() {}
};
template <class R>
struct Refused<Refusal::kCapture, R> : R {
  POOLPROOF_UNAVAILABLE(POOLPROOF_TEXT_CAPTURE) ~Refused() {}
};
template <class R>
struct Refused<Refusal::kMutableReference, R> : R {
  POOLPROOF_UNAVAILABLE(POOLPROOF_TEXT_MUTABLE_REFERENCE) ~Refused() {}
};
template <class R>
struct Refused<Refusal::kNotCallable, R> : R {
  POOLPROOF_UNAVAILABLE(POOLPROOF_TEXT_NOT_CALLABLE) ~Refused() {}
};
template <class R>
struct Refused<Refusal::kPointerArgument, R> : R {
  POOLPROOF_UNAVAILABLE(POOLPROOF_TEXT_POINTER_ARGUMENT) ~Refused() {}
};
template <class R>
struct Refused<Refusal::kPointerResult, R> : R {
  POOLPROOF_UNAVAILABLE(POOLPROOF_TEXT_POINTER_RESULT) ~Refused() {}
};
template <class R>
struct Refused<Refusal::kReference, R> : R {
  POOLPROOF_UNAVAILABLE(POOLPROOF_TEXT_REFERENCE) ~Refused() {}
};
template <class R>
struct Refused<Refusal::kView, R> : R {
  POOLPROOF_UNAVAILABLE(POOLPROOF_TEXT_VIEW) ~Refused() {}
};
template <class R>
struct Refused<Refusal::kFuture, R> : R {
  POOLPROOF_UNAVAILABLE(POOLPROOF_TEXT_FUTURE) ~Refused() {}
};
template <class R>
struct Refused<Refusal::kUnion, R> : R {
  POOLPROOF_UNAVAILABLE(POOLPROOF_TEXT_UNION) ~Refused() {}
};
template <class R>
struct Refused<Refusal::kBitField, R> : R {
  POOLPROOF_UNAVAILABLE(POOLPROOF_TEXT_BIT_FIELD) ~Refused() {}
};
template <class R>
struct Refused<Refusal::kStruct, R> : R {
  POOLPROOF_UNAVAILABLE(POOLPROOF_TEXT_STRUCT) ~Refused() {}
};
template <class R>
struct Refused<Refusal::kQualified, R> : R {
  POOLPROOF_UNAVAILABLE(POOLPROOF_TEXT_QUALIFIED) ~Refused() {}
};
template <class R>
struct Refused<Refusal::kPointerToArray, R> : R {
  POOLPROOF_UNAVAILABLE(POOLPROOF_TEXT_POINTER_TO_ARRAY) ~Refused() {}
};
template <class R>
struct Refused<Refusal::kArgument, R> : R {
  POOLPROOF_UNAVAILABLE(POOLPROOF_TEXT_ARGUMENT) ~Refused() {}
};
template <class R>
struct Refused<Refusal::kResult, R> : R {
  POOLPROOF_UNAVAILABLE(POOLPROOF_TEXT_RESULT) ~Refused() {}
};
#undef POOLPROOF_UNAVAILABLE

template <Refusal why, class R>
struct Given {
  using Type = Refused<why, R>;
};
template <class R>
struct Given<Refusal::kNone, R> {
  using Type = R;
};

// Never runs: a program in which it is called does not compile.
[[noreturn]] inline void refused() { std::abort(); }

}  // namespace poolproof::detail

// Put before a function whose call is refused with `why`, an expression.
#if defined(__clang__)
#define POOLPROOF_REFUSED_IF(why, which, text) \
  __attribute__((diagnose_if((why) == ::poolproof::detail::Refusal::which, text, "error")))
// clang-format off
#define POOLPROOF_CHECKED(why) \
  _Pragma("clang diagnostic push") _Pragma("clang diagnostic ignored \"-Wgcc-compat\"") \
  POOLPROOF_REFUSED_IF(why, kTypeErased, POOLPROOF_TEXT_TYPE_ERASED) \
  POOLPROOF_REFUSED_IF(why, kCapture, POOLPROOF_TEXT_CAPTURE) \
  POOLPROOF_REFUSED_IF(why, kMutableReference, POOLPROOF_TEXT_MUTABLE_REFERENCE) \
  POOLPROOF_REFUSED_IF(why, kNotCallable, POOLPROOF_TEXT_NOT_CALLABLE) \
  POOLPROOF_REFUSED_IF(why, kPointerArgument, POOLPROOF_TEXT_POINTER_ARGUMENT) \
  POOLPROOF_REFUSED_IF(why, kPointerResult, POOLPROOF_TEXT_POINTER_RESULT) \
  POOLPROOF_REFUSED_IF(why, kReference, POOLPROOF_TEXT_REFERENCE) \
  POOLPROOF_REFUSED_IF(why, kView, POOLPROOF_TEXT_VIEW) \
  POOLPROOF_REFUSED_IF(why, kFuture, POOLPROOF_TEXT_FUTURE) \
  POOLPROOF_REFUSED_IF(why, kUnion, POOLPROOF_TEXT_UNION) \
  POOLPROOF_REFUSED_IF(why, kBitField, POOLPROOF_TEXT_BIT_FIELD) \
  POOLPROOF_REFUSED_IF(why, kStruct, POOLPROOF_TEXT_STRUCT) \
  POOLPROOF_REFUSED_IF(why, kQualified, POOLPROOF_TEXT_QUALIFIED) \
  POOLPROOF_REFUSED_IF(why, kPointerToArray, POOLPROOF_TEXT_POINTER_TO_ARRAY) \
  POOLPROOF_REFUSED_IF(why, kArgument, POOLPROOF_TEXT_ARGUMENT) \
  POOLPROOF_REFUSED_IF(why, kResult, POOLPROOF_TEXT_RESULT) \
  _Pragma("clang diagnostic pop")
// clang-format on
#else
#define POOLPROOF_CHECKED(why)
#endif
