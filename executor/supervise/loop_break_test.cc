// Tests of the loop, in a pool that breaks with its first death (OnDeath::kBreakPool).
#include <gtest/gtest.h>
#include <signal.h>

#include "executor/supervise/loop_world.h"

namespace poolproof::supervise {
namespace {

class Breaking : public World {
 protected:
  Breaking() : World(SupervisorOptions{.workers = 2, .on_death = OnDeath::kBreakPool}) {}

  // Worker 0 runs task 1, worker 1 runs task 2, task 3 waits.
  void two_busy_workers() {
    one_busy_worker();
    submit(2);
    says(1, FrameKind::kHello);
    says(1, FrameKind::kClaim, 2);
    submit(3);
  }
  void is_broken_by_worker_0(TaskId task) {
    EXPECT_EQ(failure(task).kind, FailureKind::kPoolBroken);
    EXPECT_EQ(failure(task).task, task);
    EXPECT_EQ(failure(task).worker, (WorkerRef{0, 1000}));
    EXPECT_EQ(failure(task).exit, ExitStatus(Signaled{SIGSEGV, false}));
    EXPECT_NE(failure(task).text.find("worker 0 (pid 1000) was ended by SIGSEGV"),
              std::string::npos)
        << failure(task).text;
  }
};

TEST_F(Breaking, one_death_ends_every_task_and_only_the_guilty_ones_is_called_lost) {
  two_busy_workers();
  ends(0, Signaled{SIGSEGV, false});
  EXPECT_EQ(failure(1).kind, FailureKind::kWorkerLost);
  EXPECT_TRUE(os.worker(1).killed);
  is_broken_by_worker_0(2);
  EXPECT_TRUE(failure(2).started);
  is_broken_by_worker_0(3);
  EXPECT_FALSE(failure(3).started);
  ASSERT_EQ(recorder.ends.size(), 1u);
  EXPECT_EQ(recorder.ends.front().kind, FailureKind::kPoolBroken);
  submit(4);
  is_broken_by_worker_0(4);
  EXPECT_EQ(os.spawned(), 2u) << "nobody is replaced";
}

TEST_F(Breaking, the_task_that_was_not_claimed_is_not_guilty) {
  submit(1);
  says(0, FrameKind::kHello);
  ends(0, Signaled{SIGSEGV, false});
  is_broken_by_worker_0(1);
  EXPECT_FALSE(failure(1).started);
  EXPECT_EQ(os.spawned(), 1u);
}

TEST_F(Breaking, an_idle_worker_that_dies_breaks_it_too) {
  one_busy_worker();
  says(0, FrameKind::kValue, 1);
  ends(0, Signaled{SIGSEGV, false});
  submit(2);
  is_broken_by_worker_0(2);
}

TEST_F(Breaking, a_reply_that_was_written_before_the_kill_is_still_a_value) {
  two_busy_workers();
  os.worker(1).traced = true;  // the kill does not end it at once
  ends(0, Signaled{SIGSEGV, false});
  EXPECT_TRUE(os.worker(1).killed);
  says(1, FrameKind::kValue, 2, bytes("just"));
  EXPECT_EQ(outcome(2), Outcome(bytes("just")));
  os.worker(1).traced = false;
  ends(1, Signaled{SIGKILL, false});
  EXPECT_EQ(outcome(2), Outcome(bytes("just")));
}

TEST_F(Breaking, two_that_crash_together_are_both_named) {
  two_busy_workers();
  os.end(1, Signaled{SIGBUS, false});
  ends(0, Signaled{SIGSEGV, false});
  EXPECT_EQ(failure(1).kind, FailureKind::kWorkerLost);
  EXPECT_EQ(failure(2).kind, FailureKind::kWorkerLost);
  EXPECT_EQ(failure(2).exit, ExitStatus(Signaled{SIGBUS, false}));
  is_broken_by_worker_0(3);
}

TEST_F(Breaking, two_that_are_killed_together_are_both_named_since_neither_kill_is_ours) {
  two_busy_workers();
  os.end(1, Signaled{SIGKILL, false});
  ends(0, Signaled{SIGSEGV, false});
  EXPECT_EQ(failure(2).kind, FailureKind::kWorkerLost);
  EXPECT_EQ(failure(2).worker, (WorkerRef{1, 1001}));
  EXPECT_FALSE(os.worker(1).killed);
  is_broken_by_worker_0(3);
}

TEST_F(Breaking, one_that_is_killed_while_the_death_of_another_is_told_is_named_too) {
  two_busy_workers();
  recorder.on_settle = [this] { os.end(1, Signaled{SIGKILL, false}); };
  ends(0, Signaled{SIGSEGV, false});
  EXPECT_EQ(failure(2).kind, FailureKind::kWorkerLost);
  EXPECT_FALSE(os.worker(1).killed);
  EXPECT_EQ(os.worker(1).reaped, 1);
}

TEST_F(Breaking, a_worker_that_ends_as_we_asked_breaks_nothing) {
  two_busy_workers();
  asks(ResizeAsked{1});
  says(1, FrameKind::kValue, 2);
  ends(1, Exited{0});
  EXPECT_TRUE(recorder.ends.empty());
  EXPECT_TRUE(open(1));
}

TEST_F(Breaking, a_deadline_ends_its_task_and_breaks_nothing) {
  one_busy_worker(1s);
  pass(1s);
  EXPECT_EQ(failure(1).kind, FailureKind::kDeadline);
  EXPECT_TRUE(recorder.ends.empty());
  submit(2);
  EXPECT_EQ(os.spawned(), 2u);
}

TEST_F(Breaking, a_task_that_may_run_again_is_still_the_guilty_one) {
  one_busy_worker({.task = 1, .retries = 3});
  ends(0, Signaled{SIGSEGV, false});
  EXPECT_EQ(failure(1).kind, FailureKind::kWorkerLost);
  EXPECT_EQ(os.spawned(), 1u);
}

TEST_F(Breaking, a_shutdown_of_a_broken_pool_finishes) {
  two_busy_workers();
  ends(0, Signaled{SIGSEGV, false});
  asks(ShutdownAsked{});
  EXPECT_TRUE(finished);
  EXPECT_EQ(os.open_descriptors(), 1u);
}

}  // namespace
}  // namespace poolproof::supervise
