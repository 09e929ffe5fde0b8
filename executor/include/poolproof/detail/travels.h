// Whether values of a type can travel to another process, and if not, why. Internal.
#pragma once

#include <cereal/details/traits.hpp>
#include <functional>
#include <memory>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "poolproof/detail/members.h"
#include "poolproof/wire.h"

namespace poolproof {

template <class T>
class Future;
template <class T>
struct Codec;

namespace detail {

// Why a type cannot travel.
enum class Obstacle {
  kNone,
  kPointer,
  kReference,
  kView,  // std::string_view, std::span
  kFuture,
  kUnion,
  kBitField,
  kStruct,     // an aggregate with a base class, too many members, or members that need arguments
  kQualified,  // const or volatile: nothing can be read into it
  kPointerToArray,  // a smart pointer to an array
  kNoCodec,
};

// Is there a specialisation of Codec? Only the primary template has this mark.
struct ByDefault {};
template <class T>
concept HasOwnCodec = std::is_class_v<T> && !requires {
  typename Codec<T>::ByDefault;
};

// Archives that have none of our functions: a type that can be written to them was taught to all
// archives by cereal or by the type's author.
class AnyWriter : public cereal::OutputArchive<AnyWriter, cereal::AllowEmptyClassElision> {};
class AnyReader : public cereal::InputArchive<AnyReader, cereal::AllowEmptyClassElision> {};
template <class T>
concept KnownToCereal = cereal::traits::is_output_serializable<T, AnyWriter>::value ||
    cereal::traits::is_input_serializable<T, AnyReader>::value;

// Travels member by member.
template <class T>
concept ByMembers =
    std::is_class_v<T> && std::is_aggregate_v<T> && !HasOwnCodec<T> && !KnownToCereal<T>;
// Travels by its Codec also within containers and structs.
template <class T>
concept ByOwnCodec = HasOwnCodec<T> && !KnownToCereal<T> && std::is_default_constructible_v<T> &&
                     std::is_move_assignable_v<T>;
// std::filesystem::path, whose header is expensive.
template <class T>
concept IsPath = std::is_class_v<T> && requires(const T& path) {
  T::preferred_separator;
  path.native();
  path.lexically_normal();
};

template <class T>
inline constexpr bool kIsView = std::is_same_v<T, std::string_view>;
template <class T, std::size_t kSize>
inline constexpr bool kIsView<std::span<T, kSize>> = true;
template <class T>
inline constexpr bool kIsReferenceWrapper = false;
template <class T>
inline constexpr bool kIsReferenceWrapper<std::reference_wrapper<T>> = true;
template <class T>
inline constexpr bool kIsFuture = false;
template <class T>
inline constexpr bool kIsFuture<Future<T>> = true;

// To what a smart pointer of the standard library points; of all else, void.
template <class T>
struct Pointee {
  using Type = void;
};
template <class T, class Deleter>
struct Pointee<std::unique_ptr<T, Deleter>> {
  using Type = T;
};
template <class T>
struct Pointee<std::shared_ptr<T>> {
  using Type = T;
};
template <class T>
struct Pointee<std::weak_ptr<T>> {
  using Type = T;
};
// A class that is declared only is not: questions about it do not compile.
template <class T>
inline constexpr bool kIsKnown = std::is_void_v<T> || requires {
  sizeof(T);
};

template <class... T>
struct Parts {};
template <class T, class... Seen>
consteval Obstacle obstacle();

template <class... Seen>
struct Within {  // the types that are being looked at, so that a type may hold itself
  template <class... T>
  static consteval Obstacle first() {
    Obstacle found = Obstacle::kNone;
    static_cast<void>(((found = obstacle<T, Seen...>(), found != Obstacle::kNone) || ...));
    return found;
  }
  template <bool kReferable, class... M>
  static consteval Obstacle of_members(MemberList<kReferable, M...>) {
    return first<M...>();
  }
  template <class... T>
  static consteval Obstacle of_parts(Parts<T...>) {
    return first<T...>();
  }
};

// For a smart pointer: the type that it points to. For all others: void.
template <class T>
struct PointsTo {
  using type = void;
};
template <class T>
requires requires { typename T::element_type; }
struct PointsTo<T> {
  using type = typename T::element_type;
};

// What a standard type is made of.
template <class T>
struct PartsOf {
  static constexpr auto find() {
    if constexpr (requires { typename T::mapped_type; }) {
      return Parts<typename T::key_type, typename T::mapped_type>();
    } else if constexpr (requires { typename T::value_type; }) {
      return Parts<typename T::value_type>();
    } else if constexpr (requires { typename T::element_type; }) {
      return Parts<typename T::element_type>();
    } else {
      return Parts<>();
    }
  }
};
template <class... T>
struct PartsOf<std::tuple<T...>> {
  static constexpr Parts<T...> find() { return {}; }
};
template <class... T>
struct PartsOf<std::variant<T...>> {
  static constexpr Parts<T...> find() { return {}; }
};
template <class A, class B>
struct PartsOf<std::pair<A, B>> {
  static constexpr Parts<A, B> find() { return {}; }
};

template <class T, class... Seen>
consteval Obstacle obstacle_in_struct() {
  if constexpr (kHasUnion<T>) {
    return Obstacle::kUnion;
  } else if constexpr (kHasBase<T> || kMembers<T> < 0 || kMembers<T> > kMostMembers) {
    return Obstacle::kStruct;
  } else {
    const Obstacle found = Within<T, Seen...>::of_members(MembersOf<T>());
    if (found != Obstacle::kNone) return found;
    return has_bit_field<T>(MembersOf<T>()) ? Obstacle::kBitField : Obstacle::kNone;
  }
}

// For a type for which cereal has functions: its parts must travel, too. If a class has its own
// member functions for cereal, those decide.
template <class T, class... Seen>
consteval Obstacle obstacle_in_parts() {
  if constexpr (cereal::traits::has_member_serialize<T, WireWriter>::value ||
                cereal::traits::has_member_save<T, WireWriter>::value) {
    return Obstacle::kNone;
  } else if constexpr (std::is_polymorphic_v<typename PointsTo<T>::type>) {
    return Obstacle::kNone;
  } else if constexpr (requires { typename T::element_type; }) {
    // What a pointer to const points to is made and read first, and is const only then.
    using Object = std::remove_const_t<typename T::element_type>;
    constexpr bool kCanBeMade = std::is_default_constructible_v<Object> ||
                                cereal::traits::has_load_and_construct<Object, WireReader>::value;
    const Obstacle found = Within<T, Seen...>::template first<Object>();
    if (found != Obstacle::kNone) return found;
    return kCanBeMade && !std::is_array_v<Object> ? Obstacle::kNone : Obstacle::kNoCodec;
  } else {
    return Within<T, Seen...>::of_parts(PartsOf<T>::find());
  }
}

// For a type that cereal does not accept: a part of it may be the reason.
template <class T, class... Seen>
consteval Obstacle obstacle_of_unknown() {
  const Obstacle found = Within<T, Seen...>::of_parts(PartsOf<T>::find());
  return found != Obstacle::kNone ? found : Obstacle::kNoCodec;
}

// For T and all its parts, at any depth.
template <class T, class... Seen>
consteval Obstacle obstacle() {
  if constexpr (std::is_void_v<T> || (std::is_same_v<T, Seen> || ...)) {
    return Obstacle::kNone;
  } else if constexpr (std::is_reference_v<T> || kIsReferenceWrapper<T>) {
    return Obstacle::kReference;
  } else if constexpr (std::is_const_v<T> || std::is_volatile_v<T>) {
    return Obstacle::kQualified;
  } else if constexpr (std::is_array_v<T>) {
    return obstacle<std::remove_all_extents_t<T>, Seen...>();
  } else if constexpr (std::is_pointer_v<T> || std::is_member_pointer_v<T>) {
    return Obstacle::kPointer;
  } else if constexpr (std::is_union_v<T>) {
    return Obstacle::kUnion;
  } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
    return Obstacle::kNone;
  } else if constexpr (HasOwnCodec<T>) {
    // Within another object it is default-constructed first, and then assigned to.
    constexpr bool kSuffices = sizeof...(Seen) == 0 || KnownToCereal<T> || ByOwnCodec<T>;
    return kSuffices ? Obstacle::kNone : Obstacle::kNoCodec;
  } else if constexpr (std::is_array_v<typename Pointee<T>::Type>) {
    return Obstacle::kPointerToArray;  // cereal takes it for a pointer to one element
  } else if constexpr (!kIsKnown<T> || !kIsKnown<typename Pointee<T>::Type>) {
    return Obstacle::kNoCodec;
  } else if constexpr (kIsView<T>) {
    return Obstacle::kView;
  } else if constexpr (kIsFuture<T>) {
    return Obstacle::kFuture;
  } else if constexpr (ByMembers<T>) {
    return obstacle_in_struct<T, Seen...>();
  } else if constexpr (cereal::traits::is_output_serializable<T, WireWriter>::value &&
                       cereal::traits::is_input_serializable<T, WireReader>::value) {
    return std::is_default_constructible_v<T> ? obstacle_in_parts<T, Seen...>()
                                              : Obstacle::kNoCodec;
  } else {
    return obstacle_of_unknown<T, Seen...>();
  }
}

template <class T>
inline constexpr Obstacle kObstacle = obstacle<T>();

}  // namespace detail
}  // namespace poolproof
