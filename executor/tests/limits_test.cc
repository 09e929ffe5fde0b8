// A running task is cancelled, runs too long, or runs again: with real processes.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <string>

#include "executor/tests/meeting.h"
#include "poolproof/executor.h"

namespace poolproof {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

TEST(CancelRunning, ends_the_task_with_its_worker_and_no_other) {
  Executor pool({.workers = 2});
  Meeting meeting, other;
  Future<void> endless = pool.submit(meet_and_loop, meeting.folder());
  const int pid = meeting.await();
  Future<int> bystander = pool.submit(meet_and_return, other.folder(), 7);
  other.await();
  endless.cancel({.running = Running::kKill});
  try {
    endless.get();
    FAIL();
  } catch (const CancelledError& error) {
    EXPECT_TRUE(error.started());
    EXPECT_EQ(error.failure().worker.pid, pid);
  }
  other.let_go();
  EXPECT_EQ(bystander.get(), 7);
  EXPECT_EQ(pool.submit([] { return 1; }).get(), 1);
}

TEST(CancelRunning, without_the_wish_to_kill_lets_it_run_on) {
  Executor pool({.workers = 1});
  Meeting meeting;
  Future<int> running = pool.submit(meet_and_return, meeting.folder(), 7);
  meeting.await();
  running.cancel();
  meeting.let_go();
  EXPECT_EQ(running.get(), 7);
}

TEST(RunLimit, ends_a_task_that_runs_longer) {
  Executor pool({.workers = 1});
  Meeting meeting;
  Future<void> endless = pool.submit({.run_limit = 200ms}, meet_and_loop, meeting.folder());
  EXPECT_THROW(endless.get(), DeadlineError);
  EXPECT_TRUE(ends_within(meeting.await(), 60'000));
  EXPECT_EQ(pool.submit([] { return 1; }).get(), 1);
}

// Dies until so many have tried.
int survive_the(int turn, std::string folder) {
  const std::string file = folder + "/runs";
  std::ofstream(file, std::ios::app) << 'x';
  std::ifstream in(file);
  const std::string runs{std::istreambuf_iterator<char>(in), {}};
  if (static_cast<int>(runs.size()) < turn) raise(SIGKILL);
  return static_cast<int>(runs.size());
}

class Retry : public testing::Test {
 protected:
  Retry() {
    char name[] = "/tmp/poolproof-test-XXXXXX";
    folder_ = mkdtemp(name);
  }
  ~Retry() override {
    unlink((folder_ + "/runs").c_str());
    rmdir(folder_.c_str());
  }
  std::string folder_;
};

TEST_F(Retry, of_a_task_that_may_run_again_gives_its_value) {
  Executor pool({.workers = 1});
  EXPECT_EQ(pool.submit({.retries = 2}, survive_the, 3, folder_).get(), 3);
}

TEST_F(Retry, ends_with_the_last_death_when_the_number_is_used_up) {
  Executor pool({.workers = 1});
  EXPECT_THROW(pool.submit({.retries = 1}, survive_the, 3, folder_).get(), TerminatedWorkerError);
  EXPECT_EQ(pool.submit(survive_the, 3, folder_).get(), 3) << "it ran twice, and no more";
}

}  // namespace
}  // namespace poolproof
