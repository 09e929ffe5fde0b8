// The members of a plain struct, found by the compiler: how many there are, of which types, and one
// call with all of them. Internal.
//
// The count is the number of {} that an aggregate accepts. Each {} stands for one member, also if
// that member is an array.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <type_traits>
#include <utility>

namespace poolproof::detail {

inline constexpr int kMostMembers = 16;
inline constexpr int kUncountable =
    -1;  // a member is a reference, or cannot be constructed from {}

// More than kMostMembers means: too many.
template <class T>
constexpr int count_members() {
  if constexpr (!requires { T{}; })
    return kUncountable;
  else if constexpr (!requires { T{{}}; })
    return 0;
  else if constexpr (!requires { T{{}, {}}; })
    return 1;
  else if constexpr (!requires { T{{}, {}, {}}; })
    return 2;
  else if constexpr (!requires { T{{}, {}, {}, {}}; })
    return 3;
  else if constexpr (!requires { T{{}, {}, {}, {}, {}}; })
    return 4;
  else if constexpr (!requires { T{{}, {}, {}, {}, {}, {}}; })
    return 5;
  else if constexpr (!requires { T{{}, {}, {}, {}, {}, {}, {}}; })
    return 6;
  else if constexpr (!requires { T{{}, {}, {}, {}, {}, {}, {}, {}}; })
    return 7;
  else if constexpr (!requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}}; })
    return 8;
  else if constexpr (!requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; })
    return 9;
  else if constexpr (!requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; })
    return 10;
  else if constexpr (!requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; })
    return 11;
  else if constexpr (!requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; })
    return 12;
  else if constexpr (!requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; })
    return 13;
  else if constexpr (!requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; })
    return 14;
  else if constexpr (!requires {
                       T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}};
                     })
    return 15;
  else if constexpr (!requires {
                       T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}};
                     })
    return 16;
  else
    return kMostMembers + 1;
}
template <class T>
inline constexpr int kMembers = count_members<T>();

// Converts to a base class of T: tests whether an aggregate begins with a base class.
template <class T>
struct AnyBaseOf {
  template <class B>
  requires(std::is_base_of_v<B, T> && !std::is_same_v<B, T>) operator B() const;
};
template <class T>
inline constexpr bool kHasBase = requires {
  T{AnyBaseOf<T>{}};
};

// Converts to a union: tests whether the member at a place is a union, also if it has no name.
struct AnyUnion {
  AnyUnion() = default;
  AnyUnion(const AnyUnion&) = delete;  // so that std::any does not accept it
  template <class U>
  requires std::is_union_v<U>
  operator U() const;
};
template <class T>
inline constexpr bool kHasUnion = requires {
  T{AnyUnion()};
}
|| requires { T{{}, AnyUnion()}; }
|| requires { T{{}, {}, AnyUnion()}; }
|| requires { T{{}, {}, {}, AnyUnion()}; }
|| requires { T{{}, {}, {}, {}, AnyUnion()}; }
|| requires { T{{}, {}, {}, {}, {}, AnyUnion()}; }
|| requires { T{{}, {}, {}, {}, {}, {}, AnyUnion()}; }
|| requires { T{{}, {}, {}, {}, {}, {}, {}, AnyUnion()}; }
|| requires { T{{}, {}, {}, {}, {}, {}, {}, {}, AnyUnion()}; }
|| requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, AnyUnion()}; }
|| requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, AnyUnion()}; }
|| requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, AnyUnion()}; }
|| requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, AnyUnion()}; }
|| requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, AnyUnion()}; }
|| requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, AnyUnion()}; }
|| requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, AnyUnion()}; };

template <bool kReferable, class... M>
struct MemberList {};
template <class... M>
void takes_references(M&...);
// clang before 16 cannot use structured bindings here; has_bit_field tests in other ways there.
#if defined(__clang__)
#define POOLPROOF_BIND(...) true
#else
#define POOLPROOF_BIND(...) \
  requires { takes_references(__VA_ARGS__); }
#endif

