#include "poolproof/codec.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

namespace poolproof {
namespace {

template <class T>
Bytes encoded(const T& value) {
  WireWriter out;
  Codec<T>::encode(out, value);
  return out.take();
}
template <class T>
T decoded(const Bytes& bytes) {
  WireReader in(bytes);
  T value = Codec<T>::decode(in);
  EXPECT_EQ(in.remaining(), 0u);
  return value;
}
template <class T>
void expect_to_survive(const T& value) {
  EXPECT_EQ(decoded<T>(encoded(value)), value);
}

struct Tree {
  int value = 0;
  std::vector<Tree> children;
  bool operator==(const Tree&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(value, children);
  }
};

TEST(Codec, carries_numbers_text_containers_and_structs) {
  expect_to_survive(42);
  expect_to_survive(true);
  expect_to_survive(1.5L);
  expect_to_survive(std::string("a\0b", 3));
  expect_to_survive(std::vector<double>{1, 2, 3});
  expect_to_survive(std::vector<bool>{true, false});
  expect_to_survive(std::map<std::string, std::optional<int>>{{"a", 1}, {"b", {}}});
  expect_to_survive(std::tuple<int, std::variant<int, std::string>>{1, "x"});
  expect_to_survive(Tree{1, {Tree{2, {}}, Tree{3, {Tree{4, {}}}}}});
}

TEST(Codec, refuses_a_length_that_the_bytes_cannot_hold) {
  for (const std::uint64_t length : {std::uint64_t{9}, std::uint64_t{1} << 32, ~std::uint64_t{0}}) {
    Bytes lie = encoded(length);
    lie.resize(lie.size() + 8);
    EXPECT_THROW(decoded<std::vector<int>>(lie), BadBytes);
    EXPECT_THROW(decoded<std::vector<std::string>>(lie), BadBytes);
    EXPECT_THROW(decoded<std::string>(lie), BadBytes);
    EXPECT_THROW((decoded<std::map<int, int>>(lie)), BadBytes);
  }
}

TEST(Codec, refuses_a_bool_that_is_neither) {
  EXPECT_THROW(decoded<bool>(Bytes{std::byte{2}}), BadBytes);
}

TEST(Codec, refuses_nesting_that_would_overflow_the_stack) {
  // Each level: value 0, one child. A million levels in 12 MB.
  WireWriter out;
  for (int level = 0; level < 1'000'000; ++level) out(0, std::uint64_t{1});
  EXPECT_THROW(decoded<Tree>(out.take()), BadBytes);
}

TEST(Codec, refuses_bytes_that_end_early) {
  const Bytes whole = encoded(Tree{1, {Tree{2, {}}}});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_THROW(decoded<Tree>(part), BadBytes);
  }
}

}  // namespace
}  // namespace poolproof
