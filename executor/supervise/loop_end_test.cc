// Tests of the loop: how tasks end early (deadline, cancel) and how pools end (shutdown).
#include <gtest/gtest.h>
#include <signal.h>

#include "executor/supervise/loop_world.h"

namespace poolproof::supervise {
namespace {

TEST_F(Loop1, a_running_task_is_ended_at_its_deadline_with_its_worker) {
  one_busy_worker(1s);
  EXPECT_EQ(os.woke_until(), os.now() + 1s);
  pass(999ms);
  EXPECT_TRUE(open(1));
  pass(1ms);
  EXPECT_EQ(failure(1).kind, FailureKind::kDeadline);
  EXPECT_TRUE(failure(1).started);
  EXPECT_EQ(failure(1).intent, Intent::kPolicy);
  EXPECT_EQ(failure(1).cause, Cause::kDeadline);
}

TEST_F(Loop1, a_frozen_worker_is_named_so_at_the_deadline) {
  one_busy_worker(1s);
  os.worker(0).frozen = true;
  pass(1s);
  EXPECT_EQ(failure(1).cause, Cause::kFrozen);
}

TEST_F(Loop1, a_queued_task_is_ended_at_its_deadline_and_no_worker_is_killed) {
  one_busy_worker();
  submit(2, 1s);
  pass(1s);
  EXPECT_EQ(failure(2).kind, FailureKind::kDeadline);
  EXPECT_FALSE(failure(2).started);
  EXPECT_FALSE(os.worker(0).killed);
  EXPECT_TRUE(open(1));
}

TEST_F(Loop1, a_task_that_was_offered_and_not_claimed_ends_at_its_deadline_as_not_started) {
  submit(1, 1s);
  says(0, FrameKind::kHello);
  pass(1s);
  EXPECT_TRUE(os.worker(0).killed);
  EXPECT_EQ(failure(1).kind, FailureKind::kDeadline);
  EXPECT_FALSE(failure(1).started);
}

TEST_F(Loop1, a_claim_that_was_written_before_the_kill_is_heard) {
  submit(1, 1s);
  says(0, FrameKind::kHello);
  os.advance(1s);
  os.worker(0).traced = true;  // the kill does not end it at once
  settle_down();
  EXPECT_TRUE(os.worker(0).killed);
  says(0, FrameKind::kClaim, 1);
  os.worker(0).traced = false;
  ends(0, Signaled{SIGKILL, false});
  EXPECT_EQ(failure(1).kind, FailureKind::kDeadline);
  EXPECT_TRUE(failure(1).started);
}

TEST_F(Loop1, a_task_that_finished_before_the_kill_reached_it_keeps_its_value) {
  one_busy_worker(1s);
  os.advance(1s);
  os.worker(0).traced = true;
  settle_down();
  EXPECT_TRUE(os.worker(0).killed);
  says(0, FrameKind::kValue, 1, bytes("just"));
  EXPECT_EQ(outcome(1), Outcome(bytes("just")));
  os.worker(0).traced = false;
  ends(0, Signaled{SIGKILL, false});
  EXPECT_EQ(outcome(1), Outcome(bytes("just")));
}

TEST_F(Loop1, a_reply_to_a_task_that_was_never_claimed_does_not_settle_it_during_a_kill) {
  submit(1, 1s);
  says(0, FrameKind::kHello);
  os.advance(1s);
  os.worker(0).traced = true;
  settle_down();
  says(0, FrameKind::kValue, 1, bytes("made up"));
  EXPECT_TRUE(open(1));
  os.worker(0).traced = false;
  ends(0, Signaled{SIGKILL, false});
  EXPECT_EQ(failure(1).kind, FailureKind::kDeadline);
}

TEST_F(Loop1, a_worker_that_ended_by_itself_was_not_killed_by_the_cancel_that_met_its_claim) {
  submit(1);
  says(0, FrameKind::kHello);
  asks(CancelAsked{1, Running::kKill});
  os.say(0, FrameKind::kClaim, 1);
  ends(0, Signaled{SIGSEGV, false});
  EXPECT_FALSE(os.worker(0).killed);
  EXPECT_EQ(failure(1).kind, FailureKind::kWorkerLost);
  EXPECT_EQ(failure(1).exit, ExitStatus(Signaled{SIGSEGV, false}));
}

TEST_F(Loop1, a_queued_task_is_cancelled_at_once) {
  one_busy_worker();
  submit(2);
  asks(CancelAsked{2});
  EXPECT_EQ(failure(2).kind, FailureKind::kCancelled);
  says(0, FrameKind::kValue, 1);
  EXPECT_EQ(os.heard(0), std::nullopt);
}

TEST_F(Loop1, a_running_task_is_not_cancelled) {
  one_busy_worker();
  asks(CancelAsked{1});
  EXPECT_EQ(os.heard(0), std::nullopt) << "the claim is known, there is nothing to ask";
  says(0, FrameKind::kValue, 1, bytes("done"));
  EXPECT_EQ(outcome(1), Outcome(bytes("done")));
}

TEST_F(Loop1, an_offered_task_is_asked_back_and_cancelled_if_the_worker_gives_it_back) {
  submit(1);
  submit(2);
  says(0, FrameKind::kHello);
  os.heard(0);
  asks(CancelAsked{1});
  asks(CancelAsked{1});
  EXPECT_EQ(os.heard(0), (Frame{FrameKind::kWithdraw, 1, {}}));
  EXPECT_EQ(os.heard(0), std::nullopt) << "it is asked once";
  EXPECT_TRUE(open(1)) << "the parent never takes back by itself what it has sent";
  says(0, FrameKind::kWithdrawn, 1);
  EXPECT_EQ(failure(1).kind, FailureKind::kCancelled);
  EXPECT_EQ(os.heard(0), (Frame{FrameKind::kOffer, 2, bytes("work2")}));
}

TEST_F(Loop1, an_offered_task_that_was_claimed_before_it_was_asked_back_runs_on) {
  submit(1);
  says(0, FrameKind::kHello);
  asks(CancelAsked{1});
  says(0, FrameKind::kClaim, 1);
  EXPECT_TRUE(open(1));
  says(0, FrameKind::kValue, 1, bytes("done"));
  EXPECT_EQ(outcome(1), Outcome(bytes("done")));
}

TEST_F(Loop1, a_task_that_was_asked_back_is_cancelled_if_its_worker_dies_instead) {
  submit(1);
  says(0, FrameKind::kHello);
  asks(CancelAsked{1});
  ends(0, Signaled{SIGKILL, false});
  EXPECT_EQ(failure(1).kind, FailureKind::kCancelled);
}

TEST_F(Loop2, a_shutdown_drains_then_stops_every_worker_then_finishes) {
  one_busy_worker();
  submit(2);
  submit(3);
  says(1, FrameKind::kHello);
  os.heard(1);
  asks(ShutdownAsked{});
  says(1, FrameKind::kClaim, 2);
  says(1, FrameKind::kValue, 2);
  EXPECT_EQ(os.heard(1), (Frame{FrameKind::kOffer, 3, bytes("work3")}));
  says(1, FrameKind::kClaim, 3);
  says(1, FrameKind::kValue, 3);
  EXPECT_EQ(os.heard(1), (Frame{FrameKind::kStop, 0, {}}));
  EXPECT_EQ(os.heard(0), std::nullopt) << "busy workers are not asked";
  ends(1, Exited{0});
  says(0, FrameKind::kValue, 1);
  EXPECT_EQ(os.heard(0), (Frame{FrameKind::kStop, 0, {}}));
  EXPECT_FALSE(finished);
  ends(0, Exited{0});
  EXPECT_TRUE(finished);
  EXPECT_EQ(os.open_descriptors(), 1u);
}

TEST_F(Loop1, a_worker_that_does_not_stop_in_its_grace_is_killed) {
  one_busy_worker();
  says(0, FrameKind::kValue, 1);
  asks(ShutdownAsked{});
  pass(1999ms);
  EXPECT_FALSE(os.worker(0).killed);
  pass(1ms);
  EXPECT_TRUE(os.worker(0).killed);
  EXPECT_TRUE(finished);
}

TEST_F(Loop1, a_worker_that_hangs_up_while_it_stops_is_only_awaited) {
  one_busy_worker();
  says(0, FrameKind::kValue, 1);
  asks(ShutdownAsked{});
  os.worker(0).hung_up = true;
  settle_down();
  pass(1s);
  EXPECT_FALSE(os.worker(0).killed);
  ends(0, Exited{0});
  EXPECT_TRUE(finished);
}

TEST_F(Loop1, a_worker_that_was_still_starting_stops_too) {
  submit(1);
  asks(CancelAsked{1});
  asks(ShutdownAsked{});
  EXPECT_EQ(os.heard(0), (Frame{FrameKind::kStop, 0, {}}));
  says(0, FrameKind::kHello);
  EXPECT_FALSE(os.worker(0).killed);
  ends(0, Exited{0});
  EXPECT_TRUE(finished);
}

TEST_F(Loop1, a_shutdown_that_cancels_lets_the_running_task_end) {
  one_busy_worker();
  submit(2);
  asks(ShutdownAsked{.pending = Pending::kCancel});
  EXPECT_EQ(failure(2).kind, FailureKind::kCancelled);
  EXPECT_TRUE(open(1));
  says(0, FrameKind::kValue, 1, bytes("done"));
  EXPECT_EQ(outcome(1), Outcome(bytes("done")));
}

TEST_F(Loop1, a_shutdown_that_cancels_asks_back_what_was_offered) {
  submit(1);
  says(0, FrameKind::kHello);
  os.heard(0);
  asks(ShutdownAsked{.pending = Pending::kCancel});
  EXPECT_EQ(os.heard(0), (Frame{FrameKind::kWithdraw, 1, {}}));
  says(0, FrameKind::kWithdrawn, 1);
  EXPECT_EQ(failure(1).kind, FailureKind::kCancelled);
  EXPECT_EQ(os.heard(0), (Frame{FrameKind::kStop, 0, {}}));
}

TEST_F(Loop2, a_shutdown_that_kills_ends_every_future_and_every_worker) {
  one_busy_worker();
  submit(2);
  submit(3);
  asks(ShutdownAsked{.pending = Pending::kDrain, .running = Running::kKill});
  EXPECT_TRUE(finished);
  for (const TaskId task : {1, 2, 3}) EXPECT_EQ(failure(task).kind, FailureKind::kShutdown);
  EXPECT_TRUE(failure(1).started);
  EXPECT_FALSE(failure(2).started);
  EXPECT_EQ(failure(1).intent, Intent::kAsked);
  EXPECT_TRUE(os.worker(0).killed);
  EXPECT_TRUE(os.worker(1).killed);
}

TEST_F(Loop1, the_grace_of_a_shutdown_ends_in_a_kill) {
  one_busy_worker();
  submit(2);
  asks(ShutdownAsked{.until = os.now() + 3s});
  pass(2999ms);
  EXPECT_TRUE(open(1));
  pass(1ms);
  EXPECT_TRUE(finished);
  EXPECT_EQ(failure(1).kind, FailureKind::kShutdown);
  EXPECT_EQ(failure(2).kind, FailureKind::kShutdown);
}

TEST_F(Loop1, a_shutdown_that_kills_starts_no_worker_for_what_a_convict_leaves_unclaimed) {
  one_busy_worker();
  submit(2);
  says(0, FrameKind::kValue, 1);
  os.worker(0).traced = true;  // so that the shutdown comes between violation and exit
  says(0, FrameKind::kHello);
  asks(ShutdownAsked{.running = Running::kKill});
  os.worker(0).traced = false;
  ends(0, Signaled{SIGKILL, false});
  EXPECT_EQ(failure(2).kind, FailureKind::kShutdown);
  EXPECT_EQ(os.spawned(), 1u);
  EXPECT_TRUE(finished);
}

TEST_F(Loop1, a_second_shutdown_hastens_the_first) {
  one_busy_worker();
  asks(ShutdownAsked{});
  EXPECT_TRUE(open(1));
  asks(ShutdownAsked{.running = Running::kKill});
  EXPECT_TRUE(finished);
  EXPECT_EQ(failure(1).kind, FailureKind::kShutdown);
}

}  // namespace
}  // namespace poolproof::supervise
