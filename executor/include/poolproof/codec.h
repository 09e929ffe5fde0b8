// How values become bytes and back.
//
// Only Codec<T> decides this. Specialise it for your own type, or give the type cereal's serialize
// functions, which the default uses. A plain struct needs neither. Encode and decode may throw;
// that ends only this task, with EncodeError or DecodeError.
//
// This header includes cereal. It is included by the headers that take a call (executor.h,
// reusable.h, map.h, initializer.h), so that types with cereal's functions need no further header.
// The others do not include it: a file that only passes futures, options or errors on compiles
// faster with future.h, wait.h, co_await.h, options.h or error.h instead of executor.h.
#pragma once

#include "poolproof/export.h"
//
#include <cereal/types/array.hpp>
#include <cereal/types/chrono.hpp>
#include <cereal/types/deque.hpp>
#include <cereal/types/list.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/memory.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/set.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/tuple.hpp>
#include <cereal/types/unordered_map.hpp>
#include <cereal/types/unordered_set.hpp>
#include <cereal/types/utility.hpp>
#include <cereal/types/variant.hpp>
#include <cereal/types/vector.hpp>
#include <concepts>
#include <string>

#include "poolproof/detail/travels.h"
#include "poolproof/wire.h"

namespace poolproof {

// The default. These types travel by it:
// - numbers, enums, std::string, std::filesystem::path, times and durations of std::chrono
// - pair, tuple, optional, variant, array, vector, deque, list, (unordered_)(multi)set and map,
//   unique_ptr and shared_ptr (also to const, but not to arrays), of whatever travels
// - types with cereal's serialize, or save and load; for other standard types include their
//   <cereal/types/...> header before the call; for pointers to polymorphic classes do what cereal's
//   manual says (<cereal/types/polymorphic.hpp>, CEREAL_REGISTER_TYPE after this header)
// - plain structs: aggregates without a base class, of at most 16 members that travel and need no
//   arguments to be made. No member is a pointer, a reference, a union, const, volatile or a
//   bit-field
template <class T>
struct Codec {
  using ByDefault = detail::ByDefault;  // a specialisation does not have this
  static void encode(WireWriter& out, const T& value) {
    static_assert(detail::kObstacle<T> == detail::Obstacle::kNone,
                  "poolproof: this type cannot travel to another process. Give it cereal functions "
                  "(template <class Archive> void serialize(Archive& ar) { ar(members...); }), "
                  "include the <cereal/types/...> header of the standard type, or specialise "
                  "poolproof::Codec.");
    if constexpr (detail::kObstacle<T> == detail::Obstacle::kNone) out(value);
  }
  static T decode(WireReader& in) {
    T value{};
    if constexpr (detail::kObstacle<T> == detail::Obstacle::kNone) in(value);
    return value;
  }
};

// Through these, cereal finds the functions for members, Codecs and paths, also within containers.
// The archive is tested first: a question about another archive must not lead back to the question
// about T.
template <std::same_as<WireWriter> Archive, detail::ByMembers T>
void CEREAL_SAVE_FUNCTION_NAME(Archive& out, const T& object) {
  detail::with_members(object, [&](const auto&... members) {
    if constexpr (sizeof...(members) != 0) out(members...);
  });
}
template <std::same_as<WireReader> Archive, detail::ByMembers T>
void CEREAL_LOAD_FUNCTION_NAME(Archive& in, T& object) {
  detail::with_members(object, [&](auto&... members) {
    if constexpr (sizeof...(members) != 0) in(members...);
  });
}
template <std::same_as<WireWriter> Archive, detail::ByOwnCodec T>
void CEREAL_SAVE_FUNCTION_NAME(Archive& out, const T& object) {
  Codec<T>::encode(out, object);
}
template <std::same_as<WireReader> Archive, detail::ByOwnCodec T>
void CEREAL_LOAD_FUNCTION_NAME(Archive& in, T& object) {
  object = Codec<T>::decode(in);
}
template <std::same_as<WireWriter> Archive, detail::IsPath T>
void CEREAL_SAVE_FUNCTION_NAME(Archive& out, const T& path) {
  out(path.native());
}
template <std::same_as<WireReader> Archive, detail::IsPath T>
void CEREAL_LOAD_FUNCTION_NAME(Archive& in, T& path) {
  std::string text;
  in(text);
  path = T(std::move(text));
}

}  // namespace poolproof
