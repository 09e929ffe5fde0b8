// Situations in which other pools hang, or lose futures (loky.md names them): a hundred tasks that
// cannot travel, many submits against a callback, a cancel right before a shutdown, workers that
// kill each other.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "executor/tests/meeting.h"
#include "poolproof/executor.h"
#include "poolproof/wait.h"

namespace poolproof {

// Cannot travel.
struct Stuck {};
template <>
struct Codec<Stuck> {
  static void encode(WireWriter&, const Stuck&) { throw std::domain_error("stuck"); }
  static Stuck decode(WireReader&) { return {}; }
};

// Its encoding ends the process with this pid, and continues when that is gone.
struct Slow {
  int pid = 0;
};
template <>
struct Codec<Slow> {
  static void encode(WireWriter& out, const Slow& slow) {
    if (!testing_support::ends_within(slow.pid, 60'000)) throw std::domain_error("it lives on");
    out(slow.pid);
  }
  static Slow decode(WireReader& in) {
    Slow slow;
    in(slow.pid);
    return slow;
  }
};

// How many there are in this process.
struct Counted {
  static inline int alive = 0;
  Counted() { ++alive; }
  Counted(const Counted&) { ++alive; }
  Counted& operator=(const Counted&) = default;
  ~Counted() { --alive; }
};
template <>
struct Codec<Counted> {
  static void encode(WireWriter& out, const Counted&) { out(1); }
  static Counted decode(WireReader& in) {
    int one = 0;
    in(one);
    return {};
  }
};

namespace {

using namespace std::chrono_literals;
using namespace testing_support;

int same(int value) { return value; }
std::size_t length(const std::string& text) { return text.size(); }
void take_stuck(const Stuck&) {}
int take_slow(const Slow& slow) { return slow.pid; }

TEST(KnownHang, a_hundred_tasks_that_cannot_travel_and_a_hundred_that_can_all_end) {
  Executor pool({.workers = 1});
  std::vector<Future<void>> bad;
  std::vector<Future<int>> good;
  for (int i = 0; i < 100; ++i) {
    bad.push_back(pool.submit(take_stuck, Stuck{}));
    good.push_back(pool.submit(same, i));
  }
  for (auto& future : bad) EXPECT_THROW(future.get(), EncodeError);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(good[static_cast<std::size_t>(i)].get(), i);
}

TEST(KnownHang, the_end_of_an_executor_right_after_a_task_that_cannot_travel_comes) {
  Future<void> bad;
  {
    Executor pool({.workers = 2});
    pool.submit(same, 1).get();
    bad = pool.submit(take_stuck, Stuck{});
  }
  EXPECT_THROW(bad.get(), EncodeError);
}

// H4: more submits than a wake-up pipe would hold, while the only callback waits, then submits.
TEST(KnownHang, a_flood_of_submits_does_not_hold_up_a_callback_that_submits) {
  Executor pool({.workers = 1});
  std::atomic<bool> flooded = false;
  Future<Future<int>> inner = pool.submit(same, 1).then([&](int) {
    flooded.wait(false);
    return pool.submit(same, 7);
  });
  std::vector<Future<int>> flood;
  for (int i = 0; i < 20'000; ++i) flood.push_back(pool.submit(same, i));
  flooded = true;
  flooded.notify_all();
  EXPECT_EQ(inner.get().get(), 7);
  for (int i = 0; i < 20'000; ++i) ASSERT_EQ(flood[static_cast<std::size_t>(i)].get(), i);
}

// Submits its successor when it has ended, `left` times.
void go_on(Executor& pool, std::atomic<int>& done, int left) {
  static_cast<void>(pool.submit(same, left).then([&pool, &done, left](int) {
    ++done;
    done.notify_all();
    if (left > 1) go_on(pool, done, left - 1);
  }));
}

TEST(KnownHang, three_chains_of_a_hundred_callbacks_that_submit_come_to_their_ends) {
  std::atomic<int> done = 0;
  Executor pool({.workers = 2});
  for (int chain = 0; chain < 3; ++chain) go_on(pool, done, 100);
  for (int seen = done; seen < 300; seen = done) done.wait(seen);
  EXPECT_EQ(done, 300);
}

// H8
TEST(KnownHang, a_cancel_of_the_last_that_waits_right_before_a_shutdown_ends_both) {
  for (int round = 0; round < 50; ++round) {
    Executor pool({.workers = 1});
    Future<int> running = pool.submit(same, 1);
    Future<int> last = pool.submit(same, 2);
    last.cancel();
    pool.shutdown();
    EXPECT_EQ(running.get(), 1);
    try {
      EXPECT_EQ(last.get(), 2);
    } catch (const CancelledError& error) {
      EXPECT_FALSE(error.started());
    }
  }
}

// H3
TEST(KnownHang, a_cancel_of_one_that_waits_then_a_shutdown_that_kills_ends_every_future) {
  Executor pool({.workers = 2});
  Meeting meeting;
  Future<void> one = pool.submit(meet_and_sleep, meeting.folder());
  Future<void> other = pool.submit(meet_and_sleep, meeting.folder());
  const std::vector<int> pids = meeting.await(2);
  Future<int> cancelled = pool.submit(same, 1);
  Future<int> queued = pool.submit(same, 2);
  cancelled.cancel();
  pool.shutdown({.running = Running::kKill});
  EXPECT_THROW(one.get(), ShutdownExecutorError);
  EXPECT_THROW(other.get(), ShutdownExecutorError);
  EXPECT_THROW(cancelled.get(), CancelledError);
  EXPECT_THROW(queued.get(), ShutdownExecutorError);
  for (const int pid : pids) EXPECT_TRUE(ends_within(pid, 60'000));
}

// H2
TEST(KnownHang, a_cancel_of_one_that_waits_then_a_death_ends_every_future_in_either_mode) {
  for (const OnDeath mode : {OnDeath::kReplace, OnDeath::kBreakPool}) {
    Executor pool({.workers = 1, .on_death = mode});
    Meeting meeting;
    Future<void> victim = pool.submit(meet_and_sleep, meeting.folder());
    const int pid = meeting.await();
    Future<int> cancelled = pool.submit(same, 1);
    Future<int> queued = pool.submit(same, 2);
    cancelled.cancel();
    kill(pid, SIGKILL);
    EXPECT_THROW(victim.get(), TerminatedWorkerError);
    if (mode == OnDeath::kReplace) {
      EXPECT_THROW(cancelled.get(), CancelledError);
      EXPECT_EQ(queued.get(), 2);
      continue;
    }
    EXPECT_THROW(queued.get(), BrokenProcessPool);
    try {
      cancelled.get();
      ADD_FAILURE() << "no worker was there to run it";
    } catch (const CancelledError&) {
    } catch (const BrokenProcessPool&) {  // the death and the cancel were noticed together
    }
  }
}

// Meets, reads which process it must kill, and kills it.
int kill_the_next(std::string folder, int place) {
  meet(folder);
  std::ifstream in(folder + "/pids");
  int pid = 0;
  for (int i = 0; i <= place; ++i) in >> pid;
  kill(pid, SIGKILL);
  return place;
}

class Crowd : public testing::TestWithParam<int> {};

TEST_P(Crowd, of_workers_that_kill_each_other_costs_no_future_but_theirs) {
  const int size = GetParam();
  for (const OnDeath mode : {OnDeath::kReplace, OnDeath::kBreakPool}) {
    Executor pool({.workers = size, .on_death = mode});
    Meeting meeting;
    std::vector<Future<int>> tasks;
    for (int i = 0; i < size; ++i) tasks.push_back(pool.submit(kill_the_next, meeting.folder(), i));
    const std::vector<int> pids = meeting.await(size);
    {
      std::ofstream out(meeting.folder() + "/pids");
      for (const int pid : pids) out << pid << ' ';
    }
    meeting.let_go();
    int lost = 0;
    for (auto& task : tasks) {
      try {
        task.get();
      } catch (const BrokenProcessPool&) {  // its own worker died, or another one
        ++lost;
      }
    }
    EXPECT_GT(lost, 0);
    std::remove((meeting.folder() + "/pids").c_str());
    if (mode == OnDeath::kReplace) {
      EXPECT_EQ(pool.submit(same, 7).get(), 7);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Of, Crowd, testing::Values(1, 2, 5, 13));

TEST(KnownHang, a_worker_that_is_killed_while_a_great_argument_is_on_its_way_costs_nobody_a_task) {
  Executor pool({.workers = 1});
  const int pid = pool.submit(getpid).get();
  kill(pid, SIGSTOP);  // it receives no more than its socket holds
  Future<std::size_t> great = pool.submit(length, std::string(8 << 20, 'x'));
  kill(pid, SIGKILL);
  EXPECT_EQ(great.get(), std::size_t{8} << 20) << "no worker had begun it";
}

TEST(KnownHang, a_worker_that_is_killed_after_a_resize_was_asked_for_holds_up_nobody) {
  Executor pool({.workers = 2});
  Meeting meeting;
  Future<void> one = pool.submit(meet_and_sleep, meeting.folder());
  Future<void> other = pool.submit(meet_and_sleep, meeting.folder());
  const std::vector<int> pids = meeting.await(2);
  pool.resize(1);
  for (const int pid : pids) kill(pid, SIGKILL);
  EXPECT_THROW(one.get(), TerminatedWorkerError);
  EXPECT_THROW(other.get(), TerminatedWorkerError);
  EXPECT_EQ(pool.submit(same, 7).get(), 7);
}

TEST(KnownHang, a_worker_that_dies_while_its_executor_is_destroyed_is_told) {
  Meeting meeting;
  auto pool = std::make_unique<Executor>(ExecutorOptions{.workers = 1});
  Future<void> victim = pool->submit(meet_and_sleep, meeting.folder());
  const int pid = meeting.await();
  std::thread end([&pool] { pool.reset(); });
  kill(pid, SIGSEGV);
  end.join();
  EXPECT_THROW(victim.get(), TerminatedWorkerError);
}

// A pool in a pool in a pool: the innermost task reports its pid.
void nest(std::string folder, int levels) {
  if (levels == 0) return meet_and_sleep(std::move(folder));
  Executor inner({.workers = 1});
  inner.submit(nest, folder, levels - 1).get();
}

TEST(KnownHang, a_shutdown_that_kills_takes_pools_within_pools_along) {
  Meeting meeting;
  Executor pool({.workers = 1});
  Future<void> outermost = pool.submit(nest, meeting.folder(), 2);
  const int innermost = meeting.await();
  pool.shutdown({.running = Running::kKill});
  EXPECT_THROW(outermost.get(), ShutdownExecutorError);
  EXPECT_TRUE(ends_within(innermost, 60'000));
}

TEST(KnownHang, a_task_whose_argument_is_encoded_for_longer_than_workers_may_be_idle_is_run) {
  Executor pool({.workers = 1, .idle_timeout = 1ms});
  const int pid = pool.submit(getpid).get();
  EXPECT_EQ(pool.submit(take_slow, Slow{pid}).get(), pid);
}

TEST(KnownHang, workers_that_are_replaced_after_each_task_come_while_a_shutdown_drains) {
  std::vector<Future<int>> tasks;
  {
    Executor pool({.workers = 2, .tasks_per_worker = 1});
    for (int i = 0; i < 30; ++i) tasks.push_back(pool.submit(same, i));
  }
  for (int i = 0; i < 30; ++i) EXPECT_EQ(tasks[static_cast<std::size_t>(i)].get(), i);
}

TEST(Many, sixty_two_workers_are_busy_at_once) {
  Executor pool({.workers = 62});
  Meeting meeting;
  std::vector<Future<int>> tasks;
  for (int i = 0; i < 62; ++i) {
    tasks.push_back(pool.submit(meet_and_return, meeting.folder(), i));
  }
  meeting.await(62);
  meeting.let_go();
  for (int i = 0; i < 62; ++i) EXPECT_EQ(tasks[static_cast<std::size_t>(i)].get(), i);
}

TEST(Arguments, are_kept_neither_here_nor_in_the_worker) {
  Executor pool({.workers = 1});
  pool.submit([](const Counted&) {}, Counted()).get();
  EXPECT_EQ(Counted::alive, 0);
  EXPECT_EQ(pool.submit([] { return Counted::alive; }).get(), 0);
}

TEST(Errors, each_future_has_an_error_object_of_its_own) {
  Executor pool({.workers = 1, .on_death = OnDeath::kBreakPool});
  Meeting meeting;
  Future<void> victim = pool.submit(meet_and_sleep, meeting.folder());
  const int pid = meeting.await();
  std::vector<Future<int>> queued;
  for (int i = 0; i < 2; ++i) queued.push_back(pool.submit(same, i));
  kill(pid, SIGKILL);
  EXPECT_THROW(victim.get(), TerminatedWorkerError);
  std::vector<std::exception_ptr> errors;
  for (auto& future : queued) {
    try {
      future.get();
    } catch (const BrokenProcessPool& error) {
      EXPECT_EQ(error.failure().worker.pid, pid);
      errors.push_back(std::current_exception());
    }
  }
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_NE(errors[0], errors[1]);
}

}  // namespace
}  // namespace poolproof
