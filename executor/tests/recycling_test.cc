// Workers that the pool ends by itself, and workers that hold too much memory: with real processes.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <memory>
#include <set>
#include <vector>

#include "executor/os/memory.h"
#include "executor/tests/meeting.h"
#include "poolproof/executor.h"

namespace poolproof {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

// A sanitizer's shadow memory is mapped for writing, and grows with the memory that it describes.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

TEST(IdleTimeout, ends_the_worker_and_the_next_task_starts_another) {
  Executor pool({.workers = 1, .idle_timeout = 50ms});
  const int pid = pool.submit(getpid).get();
  EXPECT_TRUE(ends_within(pid, 60'000));
  EXPECT_NE(pool.submit(getpid).get(), pid);
}

TEST(IdleTimeout, that_races_with_tasks_loses_none) {
  Executor pool({.workers = 2, .idle_timeout = 0ms});
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(pool.submit([](int x) { return x; }, i).get(), i);
  }
}

TEST(Recycling, by_tasks_gives_each_worker_so_many_and_no_more) {
  Executor pool({.workers = 1, .tasks_per_worker = 3});
  std::vector<Future<int>> futures;
  for (int i = 0; i < 9; ++i) futures.push_back(pool.submit(getpid));
  std::vector<int> pids;
  for (Future<int>& future : futures) pids.push_back(future.get());
  EXPECT_EQ(std::set<int>(pids.begin(), pids.end()).size(), 3u);
  for (std::size_t i = 0; i < 9; ++i) EXPECT_EQ(pids[i], pids[i / 3 * 3]) << i;
}

int leak(std::size_t bytes) {
  static std::vector<std::unique_ptr<char[]>> leaked;
  leaked.push_back(std::make_unique<char[]>(bytes));
  std::memset(leaked.back().get(), 1, bytes);  // so that it is really held
  return getpid();
}

TEST(Recycling, by_growth_replaces_a_worker_that_leaks) {
  Executor pool({.workers = 1, .memory_growth = 40 << 20, .memory_interval = 1ms});
  std::vector<int> pids;
  for (int i = 0; i < 30; ++i) pids.push_back(pool.submit(leak, 5 << 20).get());
  const auto workers = std::set<int>(pids.begin(), pids.end()).size();
  EXPECT_GE(workers, 2u);
  if (kSanitized) return;
  EXPECT_LE(workers, 6u) << "each may hold 40 MiB more than after its first task";
}

TEST(Recycling, by_growth_takes_no_large_result_for_a_leak) {
  if (kSanitized) GTEST_SKIP() << "its shadow stays, though the result is gone";
  Executor pool({.workers = 1, .memory_growth = 40 << 20, .memory_interval = 1ms});
  const int pid = pool.submit(getpid).get();
  for (int i = 0; i < 3; ++i) {
    pool.submit([] { return std::vector<char>(100 << 20, 'x'); }).get();
  }
  EXPECT_EQ(pool.submit(getpid).get(), pid);
}

TEST(AnonymousMemory, grows_with_what_is_held) {
  const std::size_t before = os::anonymous_memory();
  EXPECT_GT(before, 0u);
  const std::vector<char> held(64 << 20, 'x');
  EXPECT_GE(os::anonymous_memory(), before + (60 << 20));
}

TEST(MemoryLimit, makes_new_throw_in_the_task_and_the_worker_lives_on) {
  if (kSanitized) GTEST_SKIP() << "its shadow is beyond every limit";
  Executor pool({.workers = 1, .memory_limit = 256 << 20});
  const int pid = pool.submit(getpid).get();
  try {
    pool.submit([] { return std::vector<char>(std::size_t{1} << 30).size(); }).get();
    FAIL();
  } catch (const TaskError& error) {
    EXPECT_EQ(error.type_name(), "std::bad_alloc");
  }
  EXPECT_EQ(pool.submit(getpid).get(), pid);
}

}  // namespace
}  // namespace poolproof
