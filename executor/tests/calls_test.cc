// What an executor can do besides submit: prestart, batches, moves, names.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "executor/tests/meeting.h"
#include "poolproof/executor.h"
#include "poolproof/map.h"
#include "poolproof/wait.h"

namespace poolproof {
namespace {
struct Undecodable {};
}  // namespace

template <>
struct Codec<Undecodable> {
  static void encode(WireWriter&, const Undecodable&) {}
  static Undecodable decode(WireReader&) { throw std::invalid_argument("odd"); }
};

namespace {

using namespace testing_support;
using namespace std::chrono_literals;

int twice(int x) { return 2 * x; }
int die(int x) { return raise(SIGKILL), x; }

// Waits until so many are idle, because a prestart waits for nothing.
void await_idle(Executor& pool, int workers) {
  for (int tries = 0; tries < 60'000 && pool.health().idle != workers; ++tries) {
    std::this_thread::sleep_for(1ms);
  }
  ASSERT_EQ(pool.health().idle, workers);
}

TEST(Prestart, starts_workers_before_there_is_a_task) {
  Executor pool({.workers = 3});
  pool.prestart(2);
  await_idle(pool, 2);
  EXPECT_EQ(pool.submit(twice, 1).get(), 2);
  EXPECT_EQ(pool.health().spawned, 2u) << "a task takes one that is there";
  pool.prestart();
  await_idle(pool, 3);
  pool.prestart(100);
  pool.prestart(1);
  EXPECT_EQ(pool.submit(twice, 1).get(), 2);
  EXPECT_EQ(pool.health().spawned, 3u) << "never more than the pool may have";
}

TEST(Prestart, counts_the_workers_that_tasks_have_started) {
  Meeting meeting;
  Executor pool({.workers = 3});
  Future<int> busy = pool.submit(meet_and_return, meeting.folder(), 1);
  meeting.await();
  pool.prestart(2);
  await_idle(pool, 1);
  EXPECT_EQ(pool.health().spawned, 2u);
  meeting.let_go();
  EXPECT_EQ(busy.get(), 1);
}

TEST(Prestart, refuses_what_submit_would_and_a_negative_count) {
  Executor pool({.workers = 1});
  EXPECT_THROW(pool.prestart(-1), std::invalid_argument);
  pool.shutdown();
  EXPECT_THROW(pool.prestart(), ShutdownExecutorError);
  EXPECT_EQ(pool.health().spawned, 0u);
}

TEST(Prestart, of_workers_that_die_at_once_ends_the_pool_with_the_reason) {
  Executor pool({.workers = 3, .initializer = make_initializer([] { raise(SIGSEGV); })});
  pool.prestart();
  // The third death ends the pool; tasks submitted before that end with it.
  EXPECT_THROW(
      {
        while (true) pool.submit(twice, 1).get();
      },
      InitializerError);
}

TEST(Batch, gives_one_future_for_each_element_in_their_order) {
  Executor pool({.workers = 2});
  std::vector<int> numbers(1000);
  for (int i = 0; i < 1000; ++i) numbers[static_cast<std::size_t>(i)] = i;
  auto futures = pool.submit_batch(twice, numbers);
  ASSERT_EQ(futures.size(), 1000u);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(futures[static_cast<std::size_t>(i)].get(), 2 * i);
  EXPECT_TRUE(pool.submit_batch(twice, std::vector<int>()).empty());
}

TEST(Batch, takes_any_range_that_can_be_passed_through) {
  Executor pool({.workers = 1});
  int array[] = {1, 2};
  EXPECT_EQ(pool.submit_batch(twice, array)[1].get(), 4);
  EXPECT_EQ(pool.submit_batch([](bool b) { return !b; }, std::vector<bool>{true})[0].get(), false);
  EXPECT_EQ(pool.submit_batch([](const std::string& t) { return t.size(); },
                              std::vector<const char*>{"one", "three"})[1]
                .get(),
            5u);
  const std::set<std::string> words = {"a", "b"};
  EXPECT_EQ(pool.submit_batch([](std::string t) { return t; }, words)[1].get(), "b");
}

struct Picky {
  int x = 0;
  template <class Archive>
  void save(Archive& archive) const {
    if (x == 2) throw std::domain_error("two");
    archive(x);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(x);
  }
};

TEST(Batch, whose_element_cannot_be_encoded_or_dies_costs_that_one_task) {
  Executor pool({.workers = 1, .max_frame_bytes = 4096});
  auto picky = pool.submit_batch([](Picky p) { return p.x; }, std::vector<Picky>{{1}, {2}, {3}});
  EXPECT_EQ(picky[0].get(), 1);
  EXPECT_THROW(picky[1].get(), EncodeError);
  EXPECT_EQ(picky[2].get(), 3);
  auto texts = pool.submit_batch([](const std::string& t) { return t.size(); },
                                 std::vector{std::string("a"), std::string(5000, 'b')});
  EXPECT_EQ(texts[0].get(), 1u);
  EXPECT_THROW(texts[1].get(), EncodeError);
  auto dying = pool.submit_batch({.name = "dies"}, die, std::vector{1});
  EXPECT_THROW(dying[0].get(), TerminatedWorkerError);
}

TEST(Batch, larger_than_the_queue_waits_for_room_piece_by_piece) {
  Executor pool({.workers = 1, .max_pending = 3});
  std::vector<int> numbers(20, 4);
  for (auto& each : pool.submit_batch(twice, numbers)) EXPECT_EQ(each.get(), 8);
}

TEST(Batch, for_which_there_is_no_room_is_rejected_as_a_whole) {
  Meeting meeting;
  Executor pool({.workers = 1, .max_pending = 3, .when_full = Backpressure::kReject});
  Future<int> busy = pool.submit(meet_and_return, meeting.folder(), 1);
  EXPECT_THROW(std::ignore = pool.submit_batch(twice, std::vector{1, 2, 3}), QueueFullError);
  auto fits = pool.submit_batch(twice, std::vector{1, 2});
  meeting.let_go();
  EXPECT_EQ(fits[1].get(), 4);
  EXPECT_EQ(busy.get(), 1);
}

TEST(Batch, of_which_a_part_finds_no_room_in_time_keeps_the_other_part) {
  Meeting meeting;
  Executor pool({.workers = 1, .max_pending = 2});
  Future<int> busy = pool.submit(meet_and_return, meeting.folder(), 1);
  auto futures = pool.submit_batch({.room_within = 1ms}, twice, std::vector{1, 2, 3});
  meeting.let_go();
  EXPECT_EQ(futures[0].get(), 2);
  EXPECT_THROW(futures[1].get(), QueueFullError);
  EXPECT_THROW(futures[2].get(), QueueFullError);
}

TEST(Batch, of_which_the_pool_is_shut_down_meanwhile_ends_every_future) {
  Meeting meeting;
  Executor pool({.workers = 1, .max_pending = 2});
  Future<int> busy = pool.submit(meet_and_return, meeting.folder(), 1);
  meeting.await();
  std::vector<Future<int>> futures;
  std::thread other([&] { futures = pool.submit_batch(twice, std::vector{1, 2, 3}); });
  while (pool.health().queued != 1) std::this_thread::yield();  // the second waits for room
  std::thread ending([&] { pool.shutdown(); });
  other.join();
  meeting.let_go();
  ending.join();
  ASSERT_EQ(futures.size(), 3u);
  EXPECT_EQ(futures[0].get(), 2);
  EXPECT_THROW(futures[1].get(), ShutdownExecutorError);
  EXPECT_THROW(futures[2].get(), ShutdownExecutorError);
}

TEST(Batch, after_the_end_of_the_pool_is_refused) {
  Executor pool({.workers = 1});
  pool.shutdown();
  EXPECT_THROW(std::ignore = pool.submit_batch(twice, std::vector{1}), ShutdownExecutorError);
}

TEST(Moved, executor_takes_its_tasks_along) {
  Meeting meeting;
  Executor first({.workers = 1});
  Future<int> running = first.submit(meet_and_return, meeting.folder(), 7);
  meeting.await();
  Executor second = std::move(first);
  EXPECT_EQ(second.health().busy, 1);
  meeting.let_go();
  EXPECT_EQ(running.get(), 7);
  EXPECT_EQ(second.submit(twice, 2).get(), 4);
}

TEST(Moved, from_executor_says_so_and_can_be_given_another_pool) {
  Executor first({.workers = 1});
  Executor second = std::move(first);
  const auto expect_refused = [](auto call) {
    try {
      call();
      FAIL();
    } catch (const std::logic_error& error) {
      EXPECT_NE(std::string(error.what()).find("was moved from"), std::string::npos);
    }
  };
  expect_refused([&] { std::ignore = first.submit(twice, 1); });
  expect_refused([&] { std::ignore = first.submit_batch(twice, std::vector{1}); });
  expect_refused([&] { first.shutdown(); });
  expect_refused([&] { first.resize(2); });
  expect_refused([&] { first.prestart(); });
  expect_refused([&] { std::ignore = first.health(); });
  expect_refused([&] { map(first, twice, std::vector{1}); });
  first = Executor({.workers = 1});
  EXPECT_EQ(first.submit(twice, 1).get(), 2);
}

TEST(Moved, into_executor_ends_its_own_pool_first) {
  Executor pool({.workers = 1});
  Future<int> last = pool.submit(twice, 1);
  pool = Executor({.workers = 1});
  EXPECT_TRUE(last.wait_for(0ns)) << "the first pool was drained, as by its destructor";
  EXPECT_EQ(last.get(), 2);
  Executor& same = pool;
  pool = std::move(same);
  EXPECT_EQ(pool.submit(twice, 3).get(), 6);
  std::vector<Executor> several;
  several.push_back(std::move(pool));
  several.emplace_back(ExecutorOptions{.workers = 1});
  EXPECT_EQ(several[0].submit(twice, 4).get(), 8);
}

TEST(Name, of_a_task_stands_in_the_texts_of_its_errors) {
  Executor pool({.workers = 1, .max_frame_bytes = 4096});
  const auto text_of = [](auto&& future) -> std::string {
    try {
      future.get();
      return "a value";
    } catch (const ExecutorError& error) {
      return error.what();
    }
  };
  EXPECT_EQ(text_of(pool.submit({.name = "resize a.jpg"}, [] { throw 42; })),
            "task 1 \"resize a.jpg\" threw int: 42");
  EXPECT_EQ(text_of(pool.submit(
                        {.name = "long"}, [](std::string) {}, std::string(5000, 'x')))
                .find("an argument of task 2 \"long\" could not be encoded"),
            0u);
  EXPECT_EQ(text_of(pool.submit({.name = "dies"}, die, 1)).find("task 3 \"dies\" was running"), 0u);
  EXPECT_EQ(text_of(pool.submit([] { throw 1; })), "task 4 threw int: 1");
  EXPECT_EQ(text_of(pool.submit_batch(
                {.name = "one of many"}, [](int) { throw 1; }, std::vector{1})[0]),
            "task 5 \"one of many\" threw int: 1");

  const auto late = [](auto future) -> std::string {
    try {
      future.get_for(0s);
      return "a value";
    } catch (const TimeoutError& error) {
      EXPECT_EQ(error.failure().task, 6u);
      future.cancel({.running = Running::kKill});
      return error.what();
    }
  };
  const std::string ran_out = "the wait for task 6 \"slow\" ran out; the task has not ended";
  EXPECT_EQ(late(pool.submit({.name = "slow"}, [] { ::pause(); })), ran_out);
  EXPECT_EQ(text_of(pool.submit({.name = "odd"}, [] { return Undecodable(); }))
                .find("the result of task 7 \"odd\" could not be decoded"),
            0u);
}

TEST(Name, of_a_task_stands_in_the_texts_of_the_callbacks_that_wait_for_it) {
  Executor pool({.workers = 1});
  auto future = pool.submit({.name = "slow"}, [] { ::pause(); }).then([] { return 1; });
  try {
    future.get_for(0s);
    FAIL() << "it has no value yet";
  } catch (const TimeoutError& error) {
    EXPECT_STREQ(error.what(), "the wait for task 1 \"slow\" ran out; the task has not ended");
  }
  future.cancel({.running = Running::kKill});
}

TEST(Name, of_a_task_stands_in_the_trace_whatever_bytes_it_has) {
  std::string text;
  {
    Executor pool(
        {.workers = 1, .trace = {.sink = [&text](std::string_view piece) { text += piece; }}});
    pool.submit({.name = "a \"b\" \\ \n \xc3\xa9 \xff\xe2\x82"}, twice, 1).get();
    pool.submit(twice, 1).get();
  }
  std::vector<std::string> names;
  for (const auto& event : nlohmann::json::parse(text)) {
    if (event.value("cat", "") == "task") names.push_back(event.at("name"));
  }
  EXPECT_EQ(names, (std::vector<std::string>{"task 1 \"a \"b\" \\  \xc3\xa9 ???\"", "task 2"}));
}

}  // namespace
}  // namespace poolproof
