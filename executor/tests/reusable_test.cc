// The one executor of the process.
#include "poolproof/reusable.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "executor/tests/meeting.h"
#include "poolproof/wait.h"

namespace poolproof {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

int twice(int x) { return 2 * x; }
void hook_a(std::exception_ptr) {}
void hook_b(std::exception_ptr) {}

class Reusable : public testing::Test {
 protected:
  // Every test begins with a new executor.
  Reusable() { reusable_executor({.executor = {.workers = 2}, .reuse = Reuse::kNo}); }
  static std::shared_ptr<Executor> get(int workers, Reuse reuse = Reuse::kAuto) {
    return reusable_executor({.executor = {.workers = workers}, .reuse = reuse});
  }
};

TEST_F(Reusable, is_the_same_for_all_who_ask_with_the_same_options) {
  const auto first = get(2);
  EXPECT_EQ(first->submit(twice, 1).get(), 2);
  EXPECT_EQ(get(2), first);
  EXPECT_EQ(get(3), first) << "only the size differs";
  EXPECT_EQ(get(0, Reuse::kYes), first);
}

TEST_F(Reusable, is_replaced_when_other_options_are_asked_for) {
  const auto first = get(2);
  const auto second = reusable_executor({.executor = {.workers = 2, .max_frame_bytes = 1 << 20}});
  EXPECT_NE(second, first);
  EXPECT_THROW(std::ignore = first->submit(twice, 1), ShutdownExecutorError);
  EXPECT_EQ(second->submit(twice, 1).get(), 2);
  EXPECT_EQ(get(2, Reuse::kYes), second) << "whatever its options";
  EXPECT_NE(get(2), second);
}

TEST_F(Reusable, is_always_a_new_one_if_that_is_asked) {
  const auto first = get(2);
  EXPECT_NE(get(2, Reuse::kNo), first);
  EXPECT_THROW(std::ignore = first->submit(twice, 1), ShutdownExecutorError);
}

TEST_F(Reusable, knows_plain_functions_and_takes_all_else_for_different) {
  const auto with = [](std::function<void(std::exception_ptr)> hook) {
    return reusable_executor({.executor = {.workers = 2, .on_callback_error = std::move(hook)}});
  };
  const auto first = with(hook_a);
  EXPECT_EQ(with(hook_a), first);
  const auto second = with(hook_b);
  EXPECT_NE(second, first);
  const auto object = [](std::exception_ptr) {};
  const auto third = with(object);
  EXPECT_NE(with(object), third);
}

TEST_F(Reusable, that_was_shut_down_is_replaced) {
  const auto first = get(2);
  first->shutdown();
  const auto second = get(2, Reuse::kYes);
  EXPECT_NE(second, first);
  EXPECT_EQ(second->submit(twice, 1).get(), 2);
}

TEST_F(Reusable, that_broke_is_replaced) {
  const ReusableOptions options{.executor = {.workers = 1, .on_death = OnDeath::kBreakPool}};
  const auto first = reusable_executor(options);
  EXPECT_THROW(first->submit([] { raise(SIGKILL); }).get(), TerminatedWorkerError);
  const auto second = reusable_executor(options);
  EXPECT_NE(second, first);
  EXPECT_EQ(second->submit(twice, 1).get(), 2);
}

TEST_F(Reusable, that_is_replaced_with_a_kill_ends_what_runs) {
  Meeting meeting;
  Future<void> stuck = get(2)->submit(meet_and_sleep, meeting.folder());
  meeting.await();
  const auto second = reusable_executor(
      {.executor = {.workers = 2}, .reuse = Reuse::kNo, .replaced = {.running = Running::kKill}});
  EXPECT_THROW(stuck.get(), ShutdownExecutorError);
  EXPECT_EQ(second->submit(twice, 1).get(), 2);
}

TEST_F(Reusable, is_resized_without_waiting_and_keeps_its_workers) {
  const auto pool = get(2);
  Meeting meeting;
  std::vector<Future<int>> running;
  for (int i = 0; i < 2; ++i) {
    running.push_back(pool->submit(meet_and_return, meeting.folder(), i));
  }
  const std::vector<int> pids = meeting.await(2);
  EXPECT_EQ(get(1), pool);  // two are busy, and it returns nevertheless
  EXPECT_EQ(get(2), pool);
  meeting.let_go();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(running[static_cast<std::size_t>(i)].get(), i);
  const std::set<int> before(pids.begin(), pids.end());
  EXPECT_TRUE(before.contains(pool->submit(getpid).get()));
}

TEST_F(Reusable, refuses_a_negative_size_and_stays_as_it_is) {
  const auto first = get(2);
  EXPECT_THROW(get(-1), std::invalid_argument);
  EXPECT_THROW(get(-1, Reuse::kNo), std::invalid_argument);
  EXPECT_EQ(get(2), first);
}

// loky hangs here: the resizer holds the lock that the callback wants.
TEST_F(Reusable, is_resized_while_callbacks_submit_to_it) {
  const auto pool = get(2);
  std::atomic<int> ended = 0;
  std::vector<Future<int>> chains;
  for (int chain = 0; chain < 3; ++chain) {
    chains.push_back(pool->submit(twice, 1).then([&](int value) {
      for (int step = 0; step < 30; ++step) {
        value = get(1 + step % 3)->submit(twice, step).get();
        ++ended;
      }
      return value;
    }));
  }
  for (int round = 0; round < 50; ++round) EXPECT_EQ(get(1 + round % 3), pool);
  for (Future<int>& chain : chains) EXPECT_EQ(chain.get_for(60s), 58);
  EXPECT_EQ(ended, 90);
}

// The old executor is drained, and its tasks' callbacks ask for the new one.
TEST_F(Reusable, is_replaced_while_callbacks_ask_for_it) {
  const auto first = get(2);
  Meeting meeting;
  Future<int> chain = first->submit(meet_and_return, meeting.folder(), 3).then([](int x) {
    return get(2)->submit(twice, x).get();
  });
  meeting.await();
  std::thread replaces([] { get(2, Reuse::kNo); });
  while (get(2) == first) std::this_thread::yield();  // the new one is there while the old one ends
  meeting.let_go();
  EXPECT_EQ(chain.get_for(60s), 6);
  replaces.join();
}

TEST_F(Reusable, may_be_replaced_in_a_callback_of_the_one_that_goes) {
  const auto first = get(2);
  Future<int> replaced = first->submit(twice, 1).then(
      [](int x) { return get(2, Reuse::kNo)->submit(twice, x).get(); });
  EXPECT_EQ(replaced.get_for(60s), 4);
  EXPECT_THROW(std::ignore = first->submit(twice, 1), ShutdownExecutorError);
}

TEST_F(Reusable, serves_ten_threads_that_ask_for_different_sizes) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 10; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(get(1 + (t + i) % 3)->submit(twice, i).get(), 2 * i);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(Reusable, serves_ten_threads_while_it_breaks_again_and_again) {
  std::atomic<int> values = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 10; ++t) {
    threads.emplace_back([&, t] {
      const ReusableOptions options{.executor = {.workers = 2, .on_death = OnDeath::kBreakPool}};
      for (int i = 0; i < 10; ++i) {
        try {
          const auto pool = reusable_executor(options);
          if (t == 0 && i % 3 == 0) {
            pool->submit([] { raise(SIGKILL); }).get();
          } else if (pool->submit(twice, i).get() == 2 * i) {
            ++values;
          }
        } catch (const BrokenProcessPool&) {
        } catch (const ShutdownExecutorError&) {  // replaced between the two calls
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(values, 0);
  EXPECT_EQ(get(2)->submit(twice, 4).get(), 8);
}

TEST_F(Reusable, of_a_fork_is_its_own) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "the sanitizer allows no new thread in a fork";
#endif
  const auto mine = get(2);
  EXPECT_EQ(mine->submit(twice, 1).get(), 2);
  const pid_t child = fork();
  if (child == 0) {
    const auto own = get(2);
    _exit(own != mine && own->submit(twice, 4).get() == 8 ? 7 : 8);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 7);
  EXPECT_EQ(get(2), mine);
}

TEST_F(Reusable, of_a_worker_is_its_own) {
  const auto nested = [](int x) {
    return reusable_executor({.executor = {.workers = 1}})->submit(twice, x).get() + 1;
  };
  EXPECT_EQ(get(2)->submit(nested, 20).get(), 41);
}

}  // namespace
}  // namespace poolproof