// Calls f(members...). The members must be countable, and none may be a bit-field.
template <class T, class F>
constexpr void with_members(T& object, F&& f) {
  constexpr int kCount = kMembers<std::remove_const_t<T>>;
  if constexpr (kCount == 0)
    f();
  else if constexpr (kCount == 1) {
    auto& [m0] = object;
    f(m0);
  } else if constexpr (kCount == 2) {
    auto& [m0, m1] = object;
    f(m0, m1);
  } else if constexpr (kCount == 3) {
    auto& [m0, m1, m2] = object;
    f(m0, m1, m2);
  } else if constexpr (kCount == 4) {
    auto& [m0, m1, m2, m3] = object;
    f(m0, m1, m2, m3);
  } else if constexpr (kCount == 5) {
    auto& [m0, m1, m2, m3, m4] = object;
    f(m0, m1, m2, m3, m4);
  } else if constexpr (kCount == 6) {
    auto& [m0, m1, m2, m3, m4, m5] = object;
    f(m0, m1, m2, m3, m4, m5);
  } else if constexpr (kCount == 7) {
    auto& [m0, m1, m2, m3, m4, m5, m6] = object;
    f(m0, m1, m2, m3, m4, m5, m6);
  } else if constexpr (kCount == 8) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7] = object;
    f(m0, m1, m2, m3, m4, m5, m6, m7);
  } else if constexpr (kCount == 9) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8] = object;
    f(m0, m1, m2, m3, m4, m5, m6, m7, m8);
  } else if constexpr (kCount == 10) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9] = object;
    f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9);
  } else if constexpr (kCount == 11) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10] = object;
    f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10);
  } else if constexpr (kCount == 12) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11] = object;
    f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11);
  } else if constexpr (kCount == 13) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12] = object;
    f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12);
  } else if constexpr (kCount == 14) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13] = object;
    f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13);
  } else if constexpr (kCount == 15) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14] = object;
    f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14);
  } else if constexpr (kCount == 16) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15] = object;
    f(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15);
  }
}

// The same for more than eight.
template <class T>
auto list_many_members(T& object) {
  constexpr int kCount = kMembers<T>;
  if constexpr (kCount == 9) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8] = object;
    return MemberList<POOLPROOF_BIND(m0, m1, m2, m3, m4, m5, m6, m7, m8), decltype(m0),
                      decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5),
                      decltype(m6), decltype(m7), decltype(m8)>();
  } else if constexpr (kCount == 10) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9] = object;
    return MemberList<POOLPROOF_BIND(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9), decltype(m0),
                      decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5),
                      decltype(m6), decltype(m7), decltype(m8), decltype(m9)>();
  } else if constexpr (kCount == 11) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10] = object;
    return MemberList<POOLPROOF_BIND(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10), decltype(m0),
                      decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5),
                      decltype(m6), decltype(m7), decltype(m8), decltype(m9), decltype(m10)>();
  } else if constexpr (kCount == 12) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11] = object;
    return MemberList<POOLPROOF_BIND(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11),
                      decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4),
                      decltype(m5), decltype(m6), decltype(m7), decltype(m8), decltype(m9),
                      decltype(m10), decltype(m11)>();
  } else if constexpr (kCount == 13) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12] = object;
    return MemberList<POOLPROOF_BIND(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12),
                      decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4),
                      decltype(m5), decltype(m6), decltype(m7), decltype(m8), decltype(m9),
                      decltype(m10), decltype(m11), decltype(m12)>();
  } else if constexpr (kCount == 14) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13] = object;
    return MemberList<POOLPROOF_BIND(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13),
                      decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4),
                      decltype(m5), decltype(m6), decltype(m7), decltype(m8), decltype(m9),
                      decltype(m10), decltype(m11), decltype(m12), decltype(m13)>();
  } else if constexpr (kCount == 15) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14] = object;
    return MemberList<POOLPROOF_BIND(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13,
                                     m14),
                      decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4),
                      decltype(m5), decltype(m6), decltype(m7), decltype(m8), decltype(m9),
                      decltype(m10), decltype(m11), decltype(m12), decltype(m13), decltype(m14)>();
  } else if constexpr (kCount == 16) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15] = object;
    return MemberList<
        POOLPROOF_BIND(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15),
        decltype(m0), decltype(m1), decltype(m2), decltype(m3), decltype(m4), decltype(m5),
        decltype(m6), decltype(m7), decltype(m8), decltype(m9), decltype(m10), decltype(m11),
        decltype(m12), decltype(m13), decltype(m14), decltype(m15)>();
  }
}

