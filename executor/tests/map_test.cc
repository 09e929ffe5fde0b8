// One call for each element of an input: on real workers.
#include "poolproof/map.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <cereal/types/memory.hpp>
#include <fstream>
#include <future>
#include <limits>
#include <memory>
#include <ranges>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "executor/tests/meeting.h"

namespace poolproof {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

int twice(int x) { return 2 * x; }

template <class T>
std::vector<T> all_of(MapRange<T> results) {
  std::vector<T> all;
  for (T& each : results) all.push_back(std::move(each));
  return all;
}

std::vector<int> doubled(int count) {
  std::vector<int> all;
  for (int i = 0; i < count; ++i) all.push_back(2 * i);
  return all;
}

// 0, 1, 2, ... and after `good` of them it throws.
auto failing_input(int good) {
  return std::views::iota(0) | std::views::transform([good](int i) {
           if (i == good) throw std::runtime_error("the input broke");
           return i;
         });
}

class Map : public testing::Test {
 protected:
  Executor pool{{.workers = 2}};
};

TEST_F(Map, gives_results_in_the_order_of_the_input) {
  const std::vector<int> numbers = {3, 1, 2};
  EXPECT_EQ(all_of(map(pool, twice, numbers)), (std::vector<int>{6, 2, 4}));
  for (const std::size_t chunk : {0, 1, 7, 1000}) {
    EXPECT_EQ(all_of(map(pool, twice, std::views::iota(0, 500), {.chunk = chunk})), doubled(500));
  }
}

TEST_F(Map, of_nothing_is_empty) {
  EXPECT_TRUE(all_of(map(pool, twice, std::vector<int>{})).empty());
}

TEST_F(Map, takes_inputs_that_can_be_read_only_once) {
  std::istringstream words("4 5 6");
  EXPECT_EQ(all_of(map(pool, twice, std::views::istream<int>(words))),
            (std::vector<int>{8, 10, 12}));
}

TEST_F(Map, takes_lambdas_text_and_functions_that_give_nothing) {
  const std::vector<const char*> words = {"a", "bb"};
  const std::size_t more = 10;
  EXPECT_EQ(all_of(map(
                pool, [more](const std::string& w) { return w.size() + more; }, words)),
            (std::vector<std::size_t>{11, 12}));
  EXPECT_EQ(all_of(map(
                       pool, [](int) {}, std::vector{1, 2, 3}))
                .size(),
            3u);
}

TEST_F(Map, gives_a_chunk_as_soon_as_it_has_ended_if_that_is_asked) {
  Meeting meeting;
  const std::vector<std::string> places = {meeting.folder(), "", ""};
  auto results = map(pool,
                     [](const std::string& folder) {
                       if (!folder.empty()) meet(folder);
                       return folder.empty();
                     },
                     places, {.order = Order::kCompletion, .chunk = 1});
  EXPECT_TRUE(*results.next());
  EXPECT_TRUE(*results.next());
  meeting.await();
  meeting.let_go();
  EXPECT_FALSE(*results.next());
  EXPECT_FALSE(results.next());
}

TEST_F(Map, draws_an_endless_input_no_further_than_it_looks_ahead) {
  for (const Order order : {Order::kInput, Order::kCompletion}) {
    int drawn = 0;
    auto endless = std::views::iota(0) | std::views::transform([&drawn](int i) {
                     ++drawn;
                     return i;
                   });
    auto results = map(pool, twice, endless, {.order = order, .look_ahead = 10});
    EXPECT_EQ(drawn, 10);
    for (int taken = 1; taken <= 100; ++taken) {
      ASSERT_TRUE(results.next());
      ASSERT_LE(drawn, taken + 10);
    }
  }
}

TEST_F(Map, gives_all_that_came_before_the_input_threw_and_then_what_it_threw) {
  for (const Order order : {Order::kInput, Order::kCompletion}) {
    for (const std::size_t chunk : {1, 2, 4}) {
      auto results = map(pool, twice, failing_input(7), {.order = order, .chunk = chunk});
      int sum = 0;
      for (int i = 0; i < 7; ++i) sum += results.next().value();
      EXPECT_EQ(sum, 42);
      EXPECT_THROW(results.next(), std::runtime_error);
      EXPECT_FALSE(results.next());
    }
  }
  EXPECT_EQ(pool.submit(twice, 1).get(), 2);
}

TEST_F(Map, an_element_whose_call_throws_costs_no_other) {
  const auto picky = [](int x) {
    if (x % 3 == 1) throw std::out_of_range("one of three");
    return x;
  };
  for (const std::size_t chunk : {1, 4, 100}) {
    auto results = map(pool, picky, std::views::iota(0, 9), {.chunk = chunk});
    std::vector<int> seen;
    int threw = 0;
    for (bool on = true; on;) {
      try {
        for (const int each : results) seen.push_back(each);
        on = false;
      } catch (const TaskError& error) {
        EXPECT_EQ(error.type_name(), "std::out_of_range");
        EXPECT_EQ(error.text(), "one of three");
        ++threw;
      }
    }
    EXPECT_EQ(seen, (std::vector<int>{0, 2, 3, 5, 6, 8}));
    EXPECT_EQ(threw, 3);
  }
}

// Fails where it is told to: 1 encode, 2 decode.
struct Brittle {
  int at = 0;
  template <class Archive>
  void save(Archive& archive) const {
    if (at == 1) throw std::length_error("brittle at encode");
    archive(at);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(at);
    if (at == 2) throw std::domain_error("brittle at decode");
  }
};

TEST_F(Map, an_element_that_cannot_travel_costs_no_other) {
  const std::vector<Brittle> input = {{0}, {1}, {0}, {2}, {0}};
  for (const std::size_t chunk : {1, 3, 5}) {
    auto results = map(pool, [](const Brittle& b) { return b.at; }, input, {.chunk = chunk});
    EXPECT_EQ(results.next(), 0);
    EXPECT_THROW(results.next(), EncodeError);
    EXPECT_EQ(results.next(), 0);
    EXPECT_THROW(results.next(), DecodeError);
    EXPECT_EQ(results.next(), 0);
    EXPECT_FALSE(results.next());
  }
}

TEST_F(Map, a_result_that_cannot_travel_costs_no_other) {
  auto results = map(pool, [](int x) { return Brittle{x}; }, std::views::iota(0, 4), {.chunk = 4});
  EXPECT_EQ(results.next()->at, 0);
  try {
    results.next();
    FAIL();
  } catch (const EncodeError& error) {
    EXPECT_EQ(error.stage(), Stage::kResult);
    EXPECT_TRUE(error.started());
  }
  EXPECT_THROW(results.next(), DecodeError);
  EXPECT_EQ(results.next()->at, 3);
}

TEST_F(Map, a_worker_that_dies_costs_its_chunk_and_no_more) {
  auto results = map(pool,
                     [](int x) {
                       if (x == 5) raise(SIGKILL);
                       return x;
                     },
                     std::views::iota(0, 12), {.chunk = 4});
  std::vector<int> seen;
  int lost = 0;
  for (bool on = true; on;) {
    try {
      for (const int each : results) seen.push_back(each);
      on = false;
    } catch (const TerminatedWorkerError& error) {
      EXPECT_TRUE(error.started());
      ++lost;
    }
  }
  EXPECT_EQ(seen, (std::vector<int>{0, 1, 2, 3, 8, 9, 10, 11}));
  EXPECT_EQ(lost, 4);
}

TEST_F(Map, carries_values_that_can_only_be_moved) {
  std::vector<std::unique_ptr<int>> input;
  for (int i = 0; i < 3; ++i) input.push_back(std::make_unique<int>(i));
  int sum = 0;
  for (std::unique_ptr<int>& each : map(
           pool, [](std::unique_ptr<int> p) { return std::make_unique<int>(*p + 1); },
           std::move(input))) {
    const std::unique_ptr<int> mine = std::move(each);
    sum += *mine;
  }
  EXPECT_EQ(sum, 6);
}

TEST_F(Map, of_quick_calls_sends_many_elements_at_a_time) {
  EXPECT_EQ(all_of(map(pool, twice, std::views::iota(0, 20'000))), doubled(20'000));
  EXPECT_LT(pool.submit(twice, 1).id(), 2'000u);
}

TEST(MapAlone, of_slow_calls_sends_each_by_itself) {
  Executor pool({.workers = 2});
  const auto busy = [](int x) {
    const auto until = std::chrono::steady_clock::now() + 10ms;
    while (std::chrono::steady_clock::now() < until) continue;
    return x;
  };
  EXPECT_EQ(all_of(map(pool, busy, std::views::iota(0, 20))).size(), 20u);
  EXPECT_EQ(pool.submit(twice, 1).id(), 21u);
}

TEST(MapAlone, that_is_dropped_half_way_cancels_what_no_worker_has_begun) {
  Meeting meeting;
  const std::string ledger = meeting.folder() + "/ledger";
  {
    Executor pool({.workers = 1});
    Future<void> busy = pool.submit(meet, meeting.folder());
    meeting.await();
    {
      auto results =
          map(pool, [](const std::string& file) { std::ofstream(file, std::ios::app) << "ran\n"; },
              std::vector<std::string>(10, ledger), {.chunk = 2});
    }
    meeting.let_go();
    busy.get();
    EXPECT_EQ(pool.submit(twice, 4).get(), 8);
  }
  EXPECT_FALSE(std::ifstream(ledger)) << "something ran";
}

TEST(MapAlone, whose_time_runs_out_can_be_gone_on_with) {
  Executor pool({.workers = 1});
  for (const Order order : {Order::kInput, Order::kCompletion}) {
    Meeting meeting;
    auto results = map(pool, [](const std::string& folder) { return meet_and_return(folder, 3); },
                       std::vector{meeting.folder()}, {.order = order, .timeout = 1ms});
    EXPECT_THROW(results.next(), TimeoutError);
    meeting.await();
    meeting.let_go();
    std::optional<int> result;
    while (!result) {
      try {
        result = results.next();
        ASSERT_TRUE(result);
      } catch (const TimeoutError&) {
      }
    }
    EXPECT_EQ(result, 3);
  }
}

TEST(MapAlone, goes_as_far_as_a_pool_that_is_shut_down_has_come) {
  Executor pool({.workers = 1});
  for (const Order order : {Order::kInput, Order::kCompletion}) {
    Executor own({.workers = 1});
    auto results =
        map(own, twice, std::views::iota(0), {.order = order, .chunk = 1, .look_ahead = 3});
    own.shutdown();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(results.next(), 2 * i);
    EXPECT_THROW(results.next(), ShutdownExecutorError);
    EXPECT_FALSE(results.next());
  }
}

TEST_F(Map, takes_any_number_for_chunk_and_look_ahead) {
  constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();
  std::vector<std::size_t> numbers{kMost, kMost - 1, kMost / 2 + 1, kMost / 8, kMost / 8 + 1};
  for (int bits = 20; bits < 64; ++bits) numbers.push_back(std::size_t{1} << bits);
  for (const std::size_t number : numbers) {
    const auto input = std::views::iota(0, 100);
    EXPECT_EQ(all_of(map(pool, twice, input, {.chunk = number})), doubled(100)) << number;
    EXPECT_EQ(all_of(map(pool, twice, input, {.look_ahead = number})), doubled(100)) << number;
    EXPECT_EQ(all_of(map(pool, twice, input, {.chunk = number, .look_ahead = number})),
              doubled(100))
        << number;
  }
}

TEST_F(Map, takes_any_time) {
  const auto input = std::views::iota(0, 10);
  EXPECT_EQ(all_of(map(pool, twice, input, {.timeout = std::chrono::nanoseconds::max()})),
            doubled(10));
  Meeting meeting;
  auto late = map(pool, [](const std::string& folder) { return meet_and_return(folder, 3); },
                  std::vector{meeting.folder()}, {.timeout = std::chrono::nanoseconds::min()});
  EXPECT_THROW(late.next(), TimeoutError);
  meeting.await();
  meeting.let_go();
}

TEST_F(Map, can_be_moved_at_any_place_and_what_was_moved_from_says_that_it_has_no_state) {
  auto first = map(pool, twice, std::views::iota(0, 5));
  EXPECT_EQ(first.next(), 0);
  auto second = std::move(first);
  EXPECT_EQ(second.next(), 2);
  const auto throws_no_state = [](auto call) {
    try {
      call();
      FAIL();
    } catch (const std::future_error& error) {
      EXPECT_EQ(error.code(), std::future_errc::no_state);
    }
  };
  throws_no_state([&] { first.next(); });
  throws_no_state([&] { first.begin(); });
  first = std::move(second);
  EXPECT_EQ(first.next(), 4);
  throws_no_state([&] { second.next(); });
  auto place = first.begin();
  second = std::move(first);
  throws_no_state([&] { ++place; });
  EXPECT_EQ(all_of(std::move(second)), (std::vector{8}));
}

TEST_F(Map, refuses_a_chunk_that_is_longer_than_it_may_look_ahead) {
  EXPECT_THROW(map(pool, twice, std::vector{1}, {.chunk = 5, .look_ahead = 4}),
               std::invalid_argument);
}

}  // namespace
}  // namespace poolproof
