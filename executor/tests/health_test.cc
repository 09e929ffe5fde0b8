// What a pool reports about itself, and where a worker's stderr goes: with real processes.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <string>

#include "executor/tests/meeting.h"
#include "poolproof/executor.h"

namespace poolproof {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

TEST(PoolHealth, tells_what_is_and_what_was) {
  Executor pool({.workers = 2});
  EXPECT_EQ(pool.health().workers_wanted, 2);
  EXPECT_EQ(pool.health().spawned, 0u);
  Meeting meeting;
  Future<int> running = pool.submit(meet_and_return, meeting.folder(), 7);
  meeting.await();
  EXPECT_THROW(pool.submit([] { raise(SIGKILL); }).get(), TerminatedWorkerError);
  const Health now = pool.health();
  EXPECT_EQ(now.busy, 1);
  EXPECT_EQ(now.ended_by(Cause::kSelf), 1u);
  meeting.let_go();
  running.get();
  pool.shutdown();
  const Health last = pool.health();
  EXPECT_EQ(last.settled, 2u);
  EXPECT_EQ(last.idle + last.busy + last.starting + last.ending, 0);
}

void complain_and_die() {
  std::fputs("the disk is full\n", stderr);
  raise(SIGABRT);
}

TEST(WorkerStderr, comes_with_the_error_where_it_is_asked_for) {
  Executor pool({.workers = 1, .worker_stderr = Stderr::kTail});
  try {
    pool.submit(complain_and_die).get();
    FAIL();
  } catch (const TerminatedWorkerError& error) {
    EXPECT_EQ(error.failure().stderr_tail, "the disk is full\n");
    EXPECT_NE(std::string(error.what()).find("the disk is full"), std::string::npos);
  }
}

TEST(WorkerStderr, that_floods_holds_up_nobody) {
  Executor pool({.workers = 2, .worker_stderr = Stderr::kTail});
  Future<void> flood = pool.submit([] {
    for (int i = 0; i < 100'000; ++i) std::fputs("water, water everywhere\n", stderr);
    raise(SIGKILL);
  });
  for (int i = 0; i < 20; ++i) EXPECT_EQ(pool.submit([](int x) { return x; }, i).get(), i);
  try {
    flood.get();
    FAIL();
  } catch (const TerminatedWorkerError& error) {
    EXPECT_LE(error.failure().stderr_tail.size(), 4096u);
    EXPECT_GE(error.failure().stderr_tail.size(), 4000u);
  }
}

TEST(WorkerStderr, is_the_programs_by_default) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const int saved = dup(STDERR_FILENO);
  dup2(ends[1], STDERR_FILENO);
  {
    Executor pool({.workers = 1});
    pool.submit([] { std::fputs("for all to see", stderr); }).get();
  }
  dup2(saved, STDERR_FILENO);
  close(saved);
  close(ends[1]);
  char text[64] = "";
  EXPECT_EQ(read(ends[0], text, sizeof(text) - 1), 14);
  EXPECT_STREQ(text, "for all to see");
  close(ends[0]);
}

}  // namespace
}  // namespace poolproof
