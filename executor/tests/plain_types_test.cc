// Types that travel without any code of their author: plain structs and standard types; and
// callables other than functions.
#include <gtest/gtest.h>

#include <array>
#include <cereal/types/base_class.hpp>
#include <chrono>
#include <deque>
#include <filesystem>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include "poolproof/initializer.h"
#include "poolproof/map.h"

namespace poolproof {

// Its Codec is not the default, and it is not an aggregate.
class Secret {
 public:
  int value = 0;
  Secret() = default;
  explicit Secret(int v) : value(v) {}
  bool operator==(const Secret&) const = default;
};
template <>
struct Codec<Secret> {
  static void encode(WireWriter& out, const Secret& secret) { out(~secret.value); }
  static Secret decode(WireReader& in) {
    int value = 0;
    in(value);
    return Secret(~value);
  }
};

// As described in cereal's manual.
struct Shape {
  virtual ~Shape() = default;
  virtual double area() const = 0;
  template <class Archive>
  void serialize(Archive&) {}
};
struct Square : Shape {
  double side = 0;
  double area() const override { return side * side; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::base_class<Shape>(this), side);
  }
};
struct Unregistered : Shape {
  double area() const override { return 0; }
};

namespace {

enum class Colour : char { kRed, kBlue };
struct Empty {
  bool operator==(const Empty&) const = default;
};
struct Point {
  int x = 0;
  double y = 0;
  bool operator==(const Point&) const = default;
};
struct Person {
  std::string name;
  char code[4] = {};
  std::vector<Point> way = {};
  std::optional<Point> home = {};
  Colour colour = Colour::kRed;
  bool alive = false;
  std::variant<int, std::string> id = {};
  double grid[2][3] = {};
  bool operator==(const Person&) const = default;
};
struct Sixteen {
  int a, b, c, d, e, f, g, h, i, j, k, l, m, n, o;
  std::string p;
  bool operator==(const Sixteen&) const = default;
};
struct Tree {
  int value = 0;
  std::vector<Tree> children;
  bool operator==(const Tree&) const = default;
};
struct Holder {
  Secret secret;
  std::vector<Secret> more;
  std::map<std::string, Secret> named;
  bool operator==(const Holder&) const = default;
};

class PlainTypes : public testing::Test {
 protected:
  template <class T>
  void expect_to_survive(const T& value) {
    EXPECT_EQ(pool.submit([](T got) { return got; }, value).get(), value);
  }
  Executor pool{{.workers = 1}};
};

TEST_F(PlainTypes, structs_travel_with_their_members_whatever_these_are) {
  expect_to_survive(Empty());
  expect_to_survive(Point{1, 2.5});
  expect_to_survive(Person{"Ada",
                           {'a', 'b', 0, 'c'},
                           {{1, 2}, {3, 4}},
                           Point{5, 6},
                           Colour::kBlue,
                           true,
                           "x",
                           {{1, 2, 3}, {4, 5, 6}}});
  expect_to_survive(Sixteen{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, "sixteen"});
  expect_to_survive(Tree{1, {Tree{2, {}}, Tree{3, {Tree{4, {}}}}}});
}

TEST_F(PlainTypes, structs_travel_within_containers_and_types_with_a_codec_within_both) {
  expect_to_survive(std::map<std::string, std::vector<Point>>{{"a", {{1, 2}}}, {"b", {}}});
  expect_to_survive(std::tuple<Point, std::optional<Person>>{{1, 2}, std::nullopt});
  expect_to_survive(Holder{Secret(1), {Secret(2), Secret(3)}, {{"four", Secret(4)}}});
}

TEST_F(PlainTypes, of_the_standard_library_travel) {
  using namespace std::chrono_literals;
  expect_to_survive(std::pair<int, std::string>{1, "x"});
  expect_to_survive(std::array<Point, 2>{Point{1, 2}, Point{3, 4}});
  expect_to_survive(std::deque<Point>{{1, 2}});
  expect_to_survive(std::list<std::string>{"a", "b"});
  expect_to_survive(std::set<std::string>{"a", "b"});
  expect_to_survive(std::multiset<int>{1, 1, 2});
  expect_to_survive(std::unordered_set<int>{1, 2});
  expect_to_survive(std::unordered_map<std::string, Point>{{"a", {1, 2}}});
  expect_to_survive(std::multimap<int, int>{{1, 1}, {1, 2}});
  expect_to_survive(std::variant<int, Point>{Point{1, 2}});
  expect_to_survive(std::filesystem::path("/a/b c/\xff"));
  expect_to_survive(std::vector<std::filesystem::path>{"a", ""});
  expect_to_survive(1500ms);
  expect_to_survive(std::chrono::system_clock::now());
  EXPECT_EQ(
      *pool.submit([](std::unique_ptr<Point> p) { return p; }, std::make_unique<Point>(Point{1, 2}))
           .get(),
      (Point{1, 2}));
  EXPECT_EQ(pool.submit([](std::shared_ptr<Point> p) { return p->x; },
                        std::make_shared<Point>(Point{1, 2}))
                .get(),
            1);
}

TEST_F(PlainTypes, pointers_to_const_travel_and_what_two_of_them_share_stays_shared) {
  const auto text = std::make_shared<const std::string>("text");
  const auto both =
      pool.submit([](std::vector<std::shared_ptr<const std::string>> all) { return all; },
                  std::vector{text, text})
          .get();
  EXPECT_EQ(*both.at(0), "text");
  EXPECT_EQ(both.at(0), both.at(1));
  EXPECT_EQ(*pool.submit([] {
                   return std::make_unique<const Point>(Point{3, 4});
                 })
                 .get(),
            (Point{3, 4}));
  const std::shared_ptr<const Shape> shape = [] {
    auto square = std::make_shared<Square>();
    square->side = 3;
    return square;
  }();
  EXPECT_EQ(pool.submit([](std::shared_ptr<const Shape> s) { return s->area(); }, shape).get(), 9);
}

TEST_F(PlainTypes, structs_of_bytes_that_lie_end_their_own_task) {
  WireWriter out;
  Codec<Person>::encode(out, Person{});
  const Bytes whole = out.take();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    WireReader in(part);
    EXPECT_THROW(Codec<Person>::decode(in), std::exception);
  }
  WireWriter deep;
  for (int level = 0; level < 1'000'000; ++level) deep(0, std::uint64_t{1});
  const Bytes bytes = deep.take();
  WireReader in(bytes);
  EXPECT_THROW(Codec<Tree>::decode(in), BadBytes);
}

