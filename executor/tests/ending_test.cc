// Deadlines, cancel, callbacks and shutdown, on real workers.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "executor/tests/meeting.h"
#include "poolproof/executor.h"

namespace poolproof {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

int twice(int x) { return 2 * x; }

TEST(Deadline, ends_a_task_that_loops_for_ever_and_only_its_worker) {
  Executor pool({.workers = 2});
  Meeting meeting, loop;
  Future<int> bystander = pool.submit(meet_and_return, meeting.folder(), 7);
  meeting.await();
  Future<void> victim = pool.submit(TaskOptions{.deadline = 300ms}, meet_and_loop, loop.folder());
  const int pid = loop.await();
  try {
    victim.get();
    FAIL();
  } catch (const DeadlineError& error) {
    EXPECT_TRUE(error.started());
    EXPECT_EQ(error.pid(), pid);
    EXPECT_FALSE(error.frozen());
  }
  meeting.let_go();
  EXPECT_EQ(bystander.get(), 7);
  EXPECT_EQ(pool.submit(twice, 2).get(), 4);
}

TEST(Deadline, of_a_queued_task_kills_nobody) {
  Executor pool({.workers = 1});
  Meeting meeting;
  Future<int> running = pool.submit(meet_and_return, meeting.folder(), 7);
  meeting.await();
  Future<int> queued = pool.submit(TaskOptions{.deadline = 1ms}, twice, 1);
  try {
    queued.get();
    FAIL();
  } catch (const DeadlineError& error) {
    EXPECT_FALSE(error.started());
  }
  meeting.let_go();
  EXPECT_EQ(running.get(), 7);
}

TEST(Deadline, names_a_frozen_worker) {
  Executor pool({.workers = 1});
  Meeting meeting;
  Future<void> victim = pool.submit(TaskOptions{.deadline = 1s}, meet_and_sleep, meeting.folder());
  kill(meeting.await(), SIGSTOP);
  try {
    victim.get();
    FAIL();
  } catch (const DeadlineError& error) {
    EXPECT_TRUE(error.frozen());
  }
}

TEST(Deadline, that_never_comes_changes_nothing) {
  Executor pool({.workers = 1});
  EXPECT_EQ(pool.submit(TaskOptions{.deadline = 1h}, twice, 1).get(), 2);
  EXPECT_EQ(pool.submit(TaskOptions{.deadline = std::chrono::nanoseconds::max()}, twice, 1).get(),
            2);
}

TEST(Cancel, keeps_a_queued_task_from_running) {
  Executor pool({.workers = 1});
  Meeting meeting;
  Future<int> running = pool.submit(meet_and_return, meeting.folder(), 7);
  meeting.await();
  Future<int> queued = pool.submit(twice, 1);
  queued.cancel();
  EXPECT_THROW(queued.get(), CancelledError);
  running.cancel();  // too late: it runs on
  meeting.let_go();
  EXPECT_EQ(running.get(), 7);
}

TEST(Cancel, against_claims_gives_a_value_or_a_cancellation_and_nothing_else) {
  Executor pool({.workers = 2});
  int values = 0, cancelled = 0;
  for (int i = 0; i < 200; ++i) {
    Future<int> raced = pool.submit(twice, i);
    if (i % 2 == 0) std::this_thread::yield();
    raced.cancel();
    try {
      EXPECT_EQ(raced.get(), 2 * i);
      ++values;
    } catch (const CancelledError&) {
      ++cancelled;
    }
  }
  EXPECT_EQ(values + cancelled, 200);
}

TEST(Shutdown, drains_what_is_queued_and_takes_no_more) {
  Executor pool({.workers = 2});
  std::vector<Future<int>> futures;
  for (int i = 0; i < 30; ++i) futures.push_back(pool.submit(twice, i));
  pool.shutdown();
  for (int i = 0; i < 30; ++i) {
    EXPECT_TRUE(futures[static_cast<std::size_t>(i)].wait_for(0s));
    EXPECT_EQ(futures[static_cast<std::size_t>(i)].get(), 2 * i);
  }
  EXPECT_THROW(std::ignore = pool.submit(twice, 1), ShutdownExecutorError);
  pool.shutdown();
}

TEST(Shutdown, that_cancels_ends_the_queue_and_awaits_the_running) {
  Executor pool({.workers = 1});
  Meeting meeting;
  Future<int> running = pool.submit(meet_and_return, meeting.folder(), 7);
  meeting.await();
  Future<int> queued = pool.submit(twice, 1);
  std::thread closer([&] { pool.shutdown({.pending = Pending::kCancel}); });
  EXPECT_THROW(queued.get(), CancelledError);
  meeting.let_go();
  closer.join();
  EXPECT_EQ(running.get(), 7);
}

TEST(Shutdown, that_kills_ends_every_future_and_every_process) {
  Executor pool({.workers = 2});
  Meeting meeting;
  Future<void> looping = pool.submit(meet_and_loop, meeting.folder());
  Future<void> sleeping = pool.submit(meet_and_sleep, meeting.folder());
  Future<int> queued = pool.submit(twice, 1);
  const std::vector<int> pids = meeting.await(2);
  pool.shutdown({.running = Running::kKill});
  EXPECT_THROW(looping.get(), ShutdownExecutorError);
  EXPECT_THROW(sleeping.get(), ShutdownExecutorError);
  EXPECT_THROW(queued.get(), ShutdownExecutorError);
  for (const int pid : pids) EXPECT_NE(kill(pid, 0), 0) << "reaped";
}

TEST(Shutdown, with_a_grace_kills_when_it_ends) {
  Executor pool({.workers = 1});
  Meeting meeting;
  Future<void> sleeping = pool.submit(meet_and_sleep, meeting.folder());
  meeting.await();
  pool.shutdown({.grace = 50ms});
  EXPECT_THROW(sleeping.get(), ShutdownExecutorError);
}

TEST(Shutdown, kills_a_worker_that_is_frozen_when_asked_to_stop) {
  Executor pool({.workers = 1, .stop_grace = 50ms});
  const int pid = pool.submit(getpid).get();
  kill(pid, SIGSTOP);
  pool.shutdown();
  EXPECT_NE(kill(pid, 0), 0) << "reaped";
}

TEST(Shutdown, in_a_fork_of_the_program_is_nobodys_business) {
  Executor pool({.workers = 1});
  EXPECT_EQ(pool.submit(twice, 1).get(), 2);
  const pid_t child = fork();
  if (child == 0) {
    try {
      std::ignore = pool.submit(twice, 1);
    } catch (const ShutdownExecutorError&) {
      try {
        pool.shutdown();
      } catch (const ShutdownExecutorError&) {
        pool.~Executor();  // neither hangs nor touches the parent's workers
        _exit(7);
      }
    }
    _exit(8);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 7);
  EXPECT_EQ(pool.submit(twice, 2).get(), 4);
}

TEST(Shutdown, of_an_executor_that_was_never_used_starts_nothing) {
  Executor pool({.workers = 2});
  pool.shutdown({.running = Running::kKill});
  EXPECT_THROW(std::ignore = pool.submit(twice, 1), ShutdownExecutorError);
}

TEST(Shutdown, against_submit_gives_a_value_or_a_refusal_and_nothing_else) {
  for (int round = 0; round < 20; ++round) {
    Executor pool({.workers = 2});
    std::thread submitter([&pool] {
      for (int i = 0;; ++i) {
        try {
          Future<int> future = pool.submit(twice, i);
          try {
            EXPECT_EQ(future.get(), 2 * i);
          } catch (const CancelledError&) {
          } catch (const ShutdownExecutorError&) {
          }
        } catch (const ShutdownExecutorError&) {
          return;
        }
      }
    });
    pool.submit(twice, 1).get();
    std::thread other([&pool] { pool.shutdown({.running = Running::kKill}); });
    pool.shutdown({.pending = Pending::kCancel});
    other.join();
    submitter.join();
  }
}

TEST(Callbacks, may_submit_wait_and_shut_down) {
  Executor pool({.workers = 1});
  Future<int> chained =
      pool.submit(twice, 1).then([&pool](int value) { return pool.submit(twice, value).get(); });
  EXPECT_EQ(chained.get(), 4);
  std::atomic<bool> closed = false;
  Future<void> last = pool.submit(twice, 1).then([&](int) {
    pool.shutdown();
    closed = true;
  });
  last.get();
  EXPECT_TRUE(closed);
}

TEST(Callbacks, may_destroy_their_executor) {
  auto pool = std::make_shared<std::optional<Executor>>();
  pool->emplace(ExecutorOptions{.workers = 1});
  Meeting meeting;
  Future<void> last =
      (*pool)->submit(meet_and_return, meeting.folder(), 1).then([pool](int) { pool->reset(); });
  meeting.await();
  meeting.let_go();
  last.get();
}

TEST(Callbacks, that_are_due_when_the_executor_goes_are_run_first) {
  std::atomic<int> ran = 0;
  {
    Executor pool({.workers = 2});
    for (int i = 0; i < 20; ++i) {
      static_cast<void>(pool.submit(twice, i).then([&ran](int) { ++ran; }));
    }
  }
  EXPECT_EQ(ran, 20);
}

TEST(Callbacks, that_throw_are_told_to_the_hook) {
  std::atomic<int> told = 0;
  Executor pool({.workers = 1, .on_callback_error = [&told](std::exception_ptr) { ++told; }});
  Future<void> next = pool.submit(twice, 1).then([](int) { throw std::runtime_error("mine"); });
  EXPECT_THROW(next.get(), std::runtime_error);
  EXPECT_EQ(told, 1);
}

}  // namespace
}  // namespace poolproof
