// Workers that die, on real processes: the cause, the blame, and the pool afterwards.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "executor/tests/meeting.h"
#include "poolproof/executor.h"

namespace poolproof {
namespace {

using namespace testing_support;

int twice(int x) { return 2 * x; }

class WorkerDeath : public testing::Test {
 protected:
  Executor pool{{.workers = 2}};
  Meeting meeting;

  template <class T>
  TerminatedWorkerError death_of(Future<T>& future) {
    try {
      future.get();
    } catch (const TerminatedWorkerError& error) {
      return error;
    }
    throw std::runtime_error("the task ended with a value");
  }
};

TEST_F(WorkerDeath, a_kill_from_outside_is_told_with_worker_task_and_signal) {
  Future<int> bystander = pool.submit(meet_and_return, meeting.folder(), 7);
  const int other = meeting.await();
  Future<int> victim = pool.submit(meet_and_return, meeting.folder(), 8);
  const int pid = meeting.await();
  kill(pid, SIGKILL);
  const TerminatedWorkerError death = death_of(victim);
  EXPECT_EQ(death.pid(), pid);
  EXPECT_EQ(death.task(), victim.id());
  EXPECT_EQ(death.signal(), SIGKILL);
  EXPECT_EQ(death.exit_code(), std::nullopt);
  EXPECT_TRUE(death.started());
  EXPECT_EQ(death.intent(), Intent::kUnplanned);
  EXPECT_EQ(death.cause(), Cause::kSelf);
  meeting.let_go();
  EXPECT_EQ(bystander.get(), 7);
  EXPECT_NE(other, pid);
  EXPECT_EQ(pool.submit(twice, 2).get(), 4);
}

TEST_F(WorkerDeath, every_fatal_signal_of_a_task_is_named) {
  for (const int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE, SIGTERM, SIGALRM}) {
    Future<void> victim = pool.submit([signal] { raise(signal); });
    const TerminatedWorkerError death = death_of(victim);
    EXPECT_EQ(death.signal(), signal);
    EXPECT_NE(std::string(death.what()).find(signal_name(signal)), std::string::npos);
  }
}

TEST_F(WorkerDeath, an_exit_in_a_task_is_told_with_its_code_even_if_it_is_zero) {
  for (const int code : {0, 3, 255}) {
    Future<void> at_once = pool.submit([code] { _exit(code); });
    EXPECT_EQ(death_of(at_once).exit_code(), code);
    Future<void> orderly = pool.submit([code] { std::exit(code); });
    EXPECT_EQ(death_of(orderly).exit_code(), code);
  }
}

TEST_F(WorkerDeath, idle_workers_that_were_killed_are_replaced_when_a_task_comes) {
  std::vector<Future<int>> warm;
  for (int i = 0; i < 2; ++i) warm.push_back(pool.submit(meet_and_return, meeting.folder(), i));
  const std::vector<int> pids = meeting.await(2);
  meeting.let_go();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(warm[static_cast<std::size_t>(i)].get(), i);
  for (const int pid : pids) kill(pid, SIGKILL);
  for (const int pid : pids) ASSERT_TRUE(ends_within(pid, 60'000));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(pool.submit(twice, i).get(), 2 * i);
}

TEST_F(WorkerDeath, a_task_that_closes_its_channel_and_lives_on_is_told_so) {
  Future<void> victim = pool.submit([] {
    close(3);
    while (true) pause();
  });
  const TerminatedWorkerError death = death_of(victim);
  EXPECT_EQ(death.cause(), Cause::kChannelLost);
  EXPECT_EQ(death.intent(), Intent::kUnplanned);
  EXPECT_EQ(pool.submit(twice, 2).get(), 4);
}

TEST_F(WorkerDeath, an_exit_right_after_the_channel_was_closed_is_told_with_its_own_code) {
  for (int i = 0; i < 20; ++i) {
    Future<void> victim = pool.submit([] {
      close(3);
      _exit(3);
    });
    EXPECT_EQ(death_of(victim).exit_code(), 3);
  }
}

TEST_F(WorkerDeath, is_seen_though_a_grandchild_holds_the_channel_open) {
  Future<void> victim = pool.submit(
      [](std::string folder) {
        if (fork() == 0) meet_and_sleep(folder);
        meet_and_sleep(folder);
      },
      meeting.folder());
  std::vector<int> pids = meeting.await(2);
  // The one that is our child is the worker.
  siginfo_t info{};
  const bool first =
      waitid(P_PID, static_cast<id_t>(pids[0]), &info, WEXITED | WNOHANG | WNOWAIT) == 0;
  const int worker = pids[first ? 0 : 1], grandchild = pids[first ? 1 : 0];
  kill(worker, SIGKILL);
  EXPECT_EQ(death_of(victim).pid(), worker);
  EXPECT_EQ(kill(grandchild, 0), 0) << "it still lives, and holds the channel";
  kill(grandchild, SIGKILL);
}

TEST_F(WorkerDeath, a_child_that_runs_out_of_the_tasks_function_sends_no_second_reply) {
  for (int i = 0; i < 10; ++i) {
    const bool in_parent = pool.submit([] {
                                 const int child = fork();
                                 if (child > 0) waitpid(child, nullptr, 0);
                                 return child > 0;
                               })
                               .get();
    EXPECT_TRUE(in_parent);
  }
}

TEST(WorkerDeathUnseen, a_program_that_ignores_sigchld_still_learns_of_deaths) {
  struct sigaction ignore {
  }, before{};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGCHLD, &ignore, &before);
  {
    Executor pool({.workers = 1});
    Meeting meeting;
    Future<void> victim = pool.submit(meet_and_sleep, meeting.folder());
    kill(meeting.await(), SIGKILL);
    try {
      victim.get();
      FAIL();
    } catch (const TerminatedWorkerError& error) {
      // Kernels from 6.15 on keep the status. Older ones cannot report it, and then it is not
      // guessed.
      if (error.signal()) {
        EXPECT_EQ(error.signal(), SIGKILL);
      } else {
        EXPECT_EQ(error.cause(), Cause::kUnknown);
        EXPECT_EQ(error.exit_code(), std::nullopt);
      }
    }
    EXPECT_EQ(pool.submit(twice, 2).get(), 4);
  }
  sigaction(SIGCHLD, &before, nullptr);
}

TEST(WorkerDeathStress, workers_that_keep_dying_lose_no_future_of_others) {
  Executor pool({.workers = 3});
  std::vector<Future<int>> good;
  std::vector<Future<void>> bad;
  for (int i = 0; i < 60; ++i) {
    if (i % 4 == 0) bad.push_back(pool.submit([] { raise(SIGKILL); }));
    good.push_back(pool.submit(twice, i));
  }
  for (int i = 0; i < 60; ++i) EXPECT_EQ(good[static_cast<std::size_t>(i)].get(), 2 * i);
  for (Future<void>& future : bad) EXPECT_THROW(future.get(), TerminatedWorkerError);
}

}  // namespace
}  // namespace poolproof
