// How many tasks may be open, and how deep executors may be nested.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <cstdio>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "executor/tests/meeting.h"
#include "poolproof/executor.h"
#include "poolproof/map.h"

namespace poolproof {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

int twice(int x) { return 2 * x; }

TEST(Backpressure, that_rejects_takes_nothing_beyond_the_limit) {
  Executor pool({.workers = 1, .max_pending = 2, .when_full = Backpressure::kReject});
  Meeting meeting;
  Future<int> running = pool.submit(meet_and_return, meeting.folder(), 1);
  Future<int> queued = pool.submit(twice, 1);
  try {
    std::ignore = pool.submit(twice, 2);
    FAIL();
  } catch (const QueueFullError& error) {
    EXPECT_NE(std::string(error.what()).find("2 tasks are open"), std::string::npos);
  }
  meeting.await();
  meeting.let_go();
  EXPECT_EQ(running.get(), 1);
  EXPECT_EQ(queued.get(), 2);
  EXPECT_EQ(pool.submit(twice, 2).get(), 4);
}

TEST(Backpressure, that_blocks_lets_each_in_when_another_has_ended) {
  Executor pool({.workers = 2, .max_pending = 3});
  std::vector<std::thread> threads;
  std::atomic<int> sum = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      std::vector<Future<int>> futures;
      for (int i = 0; i < 50; ++i) futures.push_back(pool.submit(twice, 1));
      for (Future<int>& future : futures) sum += future.get();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(sum, 400);
}

TEST(Backpressure, never_has_more_open_than_the_limit) {
  Executor pool({.workers = 1, .max_pending = 1});
  Meeting meeting;
  Future<int> first = pool.submit(meet_and_return, meeting.folder(), 1);
  meeting.await();
  std::atomic<bool> in = false;
  std::thread second([&] {
    pool.submit(twice, 1).get();
    in = true;
  });
  EXPECT_THROW(std::ignore = pool.submit({.room_within = 20ms}, twice, 1), QueueFullError);
  EXPECT_FALSE(in);
  meeting.let_go();
  second.join();
  EXPECT_EQ(first.get(), 1);
}

TEST(Backpressure, may_be_chosen_for_each_task) {
  Executor pool({.workers = 1, .max_pending = 1});
  Meeting meeting;
  Future<int> first = pool.submit(meet_and_return, meeting.folder(), 1);
  EXPECT_THROW(std::ignore = pool.submit({.when_full = Backpressure::kReject}, twice, 1),
               QueueFullError);
  meeting.await();
  meeting.let_go();
  EXPECT_EQ(pool.submit({.room_within = 60s}, twice, 1).get(), 2);
}

TEST(Backpressure, wakes_with_the_shutdown_who_waits_for_room) {
  Executor pool({.workers = 1, .max_pending = 1});
  Meeting meeting;
  Future<int> first = pool.submit(meet_and_return, meeting.folder(), 1);
  meeting.await();
  std::atomic<int> refused = 0;
  std::vector<std::thread> blocked;
  for (int i = 0; i < 3; ++i) {
    blocked.emplace_back([&] {
      try {
        pool.submit(twice, 1).get();
      } catch (const ShutdownExecutorError&) {
        ++refused;
      }
    });
  }
  std::thread closer([&] { pool.shutdown(); });
  for (std::thread& thread : blocked) thread.join();  // although there was no room
  EXPECT_EQ(refused, 3);
  meeting.let_go();
  closer.join();
  EXPECT_EQ(first.get(), 1);
}

TEST(Backpressure, in_a_callback_waits_for_workers_and_so_does_not_wait_for_ever) {
  Executor pool({.workers = 1, .max_pending = 1});
  Future<int> chain = pool.submit(twice, 1).then([&](int x) {
    std::vector<Future<int>> more;
    for (int i = 0; i < 5; ++i) more.push_back(pool.submit(twice, x));
    return more.back().get();
  });
  EXPECT_EQ(chain.get_for(60s), 4);
}

TEST(Backpressure, is_waited_for_by_a_map_though_it_would_reject) {
  Executor pool({.workers = 1, .max_pending = 2, .when_full = Backpressure::kReject});
  int sum = 0;
  for (const int each : map(pool, twice, std::vector<int>(100, 3), {.chunk = 1})) sum += each;
  EXPECT_EQ(sum, 600);
}

// How deep executors can be nested from here.
int depth_of(int max_depth) {
  try {
    Executor own({.workers = 1, .max_depth = max_depth});
    return 1 + own.submit(depth_of, max_depth).get();
  } catch (const NestingError& error) {
    return std::string(error.what()).find("POOLPROOF_MAX_DEPTH") != std::string::npos ? 0 : -1000;
  }
}

TEST(Nesting, goes_as_deep_as_the_options_allow) {
  EXPECT_EQ(depth_of(1), 1);
  EXPECT_EQ(depth_of(3), 3);
}

TEST(Nesting, goes_ten_deep_if_nothing_is_asked_for) { EXPECT_EQ(depth_of(0), kMaxDepth); }

// Until no worker may have workers of its own, whatever the depth.
int depth_with(int workers) {
  try {
    Executor own({.workers = workers});
    return 1 + own.submit(depth_with, workers).get();
  } catch (const NestingError&) {
    return 0;
  }
}

TEST(Nesting, goes_as_deep_as_the_guide_says_for_the_workers_of_each_executor) {
  std::ifstream guide(GUIDE);
  int rows = 0;
  for (std::string line; std::getline(guide, line);) {
    int workers = 0, executors = 0;
    if (std::sscanf(line.c_str(), "| %d | %d |", &workers, &executors) != 2) continue;
    EXPECT_EQ(depth_with(workers), executors) << line;
    ++rows;
  }
  EXPECT_GE(rows, 5) << "the guide has the table";
}

TEST(Nesting, that_finds_no_process_left_says_what_to_change) {
  const auto third = [] { return Executor({.workers = 16}).submit(twice, 1).get(); };
  const auto second = [third] { return Executor({.workers = 16}).submit(third).get(); };
  try {
    Executor({.workers = 16}).submit(second).get();
    FAIL();
  } catch (const ExecutorError& error) {
    EXPECT_NE(std::string(error.what()).find("nothing is left for this one, which is at depth 2"),
              std::string::npos)
        << error.what();
    EXPECT_NE(std::string(error.what()).find("Give each executor fewer workers"), std::string::npos)
        << error.what();
  }
}

TEST(Nesting, goes_as_deep_as_the_environment_allows) {
  ASSERT_EQ(setenv("POOLPROOF_MAX_DEPTH", "2", 1), 0);
  EXPECT_EQ(depth_of(0), 2);
  EXPECT_EQ(depth_of(3), 3) << "options come first";
  ASSERT_EQ(setenv("POOLPROOF_MAX_DEPTH", "0", 1), 0);
  EXPECT_EQ(Executor({.workers = 1}).submit(depth_of, 2).get(), 1) << "no limit here, two there";
  ASSERT_EQ(unsetenv("POOLPROOF_MAX_DEPTH"), 0);
}

// The number of living workers of each task is limited, not how often it starts some.
TEST(Nesting, lets_a_task_have_one_executor_after_the_other) {
  Executor pool({.workers = 1});
  const auto many = [] {
    int sum = 0;
    for (int i = 0; i < 5; ++i) {
      Executor own({.workers = 4});
      sum += own.submit(twice, 1).get();
    }
    return sum;
  };
  EXPECT_EQ(pool.submit(many).get(), 10);
  EXPECT_EQ(pool.submit(many).get(), 10) << "by the same worker";
}

TEST(Nesting, lets_a_task_have_several_executors_at_once) {
  const auto two_at_once = [] {
    Executor one({.workers = 4}), other({.workers = 4});
    Future<int> first = one.submit(twice, 1), second = other.submit(twice, 2);
    return first.get() + second.get();
  };
  EXPECT_EQ(Executor({.workers = 1}).submit(two_at_once).get(), 6);
  EXPECT_EQ(Executor({.workers = 8}).submit(two_at_once).get(), 6);
}

}  // namespace
}  // namespace poolproof