TEST_F(PlainTypes, pointers_to_registered_polymorphic_classes_travel_both_ways) {
  auto square = std::make_shared<Square>();
  square->side = 3;
  const std::shared_ptr<Shape> shape = square;
  EXPECT_EQ(pool.submit([](std::shared_ptr<Shape> s) { return s->area(); }, shape).get(), 9);
  auto sum = pool.submit(
      [](const std::vector<std::shared_ptr<Shape>>& all) -> std::unique_ptr<Shape> {
        auto made = std::make_unique<Square>();
        for (const auto& each : all) made->side += dynamic_cast<const Square&>(*each).side;
        return made;
      },
      std::vector{shape, shape});
  EXPECT_EQ(sum.get()->area(), 36);
}

TEST_F(PlainTypes, a_polymorphic_class_that_is_not_registered_is_named) {
  const std::shared_ptr<Shape> shape = std::make_shared<Unregistered>();
  try {
    pool.submit([](std::shared_ptr<Shape> s) { return s->area(); }, shape).get();
    FAIL();
  } catch (const EncodeError& error) {
    EXPECT_NE(std::string(error.what()).find("Unregistered"), std::string::npos) << error.what();
  }
}

// Callables.
class Account {
 public:
  Account() = default;
  explicit Account(int balance) : balance_(balance) {}
  virtual ~Account() = default;
  int after(int change) const { return balance_ + change; }
  int deposit(int change) { return balance_ += change; }
  virtual std::string kind() const { return "plain"; }
  static int twice(int x) { return 2 * x; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(balance_);
  }

 private:
  int balance_ = 0;
};
class Savings : public Account {
 public:
  std::string kind() const override { return "savings"; }
};
struct Named {
  virtual ~Named() = default;
  virtual std::string name() const { return "named"; }
};
class Both : public Named, public Account {  // Account is not at the start
 public:
  using Account::Account;
  template <class Archive>
  void serialize(Archive& archive) {
    Account::serialize(archive);
  }
};

