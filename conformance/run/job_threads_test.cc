#include "conformance/run/job_threads.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

namespace poolproof::conformance {
namespace {

TEST(JobThreads, begins_in_order_and_does_everything_once) {
  JobThreads threads(4, -1);
  std::vector<std::size_t> begun;
  std::array<std::atomic<int>, 100> done{};
  EXPECT_TRUE(threads.each(
      done.size(), [&](std::size_t i) { begun.push_back(i); }, [&](std::size_t i) { ++done[i]; }));
  ASSERT_EQ(begun.size(), done.size());
  for (std::size_t i = 0; i < done.size(); ++i) {
    EXPECT_EQ(begun[i], i);
    EXPECT_EQ(done[i], 1);
  }
}

TEST(JobThreads, works_beside_each_other_in_threads_that_stay) {
  constexpr std::size_t kThreads = 3;
  JobThreads threads(kThreads, -1);
  std::mutex lock;
  std::condition_variable all_here;
  std::set<std::thread::id> first, second;
  for (std::set<std::thread::id>* round : {&first, &second}) {
    // Each one waits for the others: a single thread would never return.
    threads.each(
        kThreads, [](std::size_t) {},
        [&](std::size_t) {
          std::unique_lock<std::mutex> hold(lock);
          round->insert(std::this_thread::get_id());
          all_here.notify_all();
          all_here.wait(hold, [&] { return round->size() == kThreads; });
        });
  }
  EXPECT_EQ(first, second);
}

TEST(JobThreads, throws_what_an_item_threw_after_the_others_have_ended) {
  JobThreads threads(2, -1);
  std::atomic<int> done = 0;
  const auto work = [&](std::size_t i) {
    if (i == 1) throw std::runtime_error("the second");
    ++done;
  };
  EXPECT_THROW(threads.each(
                   1000, [](std::size_t) {}, work),
               std::runtime_error);
  EXPECT_LT(done, 1000);
  EXPECT_TRUE(threads.each(
      1, [](std::size_t) {}, [](std::size_t) {}));  // and goes on
}

TEST(JobThreads, begins_nothing_once_it_is_to_stop) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  JobThreads threads(1, pipe[0]);
  int done = 0;
  const bool all = threads.each(
      1000, [](std::size_t) {},
      [&](std::size_t i) {
        ++done;
        if (i == 3) {
          EXPECT_EQ(::write(pipe[1], "x", 1), 1);
        }
      });
  EXPECT_FALSE(all);
  EXPECT_EQ(done, 4);
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST(JobThreads, begins_nothing_once_there_is_enough_and_that_is_an_end_like_any_other) {
  JobThreads threads(1, -1);
  int done = 0;
  const auto work = [&](std::size_t) { ++done; };
  EXPECT_TRUE(threads.each(
      1000, [](std::size_t) {}, work, [&] { return done == 4; }));
  EXPECT_EQ(done, 4);
  EXPECT_TRUE(threads.each(
      3, [](std::size_t) {}, work));  // the next list is not affected
  EXPECT_EQ(done, 7);
}

TEST(JobThreads, has_nothing_to_do_with_nothing) {
  JobThreads threads(2, -1);
  EXPECT_TRUE(threads.each(
      0, [](std::size_t) {}, [](std::size_t) {}));
}

}  // namespace
}  // namespace poolproof::conformance
