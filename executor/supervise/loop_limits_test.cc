// Tests of the loop: tasks that run too long, that are cancelled while they run, or that may run
// again.
#include <gtest/gtest.h>
#include <signal.h>

#include "executor/supervise/loop_world.h"

namespace poolproof::supervise {
namespace {

const ExitStatus kKilled = Signaled{SIGKILL, false};
const ExitStatus kCrashed = Signaled{SIGSEGV, false};

TEST_F(Loop1, a_run_limit_counts_from_the_claim) {
  submit({.task = 1, .run_limit = 5s});
  pass(20s);
  says(0, FrameKind::kHello);
  says(0, FrameKind::kClaim, 1);
  EXPECT_EQ(os.woke_until(), os.now() + 5s);
  pass(4999ms);
  EXPECT_FALSE(os.worker(0).killed);
  pass(1ms);
  EXPECT_TRUE(os.worker(0).killed);
  EXPECT_EQ(failure(1).kind, FailureKind::kDeadline);
  EXPECT_EQ(failure(1).cause, Cause::kRunLimit);
  EXPECT_EQ(failure(1).intent, Intent::kPolicy);
  EXPECT_TRUE(failure(1).started);
  EXPECT_NE(failure(1).text.find("since its task had run for 5 s (TaskOptions::run_limit)"),
            std::string::npos)
      << failure(1).text;
}

TEST_F(Loop1, a_frozen_worker_is_named_so_at_the_run_limit) {
  one_busy_worker({.task = 1, .run_limit = 5s});
  os.worker(0).frozen = true;
  pass(5s);
  EXPECT_EQ(failure(1).cause, Cause::kFrozen);
}

TEST_F(Loop1, a_task_that_ends_within_its_run_limit_leaves_no_limit_behind) {
  one_busy_worker({.task = 1, .run_limit = 5s});
  says(0, FrameKind::kValue, 1);
  EXPECT_EQ(os.woke_until(), std::nullopt);
  submit(2);
  says(0, FrameKind::kClaim, 2);
  pass(1h);
  EXPECT_FALSE(os.worker(0).killed);
}

TEST_F(Loop1, a_running_task_is_ended_with_its_worker_where_the_cancel_says_so) {
  one_busy_worker();
  submit(2);
  asks(CancelAsked{1, Running::kKill});
  EXPECT_TRUE(os.worker(0).killed);
  EXPECT_EQ(failure(1).kind, FailureKind::kCancelled);
  EXPECT_EQ(failure(1).cause, Cause::kCancelled);
  EXPECT_EQ(failure(1).intent, Intent::kAsked);
  EXPECT_TRUE(failure(1).started);
  says(1, FrameKind::kHello);
  EXPECT_EQ(os.heard(1), (Frame{FrameKind::kOffer, 2, bytes("work2")})) << "the pool goes on";
}

TEST_F(Loop1, a_cancel_that_meets_the_claim_ends_the_task_all_the_same) {
  submit(1);
  says(0, FrameKind::kHello);
  asks(CancelAsked{1, Running::kKill});
  EXPECT_FALSE(os.worker(0).killed) << "perhaps it has not begun";
  says(0, FrameKind::kClaim, 1);
  EXPECT_TRUE(os.worker(0).killed);
  EXPECT_EQ(failure(1).kind, FailureKind::kCancelled);
  EXPECT_TRUE(failure(1).started);
}

TEST_F(Loop1, a_second_cancel_may_ask_for_more_than_the_first) {
  one_busy_worker();
  asks(CancelAsked{1});
  EXPECT_FALSE(os.worker(0).killed);
  asks(CancelAsked{1, Running::kKill});
  EXPECT_EQ(failure(1).kind, FailureKind::kCancelled);
}

TEST_F(Loop1, a_cancelled_task_that_finished_before_the_kill_keeps_its_value) {
  one_busy_worker();
  os.worker(0).traced = true;
  asks(CancelAsked{1, Running::kKill});
  says(0, FrameKind::kValue, 1, bytes("just"));
  EXPECT_EQ(outcome(1), Outcome(bytes("just")));
  os.worker(0).traced = false;
  ends(0, kKilled);
  EXPECT_EQ(outcome(1), Outcome(bytes("just")));
}

TEST_F(Loop1, a_task_that_may_run_again_does_so_as_often_as_it_says) {
  one_busy_worker({.task = 1, .retries = 2});
  for (std::size_t n = 1; n <= 2; ++n) {
    ends(n - 1, kCrashed);
    ASSERT_TRUE(open(1));
    says(n, FrameKind::kHello);
    ASSERT_EQ(os.heard(n), (Frame{FrameKind::kOffer, 1, bytes("work1")}));
    says(n, FrameKind::kClaim, 1);
  }
  ends(2, kCrashed);
  EXPECT_EQ(failure(1).kind, FailureKind::kWorkerLost);
  EXPECT_EQ(failure(1).worker.pid, os.worker(2).pid) << "the last death is told";
  EXPECT_EQ(os.spawned(), 3u);
}

TEST_F(Loop1, a_retry_that_waits_counts_as_started_whatever_ends_it) {
  one_busy_worker({.task = 1, .deadline = os.now() + 10s, .retries = 1});
  ends(0, kCrashed);
  pass(10s);
  EXPECT_EQ(failure(1).kind, FailureKind::kDeadline);
  EXPECT_TRUE(failure(1).started) << "it may have run";
}

TEST_F(Loop1, a_cancelled_task_is_not_run_again) {
  one_busy_worker({.task = 1, .retries = 1});
  asks(CancelAsked{1});
  ends(0, kCrashed);
  EXPECT_EQ(failure(1).kind, FailureKind::kWorkerLost);
}

TEST_F(Loop1, what_we_ended_is_not_run_again) {
  one_busy_worker({.task = 1, .run_limit = 5s, .retries = 1});
  pass(5s);
  EXPECT_EQ(failure(1).kind, FailureKind::kDeadline);
}

TEST_F(Loop1, a_run_limit_counts_anew_for_a_retry) {
  one_busy_worker({.task = 1, .run_limit = 5s, .retries = 1});
  pass(4s);
  ends(0, kCrashed);
  says(1, FrameKind::kHello);
  says(1, FrameKind::kClaim, 1);
  EXPECT_EQ(os.woke_until(), os.now() + 5s);
}

}  // namespace
}  // namespace poolproof::supervise