TEST_F(PlainTypes, methods_are_called_on_the_object_that_comes_first) {
  EXPECT_EQ(pool.submit(&Account::after, Account(5), 2).get(), 7);
  EXPECT_EQ(pool.submit(&Account::deposit, Account(5), 2).get(), 7);
  EXPECT_EQ(pool.submit(&Account::twice, 4).get(), 8);
  EXPECT_EQ(pool.submit(&Account::after, std::make_unique<Account>(5), 2).get(), 7);
  EXPECT_EQ(pool.submit(&Both::after, Both(5), 2).get(), 7);
#ifndef __SANITIZE_ADDRESS__  // GCC's -fsanitize=vptr takes the base for a complete Both
  EXPECT_EQ(pool.submit(static_cast<int (Both::*)(int) const>(&Both::after), Both(6), 2).get(), 8);
#endif
  auto all = pool.submit_batch(&Point::x, std::vector<Point>{{1, 2}, {3, 4}});
  EXPECT_EQ(all.at(1).get(), 3);
}

TEST_F(PlainTypes, virtual_methods_are_those_of_the_object) {
  EXPECT_EQ(pool.submit(&Account::kind, Account()).get(), "plain");
  EXPECT_EQ(pool.submit(&Account::kind, Savings()).get(), "savings");
  EXPECT_EQ(pool.submit(&Both::kind, Both(1)).get(), "plain");
  EXPECT_EQ(pool.submit(&Named::name, Both(1)).get(), "named");
}

TEST_F(PlainTypes, members_are_taken_of_the_object) {
  EXPECT_EQ(pool.submit(&Person::name, Person{.name = "Ada"}).get(), "Ada");
  std::vector<std::string> names;
  for (std::string& name : map(pool, &Person::name, std::vector<Person>{{"a"}, {"b"}})) {
    names.push_back(name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"a", "b"}));
}

TEST_F(PlainTypes, null_pointers_to_what_is_called_are_told) {
  int (Account::*method)(int) const = nullptr;
  std::string Person::*member = nullptr;
  int (*function)(int) = nullptr;
  EXPECT_THROW(pool.submit(method, Account(), 1).get(), EncodeError);
  EXPECT_THROW(pool.submit(member, Person()).get(), EncodeError);
  try {
    pool.submit(function, 1).get();
    FAIL();
  } catch (const EncodeError& error) {
    EXPECT_EQ(error.failure().text, "the function pointer is null");
  }
}

struct Append {
  std::string suffix;
  std::vector<int> numbers;
  std::string operator()(const std::string& text) const {
    return text + suffix + std::to_string(numbers.size());
  }
};
struct Count {  // Plain: it travels as it lies
  int n = 0;
  int operator()(int by) { return n += by; }
};
class Scale {  // by cereal
 public:
  Scale() = default;
  explicit Scale(std::string text) : text_(std::move(text)) {}
  std::string operator()(int times) const {
    std::string all;
    for (int i = 0; i < times; ++i) all += text_;
    return all;
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(text_);
  }

 private:
  std::string text_;
};

TEST_F(PlainTypes, function_objects_travel_with_their_members) {
  EXPECT_EQ(pool.submit(Append{"!", {1, 2}}, "text").get(), "text!2");
  EXPECT_EQ(pool.submit(Count{5}, 2).get(), 7);
  EXPECT_EQ(pool.submit(Scale("ab"), 2).get(), "abab");
  std::vector<std::string> all;
  for (std::string& each : map(pool, Append{"?", {}}, std::vector<std::string>{"a", "b"})) {
    all.push_back(each);
  }
  EXPECT_EQ(all, (std::vector<std::string>{"a?0", "b?0"}));
  Executor initialized({.workers = 1, .initializer = make_initializer(Append{"x", {}}, "y")});
  EXPECT_EQ(initialized.submit(Count{1}, 1).get(), 2);
}

}  // namespace
}  // namespace poolproof

CEREAL_REGISTER_TYPE(poolproof::Square)