// Never called. Its type gives the declared types of the members, and whether references to them
// can be made (not to bit-fields, not into packed structs).
template <class T>
auto list_members(T& object) {
  constexpr int kCount = kMembers<T>;
  if constexpr (kCount == 0)
    return MemberList<true>();
  else if constexpr (kCount == 1) {
    auto& [m0] = object;
    return MemberList<POOLPROOF_BIND(m0), decltype(m0)>();
  } else if constexpr (kCount == 2) {
    auto& [m0, m1] = object;
    return MemberList<POOLPROOF_BIND(m0, m1), decltype(m0), decltype(m1)>();
  } else if constexpr (kCount == 3) {
    auto& [m0, m1, m2] = object;
    return MemberList<POOLPROOF_BIND(m0, m1, m2), decltype(m0), decltype(m1), decltype(m2)>();
  } else if constexpr (kCount == 4) {
    auto& [m0, m1, m2, m3] = object;
    return MemberList<POOLPROOF_BIND(m0, m1, m2, m3), decltype(m0), decltype(m1), decltype(m2),
                      decltype(m3)>();
  } else if constexpr (kCount == 5) {
    auto& [m0, m1, m2, m3, m4] = object;
    return MemberList<POOLPROOF_BIND(m0, m1, m2, m3, m4), decltype(m0), decltype(m1), decltype(m2),
                      decltype(m3), decltype(m4)>();
  } else if constexpr (kCount == 6) {
    auto& [m0, m1, m2, m3, m4, m5] = object;
    return MemberList<POOLPROOF_BIND(m0, m1, m2, m3, m4, m5), decltype(m0), decltype(m1),
                      decltype(m2), decltype(m3), decltype(m4), decltype(m5)>();
  } else if constexpr (kCount == 7) {
    auto& [m0, m1, m2, m3, m4, m5, m6] = object;
    return MemberList<POOLPROOF_BIND(m0, m1, m2, m3, m4, m5, m6), decltype(m0), decltype(m1),
                      decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6)>();
  } else if constexpr (kCount == 8) {
    auto& [m0, m1, m2, m3, m4, m5, m6, m7] = object;
    return MemberList<POOLPROOF_BIND(m0, m1, m2, m3, m4, m5, m6, m7), decltype(m0), decltype(m1),
                      decltype(m2), decltype(m3), decltype(m4), decltype(m5), decltype(m6),
                      decltype(m7)>();
  } else {
    return list_many_members(object);
  }
}
#undef POOLPROOF_BIND
template <class T>
using MembersOf = decltype(list_members(std::declval<T&>()));

// A trivially copyable type that can be made from zero bytes in a constant expression. The language
// forbids that for a type that holds a reference or a pointer, at any depth.
template <class F>
concept Plain = std::is_trivially_copyable_v<F> && requires {
  typename std::bool_constant<(
      static_cast<void>(std::bit_cast<F>(std::array<std::byte, sizeof(F)>{})), true)>;
};

// Whether the members follow one another in memory. They do, unless one is a bit-field, the struct
// is packed, or an empty member takes no place.
template <class T, class... M>
constexpr bool lies_naturally() {
  std::size_t end = 0, alignment = 1;
  [[maybe_unused]] const auto place = [&](std::size_t size, std::size_t align) {
    end = (end + align - 1) / align * align + size;
    alignment = align > alignment ? align : alignment;
  };
  (place(sizeof(M), alignof(M)), ...);
  const std::size_t size = (end + alignment - 1) / alignment * alignment;
  return (sizeof...(M) == 0 ? 1 : size) == sizeof(T);
}

template <class T, bool kReferable, class... M>
constexpr bool has_bit_field(MemberList<kReferable, M...>) {
#if defined(__clang__)
  // Decided by the size, and because clang can bit_cast all of the members but not the whole.
  if (!lies_naturally<T, M...>()) return true;
  return std::is_trivially_copyable_v<T> && !Plain<T> &&
         (Plain<std::remove_cv_t<std::remove_all_extents_t<M>>> && ...);
#else
  return !kReferable;
#endif
}

}  // namespace poolproof::detail
