// The executor in other programs: what the program does to it, and what tasks do.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "executor/tests/meeting.h"
#include "poolproof/executor.h"

namespace poolproof {
namespace {

using namespace testing_support;

int twice(int x) { return 2 * x; }

// The exit code of a fork of this program that does `what`; 0: every call in it threw as it should.
int in_a_fork(const std::function<bool()>& what) {
  const pid_t child = fork();
  if (child == 0) _exit(what() ? 0 : 1);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return status;
}

bool throws_shutdown(const std::function<void()>& what) {
  try {
    what();
  } catch (const ShutdownExecutorError&) {
    return true;
  }
  return false;
}

class Forked : public testing::Test {
 protected:
  Forked() : running_(pool_.submit(meet_and_return, meeting_.folder(), 7)) { meeting_.await(); }
  ~Forked() override {
    meeting_.let_go();
    EXPECT_EQ(running_.get(), 7) << "the child has disturbed nothing";
    EXPECT_EQ(pool_.submit(twice, 2).get(), 4);
  }
  Meeting meeting_;
  Executor pool_{{.workers = 1}};
  Future<int> running_;
};

TEST_F(Forked, a_child_that_waits_for_a_pending_future_is_told_at_once) {
  EXPECT_EQ(in_a_fork([this] {
              return throws_shutdown([this] { running_.wait(); }) &&
                     throws_shutdown([this] { running_.get(); });
            }),
            0);
}

TEST_F(Forked, a_child_has_the_futures_that_were_ready) {
  Executor other({.workers = 1});
  Future<int> ready = other.submit(twice, 4);
  ready.wait();
  EXPECT_EQ(in_a_fork([&ready] { return ready.get() == 8; }), 0);
}

TEST_F(Forked, a_child_that_uses_the_pool_in_any_way_is_told) {
  EXPECT_EQ(in_a_fork([this] {
              running_.cancel({.running = Running::kKill});  // sends no request
              return throws_shutdown([this] { std::ignore = pool_.submit(twice, 1); }) &&
                     throws_shutdown([this] { pool_.shutdown({.running = Running::kKill}); }) &&
                     throws_shutdown([this] { static_cast<void>(pool_.health()); }) &&
                     throws_shutdown([this] { static_cast<void>(running_.then([](int) {})); });
            }),
            0);
}

TEST_F(Forked, a_child_that_drops_what_it_was_left_ends_as_it_likes) {
  EXPECT_EQ(in_a_fork([this] {
              running_ = Future<int>();
              pool_.~Executor();
              return true;
            }),
            0);
}

TEST(Neighbours, a_program_that_blocks_all_signals_has_workers_all_the_same) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  {
    Executor pool({.workers = 1});
    EXPECT_THROW(pool.submit([] { raise(SIGTERM); }).get(), TerminatedWorkerError);
    EXPECT_EQ(pool.submit(twice, 2).get(), 4);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

// What the library keeps for each thread is taken out of its stack.
TEST(Neighbours, a_program_may_have_threads_with_the_smallest_stacks) {
  for (const std::size_t size : {std::size_t{PTHREAD_STACK_MIN}, std::size_t{32} << 10}) {
    pthread_attr_t small;
    pthread_attr_init(&small);
    ASSERT_EQ(pthread_attr_setstacksize(&small, size), 0);
    pthread_t thread{};
    const auto nothing = [](void*) -> void* { return nullptr; };
    ASSERT_EQ(pthread_create(&thread, &small, nothing, nullptr), 0) << size;
    EXPECT_EQ(pthread_join(thread, nullptr), 0);
    pthread_attr_destroy(&small);
  }
}

TEST(Neighbours, a_program_that_waits_for_any_child_loses_no_future) {
  std::atomic<bool> over = false;
  std::thread reaper([&over] {
    while (!over) waitpid(-1, nullptr, WNOHANG);
  });
  {
    Executor pool({.workers = 2});
    for (int i = 0; i < 20; ++i) {
      Future<void> dies = pool.submit([] { raise(SIGKILL); });
      EXPECT_EQ(pool.submit(twice, i).get(), 2 * i);
      try {
        dies.get();
        ADD_FAILURE();
      } catch (const TerminatedWorkerError& error) {
        // The faster one has the status, or the kernel has kept it; it is never guessed.
        const bool known = error.signal() == SIGKILL;
        EXPECT_TRUE(known || error.cause() == Cause::kUnknown) << error.what();
      }
    }
  }
  over = true;
  reaper.join();
}

TEST(Tasks, that_change_their_process_change_no_other_and_leave_theirs_usable) {
  Executor pool({.workers = 1});
  const std::string here = std::filesystem::current_path();
  const int pid = pool.submit([] {
                        std::filesystem::current_path("/");
                        umask(077);
                        setpriority(PRIO_PROCESS, 0, 19);
                        sigset_t all;
                        sigfillset(&all);
                        pthread_sigmask(SIG_BLOCK, &all, nullptr);
                        signal(SIGTERM, SIG_IGN);
                        return getpid();
                      })
                      .get();
  EXPECT_EQ(pool.submit(getpid).get(), pid);
  EXPECT_EQ(pool.submit([] { return std::filesystem::current_path().string(); }).get(), "/")
      << "it stays as the task left it, until the worker ends";
  EXPECT_EQ(std::filesystem::current_path(), here);
  kill(pid, SIGKILL);
  EXPECT_TRUE(ends_within(pid, 60'000));
  EXPECT_EQ(pool.submit([] { return std::filesystem::current_path().string(); }).get(), here)
      << "a new worker starts as the program is";
}

TEST(Tasks, that_become_daemons_end_their_worker_and_only_that) {
  Executor pool({.workers = 1});
  Meeting meeting;
  Future<int> daemonised = pool.submit(
      [](std::string folder) {
        if (fork() != 0) _exit(0);  // as daemon(3) does
        setsid();
        meet(folder);
        return 1;  // in the daemon, which is no worker
      },
      meeting.folder());
  const int daemon = meeting.await();
  try {
    daemonised.get();
    FAIL();
  } catch (const TerminatedWorkerError& error) {
    EXPECT_EQ(error.exit_code(), 0);
    EXPECT_NE(error.pid(), daemon);
  }
  EXPECT_EQ(pool.submit(twice, 2).get(), 4);
  meeting.let_go();
  EXPECT_TRUE(ends_within(daemon, 60'000));
}

void print_in_turn(int turn) {
  switch (turn % 3) {
    case 0:
      std::printf("%d\n", turn);
      break;
    case 1:
      std::cout << turn << "\n";
      break;
    default:
      std::puts(std::to_string(turn).c_str());
  }
}

TEST(Tasks, that_print_lose_nothing_and_keep_their_order) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  std::fflush(stdout);
  const int saved = dup(STDOUT_FILENO);
  dup2(ends[1], STDOUT_FILENO);
  {
    Executor pool({.workers = 1, .tasks_per_worker = 30});
    for (int i = 0; i < 100; ++i) pool.submit(print_in_turn, i).get();
  }
  dup2(saved, STDOUT_FILENO);
  close(saved);
  close(ends[1]);
  std::string printed, expected;
  char some[1024];
  for (ssize_t size; (size = read(ends[0], some, sizeof(some))) > 0;) {
    printed.append(some, static_cast<std::size_t>(size));
  }
  close(ends[0]);
  for (int i = 0; i < 100; ++i) expected += std::to_string(i) + "\n";
  EXPECT_EQ(printed, expected);
}

}  // namespace
}  // namespace poolproof
