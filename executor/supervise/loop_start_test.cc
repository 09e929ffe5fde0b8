// Tests of the loop: workers that start late or not at all, that take no task, and spawns that
// fail.
#include <gtest/gtest.h>
#include <signal.h>

#include "executor/supervise/loop_world.h"

namespace poolproof::supervise {
namespace {

bool names(const Failure& failure, const char* what) {
  return failure.text.find(what) != std::string::npos;
}

TEST_F(Loop1, a_worker_that_says_no_hello_in_time_is_killed_and_replaced) {
  submit(1);
  EXPECT_EQ(os.woke_until(), os.now() + 30s);
  pass(29s);
  EXPECT_FALSE(os.worker(0).killed);
  pass(1s);
  EXPECT_TRUE(os.worker(0).killed);
  ASSERT_EQ(os.spawned(), 2u);
  EXPECT_TRUE(open(1));
  says(1, FrameKind::kHello);
  says(1, FrameKind::kClaim, 1);
  says(1, FrameKind::kValue, 1, bytes("late"));
  EXPECT_EQ(outcome(1), Outcome(bytes("late")));
  EXPECT_EQ(os.woke_until(), std::nullopt) << "an idle pool is not timed";
}

TEST_F(Loop1, three_workers_that_say_no_hello_end_the_pool_and_the_last_is_named) {
  submit(1);
  os.worker(0).frozen = true;
  pass(30s);
  pass(30s);
  pass(100ms);
  ASSERT_EQ(os.spawned(), 3u);
  os.worker(2).frozen = true;
  pass(30s);
  EXPECT_EQ(failure(1).kind, FailureKind::kSpawn);
  EXPECT_EQ(failure(1).cause, Cause::kFrozen);
  EXPECT_TRUE(names(failure(1), "found stopped")) << failure(1).text;
  EXPECT_TRUE(names(failure(1), "say hello within 30 s")) << failure(1).text;
}

TEST_F(Loop1, a_worker_that_takes_no_task_is_killed_and_the_task_goes_to_another) {
  one_busy_worker();
  says(0, FrameKind::kValue, 1);
  submit(2);
  os.worker(0).frozen = true;
  EXPECT_EQ(os.woke_until(), os.now() + 30s);
  pass(30s);
  EXPECT_TRUE(os.worker(0).killed);
  EXPECT_TRUE(open(2));
  ASSERT_EQ(os.spawned(), 2u);
  says(1, FrameKind::kHello);
  EXPECT_EQ(os.heard(1), (Frame{FrameKind::kOffer, 2, bytes("work2")}));
  says(1, FrameKind::kClaim, 2);
  EXPECT_EQ(os.woke_until(), std::nullopt) << "a task that runs is not timed";
}

TEST_F(Loop1, a_claim_that_was_written_before_the_kill_of_a_late_worker_is_heard) {
  submit(1);
  says(0, FrameKind::kHello);
  os.worker(0).traced = true;
  os.worker(0).frozen = true;
  pass(30s);
  says(0, FrameKind::kClaim, 1);
  os.worker(0).traced = false;
  ends(0, Signaled{SIGKILL, false});
  EXPECT_EQ(failure(1).kind, FailureKind::kWorkerLost);
  EXPECT_EQ(failure(1).cause, Cause::kFrozen);
  EXPECT_TRUE(failure(1).started);
}

TEST_F(Loop1, a_worker_that_gives_no_task_back_is_killed_in_the_same_time) {
  submit(1);
  says(0, FrameKind::kHello);
  pass(20s);
  asks(CancelAsked{1});
  pass(10s);
  EXPECT_TRUE(os.worker(0).killed);
  EXPECT_EQ(failure(1).kind, FailureKind::kCancelled);
}

TEST_F(Loop1, a_late_worker_that_died_by_itself_is_not_called_late) {
  submit(1);
  os.worker(0).traced = true;
  pass(30s);
  os.worker(0).traced = false;
  ends(0, Signaled{SIGSEGV, false});
  ends(1, Signaled{SIGSEGV, false});
  pass(100ms);
  ends(2, Signaled{SIGSEGV, false});
  EXPECT_EQ(failure(1).cause, Cause::kSelf);
}

TEST_F(Loop1, the_second_loss_in_a_row_makes_a_pause_and_a_claim_ends_the_row) {
  submit(1);
  ends(0, Exited{7});
  EXPECT_EQ(os.spawned(), 2u) << "the first is tried again at once";
  ends(1, Exited{7});
  EXPECT_EQ(os.spawned(), 2u);
  EXPECT_EQ(os.woke_until(), os.now() + 100ms);
  pass(99ms);
  EXPECT_EQ(os.spawned(), 2u);
  pass(1ms);
  ASSERT_EQ(os.spawned(), 3u);
  says(2, FrameKind::kHello);
  says(2, FrameKind::kClaim, 1);
  says(2, FrameKind::kValue, 1);
  ends(2, Exited{7});
  submit(2);
  ends(3, Exited{7});
  EXPECT_EQ(os.spawned(), 5u) << "the row begins anew";
}

TEST_F(Loop2, the_pauses_grow_while_others_work_and_the_pool_goes_on) {
  one_busy_worker();
  TaskId running = 1;
  submit(100);
  std::chrono::nanoseconds paused{0};
  for (std::size_t n = 1; n <= 12; ++n) {
    ends(n, Exited{7});
    if (os.spawned() == n + 1) {
      paused = *os.woke_until() - os.now();
      pass(paused);
    }
    ASSERT_EQ(os.spawned(), n + 2) << n;
    const TaskId next = running == 1 ? 100 : running + 1;
    says(0, FrameKind::kValue, running);  // so that a row of losses does not end the pool
    submit(next + 1);
    says(0, FrameKind::kClaim, next);
    running = next;
  }
  EXPECT_EQ(paused, 5s);
  EXPECT_TRUE(recorder.ends.empty());
}

TEST_F(Loop1, a_failing_spawn_is_tried_again_after_growing_pauses_and_then_named) {
  for (int i = 0; i < 6; ++i) os.fail_next_spawn({"clone", ENOMEM});
  submit(1);
  std::vector<std::chrono::nanoseconds> pauses;
  while (open(1) && pauses.size() < 10) {
    ASSERT_TRUE(os.woke_until());
    pauses.push_back(*os.woke_until() - os.now());
    pass(pauses.back());
  }
  EXPECT_EQ(pauses, (std::vector<std::chrono::nanoseconds>{100ms, 200ms, 400ms, 800ms}));
  EXPECT_EQ(failure(1).kind, FailureKind::kSpawn);
  EXPECT_TRUE(names(failure(1), "tried 6 times: clone: Cannot allocate memory")) << failure(1).text;
  EXPECT_EQ(os.spawned(), 0u);
}

TEST_F(Loop2, spawns_that_fail_together_count_once) {
  for (int i = 0; i < 10; ++i) os.fail_next_spawn({"clone", EAGAIN});
  inbox.put(TaskSubmitted{2, nullptr, {}});
  submit(1);
  for (const auto pause : {100ms, 200ms, 400ms}) {
    EXPECT_TRUE(open(1));
    pass(pause);
  }
  EXPECT_TRUE(recorder.ends.empty()) << "ten failures were five tries";
  pass(800ms);
  EXPECT_EQ(os.spawned(), 2u);
}

TEST_F(Loop1, a_spawn_that_works_again_ends_the_row_of_failures) {
  for (int i = 0; i < 5; ++i) os.fail_next_spawn({"clone", EAGAIN});
  submit(1);
  for (const auto pause : {100ms, 200ms, 400ms, 800ms}) pass(pause);
  ASSERT_EQ(os.spawned(), 1u);
  says(0, FrameKind::kHello);
  says(0, FrameKind::kClaim, 1);
  says(0, FrameKind::kValue, 1);
  ends(0, Exited{0});
  for (int i = 0; i < 2; ++i) os.fail_next_spawn({"clone", EAGAIN});
  submit(2);
  EXPECT_EQ(os.woke_until(), os.now() + 100ms);
  EXPECT_TRUE(open(2));
}

}  // namespace
}  // namespace poolproof::supervise
