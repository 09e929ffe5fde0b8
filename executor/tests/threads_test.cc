// Executors with threads: shut down from any thread, many at once, made and destroyed in threads
// that end.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "executor/tests/meeting.h"
#include "poolproof/executor.h"
#include "poolproof/wait.h"

namespace poolproof {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

int twice(int x) { return 2 * x; }

TEST(ShutdownAnywhere, by_a_thread_while_others_wait_for_their_futures) {
  Executor pool({.workers = 2});
  Meeting meeting;
  std::vector<Future<int>> futures;
  for (int i = 0; i < 4; ++i) {
    futures.push_back(pool.submit(meet_and_return, meeting.folder(), i));
  }
  std::atomic<int> sum = 0;
  std::vector<std::thread> waiting;
  for (Future<int>& future : futures) {
    waiting.emplace_back([&sum, &future] { sum += future.get(); });
  }
  meeting.await(2);
  std::thread closer([&] { pool.shutdown(); });
  meeting.let_go();
  for (std::thread& thread : waiting) thread.join();
  closer.join();
  EXPECT_EQ(sum, 6);
}

TEST(ShutdownAnywhere, by_ten_threads_at_once) {
  Executor pool({.workers = 2});
  std::vector<Future<int>> futures;
  for (int i = 0; i < 20; ++i) futures.push_back(pool.submit(twice, i));
  std::vector<std::thread> closers;
  for (int t = 0; t < 10; ++t) {
    closers.emplace_back([&pool, t] {
      pool.shutdown({.pending = t % 2 == 0 ? Pending::kDrain : Pending::kCancel});
    });
  }
  for (std::thread& thread : closers) thread.join();
  EXPECT_EQ(wait(futures, {.timeout = 0s}).done.size(), 20u) << "each had returned after the ends";
}

TEST(ShutdownAnywhere, in_a_callback_while_another_thread_submits) {
  for (int round = 0; round < 10; ++round) {
    Executor pool({.workers = 1});
    std::atomic<int> submitted = 0, ended = 0;
    // The first task of all, so that the flood is as long as the shutdown needs, and no longer.
    Future<void> closed = pool.submit(twice, 1).then([&](int) {
      while (submitted == 0) std::this_thread::yield();
      pool.shutdown({.pending = Pending::kCancel});
    });
    std::thread submitter([&] {
      try {
        while (true) {
          Future<int> future = pool.submit(twice, submitted.load());
          ++submitted;
          static_cast<void>(future.then([&](Future<int> f) {
            EXPECT_TRUE(f.ready());
            ++ended;
          }));
        }
      } catch (const ShutdownExecutorError&) {
      }
    });
    closed.get();
    submitter.join();
    pool.shutdown();
    EXPECT_EQ(ended, submitted) << "each task ended, and each callback was called";
  }
}

TEST(ShutdownAnywhere, by_a_destructor_on_a_thread_that_ends) {
  Future<int> left;
  std::thread([&left] {
    Executor pool({.workers = 1});
    left = pool.submit(twice, 4);
  }).join();
  EXPECT_TRUE(left.wait_for(0s));
  EXPECT_EQ(left.get(), 8);
}

// Its workers are children of the supervisor's thread, not of the thread that made it, so they stay
// alive.
TEST(Threads, that_made_an_executor_may_end_before_it) {
  std::optional<Executor> pool;
  int pid = 0;
  std::thread([&] {
    pool.emplace(ExecutorOptions{.workers = 1});
    pid = pool->submit(getpid).get();
  }).join();
  EXPECT_EQ(pool->submit(getpid).get(), pid);
}

TEST(Threads, each_with_an_executor_of_its_own_do_not_mind_each_other) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([t] {
      for (int round = 0; round < 3; ++round) {
        Executor own({.workers = 2});
        EXPECT_EQ(own.submit(twice, t).get(), 2 * t);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(ManyExecutors, live_side_by_side_and_are_waited_for_together) {
  std::vector<std::unique_ptr<Executor>> pools;
  std::vector<Future<int>> futures;
  for (int i = 0; i < 30; ++i) {
    pools.push_back(std::make_unique<Executor>(ExecutorOptions{.workers = 1}));
    futures.push_back(pools.back()->submit(twice, i));
  }
  int sum = 0;
  for (Future<int>& each : as_completed(futures)) sum += each.get();
  EXPECT_EQ(sum, 870);
}

TEST(ManyExecutors, that_are_made_and_never_used_cost_no_thread_and_no_descriptor) {
  const auto count = [](const char* folder) {
    const std::filesystem::directory_iterator entries(folder);
    return std::distance(begin(entries), end(entries));
  };
  const auto threads = count("/proc/self/task"), descriptors = count("/proc/self/fd");
  std::vector<std::unique_ptr<Executor>> pools;
  for (int i = 0; i < 1000; ++i) pools.push_back(std::make_unique<Executor>());
  EXPECT_LE(count("/proc/self/task"), threads) << "one of an earlier pool may have ended since";
  EXPECT_EQ(count("/proc/self/fd"), descriptors);
  EXPECT_EQ(pools.back()->submit(twice, 1).get(), 2);
}

// A worker is not a copy of its parent. If it were, each page of the parent would be copied at the
// next write to it, and counted as a page fault.
TEST(GreatHeap, of_two_gibibytes_is_not_marked_for_copying_by_a_spawn) {
  constexpr std::size_t kSize = std::size_t{2} << 30, kPage = 4096;
  void* memory = mmap(nullptr, kSize, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  const auto touch_all = [memory](char value) {
    for (std::size_t at = 0; at < kSize; at += kPage) static_cast<char*>(memory)[at] = value;
  };
  touch_all(1);
  const auto faults = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
  };
  Executor pool({.workers = 4});
  std::vector<Future<int>> futures;
  for (int i = 0; i < 8; ++i) futures.push_back(pool.submit(twice, i));
  wait(futures);
  const long before = faults();
  touch_all(2);
  EXPECT_LT(faults() - before, 500) << "pages or, at the least, blocks of 2 MiB: 1024";
  munmap(memory, kSize);
}

}  // namespace
}  // namespace poolproof
