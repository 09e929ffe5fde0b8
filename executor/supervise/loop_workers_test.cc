// Tests of the loop: how many workers there are, and when a worker without a task must end.
#include <gtest/gtest.h>
#include <signal.h>

#include "executor/supervise/loop_world.h"

namespace poolproof::supervise {
namespace {

const Frame kStopped{FrameKind::kStop, 0, {}};

// Workers 0 and 1 have started; 0 runs task 1, and 1 has ended task 2.
class OneBusyOneIdle : public Loop2 {
 protected:
  OneBusyOneIdle() {
    one_busy_worker();
    submit(2);
    says(1, FrameKind::kHello);
    says(1, FrameKind::kClaim, 2);
    says(1, FrameKind::kValue, 2);
    os.heard(1);
  }
};

TEST_F(OneBusyOneIdle, a_smaller_pool_stops_the_idle_worker_beyond_its_size) {
  asks(ResizeAsked{1});
  EXPECT_EQ(os.heard(1), kStopped);
  EXPECT_EQ(os.heard(0), std::nullopt);
  ends(1, Exited{0});
  submit(3);
  EXPECT_EQ(os.spawned(), 2u) << "there is one worker now, and it is busy";
  says(0, FrameKind::kValue, 1);
  EXPECT_EQ(os.heard(0), (Frame{FrameKind::kOffer, 3, bytes("work3")}));
}

TEST_F(OneBusyOneIdle, a_larger_pool_starts_workers_as_tasks_need_them) {
  asks(ResizeAsked{4});
  EXPECT_EQ(os.spawned(), 2u);
  submit(3);
  submit(4);
  EXPECT_EQ(os.spawned(), 3u) << "the idle one takes the first";
  EXPECT_EQ(os.worker(2).index, 2);
}

TEST_F(OneBusyOneIdle, a_pool_that_grows_again_waits_until_the_place_is_free) {
  asks(ResizeAsked{1});
  asks(ResizeAsked{2});
  submit(3);
  EXPECT_EQ(os.spawned(), 2u) << "the one that was asked to stop still lives";
  ends(1, Exited{0});
  ASSERT_EQ(os.spawned(), 3u);
  EXPECT_EQ(os.worker(2).index, 1);
}

TEST_F(Loop2, a_busy_worker_beyond_the_size_ends_its_task_first_and_takes_no_other) {
  submit(1);
  submit(2);
  says(1, FrameKind::kHello);
  says(1, FrameKind::kClaim, 1);
  ends(0, Signaled{SIGKILL, false});  // place 0 is empty, place 1 is busy
  says(2, FrameKind::kHello);
  says(2, FrameKind::kClaim, 2);
  says(2, FrameKind::kValue, 2);
  ends(2, Exited{0});
  os.heard(1);
  asks(ResizeAsked{1});
  submit(3);
  EXPECT_EQ(os.heard(1), std::nullopt) << "a busy worker is not asked to stop";
  EXPECT_EQ(os.spawned(), 3u) << "never more at once than asked for";
  says(1, FrameKind::kValue, 1, bytes("done"));
  EXPECT_EQ(outcome(1), Outcome(bytes("done")));
  EXPECT_EQ(os.heard(1), kStopped) << "it is not given task 3";
  ends(1, Exited{0});
  ASSERT_EQ(os.spawned(), 4u);
  EXPECT_EQ(os.worker(3).index, 0);
  says(3, FrameKind::kHello);
  EXPECT_EQ(os.heard(3), (Frame{FrameKind::kOffer, 3, bytes("work3")}));
}

TEST_F(Loop2, a_worker_that_is_still_starting_is_stopped_by_a_resize_and_its_task_finds_another) {
  submit(1);
  submit(2);
  asks(ResizeAsked{1});
  EXPECT_EQ(os.heard(1), kStopped);
  ends(1, Exited{0});
  says(0, FrameKind::kHello);
  says(0, FrameKind::kClaim, 1);
  says(0, FrameKind::kValue, 1);
  says(0, FrameKind::kClaim, 2);
  says(0, FrameKind::kValue, 2, bytes("both"));
  EXPECT_EQ(outcome(2), Outcome(bytes("both")));
  EXPECT_EQ(os.spawned(), 2u);
}

class Idle : public World {
 protected:
  Idle() : World(SupervisorOptions{.workers = 2, .idle_timeout = 10s, .stop_grace = 2s}) {}
};

TEST_F(Idle, workers_are_asked_to_stop_after_their_time_and_nothing_is_timed_any_more) {
  one_busy_worker();
  EXPECT_EQ(os.woke_until(), std::nullopt) << "a busy worker is not timed";
  says(0, FrameKind::kValue, 1);
  EXPECT_EQ(os.woke_until(), os.now() + 10s);
  pass(9999ms);
  EXPECT_EQ(os.heard(0), std::nullopt);
  pass(1ms);
  EXPECT_EQ(os.heard(0), kStopped);
  ends(0, Exited{0});
  EXPECT_EQ(os.woke_until(), std::nullopt);
  EXPECT_EQ(os.spawned(), 1u);
  submit(2);
  ASSERT_EQ(os.spawned(), 2u) << "the next task starts another";
  EXPECT_EQ(os.worker(1).index, 0);
}

TEST_F(Idle, a_task_that_comes_while_a_worker_stops_goes_to_another) {
  one_busy_worker();
  says(0, FrameKind::kValue, 1);
  pass(10s);
  submit(2);
  ASSERT_EQ(os.spawned(), 2u);
  says(1, FrameKind::kHello);
  EXPECT_EQ(os.heard(1), (Frame{FrameKind::kOffer, 2, bytes("work2")}));
  ends(0, Exited{0});
  EXPECT_TRUE(recorder.ends.empty());
}

TEST_F(Idle, that_ended_as_asked_is_no_death_and_no_loss) {
  for (TaskId task = 1; task <= 5; ++task) {
    submit(task);
    const std::size_t n = task - 1;
    says(n, FrameKind::kHello);
    says(n, FrameKind::kClaim, task);
    says(n, FrameKind::kValue, task);
    pass(10s);
    ends(n, Signaled{SIGSEGV, false});  // however it ended
  }
  EXPECT_TRUE(recorder.ends.empty());
}

class IdleForNoTime : public World {
 protected:
  IdleForNoTime() : World(SupervisorOptions{.workers = 1, .idle_timeout = 0s}) {}
};

TEST_F(IdleForNoTime, workers_still_get_the_task_for_which_they_came_and_all_that_wait) {
  one_busy_worker();
  submit(2);
  says(0, FrameKind::kValue, 1);
  EXPECT_EQ(os.heard(0), (Frame{FrameKind::kOffer, 2, bytes("work2")}));
  says(0, FrameKind::kClaim, 2);
  says(0, FrameKind::kValue, 2);
  EXPECT_EQ(os.heard(0), kStopped);
}

class Recycled : public World {
 protected:
  Recycled() : World(SupervisorOptions{.workers = 1, .tasks_per_worker = 2}) {}
};

TEST_F(Recycled, a_worker_is_replaced_after_so_many_tasks) {
  one_busy_worker();
  submit(2);
  submit(3);
  says(0, FrameKind::kValue, 1);
  says(0, FrameKind::kClaim, 2);
  os.heard(0);
  says(0, FrameKind::kValue, 2, bytes("done"));
  EXPECT_EQ(outcome(2), Outcome(bytes("done")));
  EXPECT_EQ(os.heard(0), kStopped) << "it is not given task 3";
  EXPECT_EQ(os.spawned(), 1u);
  ends(0, Exited{0});
  ASSERT_EQ(os.spawned(), 2u);
  EXPECT_EQ(os.worker(1).index, 0) << "its place is handed on";
  says(1, FrameKind::kHello);
  EXPECT_EQ(os.heard(1), (Frame{FrameKind::kOffer, 3, bytes("work3")}));
}

TEST_F(Recycled, a_task_that_failed_counts_too) {
  one_busy_worker();
  says(0, FrameKind::kFailed, 1, transport::to_bytes(Failure{.text = "e", .type_name = "E"}));
  submit(2);
  says(0, FrameKind::kClaim, 2);
  os.heard(0);
  says(0, FrameKind::kValue, 2);
  EXPECT_EQ(os.heard(0), kStopped);
}

class Growing : public World {
 protected:
  Growing() : World(SupervisorOptions{.workers = 1, .memory_growth = 1000}) {}
};

TEST_F(Growing, a_worker_whose_memory_has_grown_is_replaced_after_its_task) {
  one_busy_worker();
  os.say(0, FrameKind::kMemory, 5000);
  says(0, FrameKind::kValue, 1);
  EXPECT_EQ(os.heard(0), std::nullopt) << "what it held after its first task is no growth";
  submit(2);
  os.heard(0);
  says(0, FrameKind::kClaim, 2);
  says(0, FrameKind::kMemory, 6000);
  EXPECT_EQ(os.heard(0), std::nullopt) << "its task ends first";
  says(0, FrameKind::kValue, 2, bytes("done"));
  EXPECT_EQ(outcome(2), Outcome(bytes("done")));
  EXPECT_EQ(os.heard(0), kStopped);
}

TEST_F(Growing, a_worker_below_the_threshold_stays_though_it_shrinks_and_grows) {
  TaskId task = 1;
  one_busy_worker();
  for (const TaskId held : {5000, 5999, 100, 5999}) {
    os.say(0, FrameKind::kMemory, held);
    says(0, FrameKind::kValue, task);
    submit(++task);
    EXPECT_EQ(os.heard(0)->kind, FrameKind::kOffer) << held;
    says(0, FrameKind::kClaim, task);
  }
  os.say(0, FrameKind::kMemory, 6000);
  says(0, FrameKind::kValue, task);
  EXPECT_EQ(os.heard(0), kStopped);
}

TEST_F(Loop1, a_report_of_memory_that_nobody_runs_a_task_for_convicts) {
  one_busy_worker();
  says(0, FrameKind::kValue, 1);
  says(0, FrameKind::kMemory, 5000);
  EXPECT_TRUE(os.worker(0).killed);
}

TEST_F(Loop2, a_kill_that_the_kernel_counts_as_out_of_memory_is_called_so_once) {
  os.memory_kills = 7;
  one_busy_worker();
  submit(2);
  says(1, FrameKind::kHello);
  says(1, FrameKind::kClaim, 2);
  os.memory_kills = 8;
  ends(0, Signaled{SIGKILL, false});
  EXPECT_EQ(failure(1).kind, FailureKind::kWorkerLost);
  EXPECT_EQ(failure(1).cause, Cause::kOutOfMemory);
  EXPECT_EQ(failure(1).intent, Intent::kUnplanned);
  ends(1, Signaled{SIGKILL, false});
  EXPECT_EQ(failure(2).cause, Cause::kSelf) << "one count explains one death";
}

TEST_F(Loop2, a_kill_of_our_own_uses_up_no_count) {
  os.memory_kills = 7;
  one_busy_worker(1s);
  submit(2);
  says(1, FrameKind::kHello);
  says(1, FrameKind::kClaim, 2);
  os.memory_kills = 8;
  pass(1s);
  EXPECT_EQ(failure(1).cause, Cause::kDeadline);
  ends(1, Signaled{SIGKILL, false});
  EXPECT_EQ(failure(2).cause, Cause::kOutOfMemory);
}

TEST_F(Loop1, an_exit_that_is_no_sigkill_of_others_is_never_out_of_memory) {
  os.memory_kills = 7;
  one_busy_worker(1s);
  os.memory_kills = 8;
  pass(1s);
  EXPECT_EQ(failure(1).cause, Cause::kDeadline);
  submit(2);
  says(1, FrameKind::kHello);
  says(1, FrameKind::kClaim, 2);
  os.memory_kills = 9;
  ends(1, Signaled{SIGSEGV, false});
  EXPECT_EQ(failure(2).cause, Cause::kSelf);
}

}  // namespace
}  // namespace poolproof::supervise
