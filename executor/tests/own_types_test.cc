// Types with a Codec of their own, and values that can only be moved.
#include <gtest/gtest.h>

#include <cereal/types/memory.hpp>
#include <cereal/types/vector.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "poolproof/map.h"
#include "poolproof/wait.h"

namespace poolproof {

// No default constructor, no copy, nothing for cereal.
class Ticket {
 public:
  explicit Ticket(int number) : number_(number) {}
  Ticket(Ticket&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Ticket& operator=(Ticket&&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

template <>
struct Codec<Ticket> {
  static void encode(WireWriter& out, const Ticket& ticket) {
    if (ticket.number() == 13) throw std::domain_error("unlucky at encode");
    out(ticket.number());
  }
  static Ticket decode(WireReader& in) {
    int number = 0;
    in(number);
    if (number == 17) throw std::domain_error("unlucky at decode");
    return Ticket(number);
  }
};

namespace {

class OwnTypes : public testing::Test {
 protected:
  Executor pool{{.workers = 1}};
};

TEST_F(OwnTypes, travel_both_ways_by_their_codec) {
  EXPECT_EQ(pool.submit([](Ticket t) { return Ticket(t.number() + 1); }, Ticket(1)).get().number(),
            2);
}

TEST_F(OwnTypes, whose_codec_throws_end_their_task_with_what_it_threw) {
  const auto give = [](int number) { return Ticket(number); };
  const auto take = [](const Ticket& ticket) { return ticket.number(); };
  EXPECT_THROW(pool.submit(take, Ticket(13)).get(), EncodeError);
  EXPECT_THROW(pool.submit(take, Ticket(17)).get(), DecodeError);
  EXPECT_THROW(pool.submit(give, 13).get(), EncodeError);
  try {
    pool.submit(give, 17).get();
    FAIL();
  } catch (const DecodeError& error) {
    EXPECT_EQ(error.stage(), Stage::kResult);
    EXPECT_EQ(error.failure().text, "unlucky at decode");
  }
  EXPECT_EQ(pool.submit(give, 1).get().number(), 1);
}

TEST_F(OwnTypes, travel_in_a_map) {
  std::vector<Ticket> tickets;
  for (int i = 0; i < 3; ++i) tickets.emplace_back(i);
  int sum = 0;
  for (Ticket& each : map(
           pool, [](const Ticket& t) { return Ticket(10 * t.number()); }, tickets)) {
    sum += each.number();
  }
  EXPECT_EQ(sum, 30);
}

using Box = std::unique_ptr<std::vector<int>>;

TEST_F(OwnTypes, that_can_only_be_moved_are_arguments_and_results) {
  const auto extend = [](Box box) {
    box->push_back(3);
    return box;
  };
  const Box back = pool.submit(extend, std::make_unique<std::vector<int>>(1, 7)).get();
  EXPECT_EQ(*back, (std::vector<int>{7, 3}));
}

TEST_F(OwnTypes, that_can_only_be_moved_go_through_callbacks_and_when_all) {
  const auto make = [](int x) { return std::make_unique<int>(x); };
  Future<std::unique_ptr<int>> next = pool.submit(make, 4).then(
      [](std::unique_ptr<int> p) { return std::make_unique<int>(*p + 1); });
  std::vector<Future<std::unique_ptr<int>>> both;
  both.push_back(std::move(next));
  both.push_back(pool.submit(make, 10));
  int sum = 0;
  for (auto& each : when_all(std::move(both)).get()) sum += *each.get();
  EXPECT_EQ(sum, 15);
}

}  // namespace
}  // namespace poolproof
