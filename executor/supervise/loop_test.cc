// The supervisor and its loop on a simulated operating system: tasks, deaths, spawns, channels.
#include <gtest/gtest.h>
#include <signal.h>

#include "executor/supervise/loop_world.h"

namespace poolproof::supervise {
namespace {

TEST_F(Loop1, an_idle_pool_sleeps_for_ever_and_holds_nothing_but_its_bell) {
  settle_down();
  EXPECT_EQ(os.waits(), 1);
  EXPECT_EQ(os.woke_until(), std::nullopt);
  EXPECT_EQ(os.spawned(), 0u);
  EXPECT_EQ(os.open_descriptors(), 1u);
}

TEST_F(Loop1, a_task_travels_to_a_new_worker_and_its_value_back) {
  one_busy_worker();
  EXPECT_TRUE(open(1));
  says(0, FrameKind::kValue, 1, bytes("done"));
  EXPECT_EQ(outcome(1), Outcome(bytes("done")));
  EXPECT_EQ(os.spawned(), 1u);
  const int before = os.waits();
  settle_down();
  EXPECT_EQ(os.waits(), before + 1) << "idle again, it sleeps at once";
  EXPECT_EQ(os.woke_until(), std::nullopt);
}

TEST_F(Loop1, a_worker_is_offered_one_task_at_a_time) {
  one_busy_worker();
  submit(2);
  EXPECT_EQ(os.heard(0), std::nullopt);
  says(0, FrameKind::kValue, 1);
  EXPECT_EQ(os.heard(0), (Frame{FrameKind::kOffer, 2, bytes("work2")}));
}

TEST_F(Loop1, a_flood_of_submits_does_not_delay_what_a_worker_says) {
  one_busy_worker();
  for (TaskId task = 2; task <= 10'000; ++task) inbox.put(TaskSubmitted{.task = task});
  inbox.put(HealthAsked{1});
  ASSERT_TRUE(loop.turn());
  EXPECT_EQ(os.heard(0), std::nullopt);
  os.say(0, FrameKind::kValue, 1, bytes("done"));
  ASSERT_TRUE(loop.turn());
  EXPECT_EQ(outcome(1), Outcome(bytes("done")));
  EXPECT_EQ(os.heard(0)->task, 2u) << "and it has work while the flood goes on";
  EXPECT_TRUE(recorder.healths.empty()) << "the flood was taken whole before the worker was heard";
  inbox.put(TaskSubmitted{.task = 10'001});
  settle_down();
  EXPECT_EQ(recorder.healths.at(1).queued, 9'998u);
  EXPECT_TRUE(os.quiet()) << "all is taken, so it sleeps";
  asks(HealthAsked{2});
  EXPECT_EQ(recorder.healths.at(2).queued, 9'999u) << "also what came meanwhile";
}

TEST_F(Loop2, workers_are_spawned_as_tasks_need_them) {
  submit(1);
  EXPECT_EQ(os.spawned(), 1u);
  submit(2);
  submit(3);
  EXPECT_EQ(os.spawned(), 2u);
  EXPECT_EQ(os.worker(0).index, 0);
  EXPECT_EQ(os.worker(1).index, 1);
}

TEST_F(Loop2, a_prestart_starts_workers_that_no_task_needs_and_counts_those_there) {
  asks(PrestartAsked{1});
  EXPECT_EQ(os.spawned(), 1u);
  asks(PrestartAsked{1});
  EXPECT_EQ(os.spawned(), 1u);
  asks(PrestartAsked{5});
  EXPECT_EQ(os.spawned(), 2u) << "never more than the pool may have";
  says(0, FrameKind::kHello);
  submit(1);
  EXPECT_EQ(os.heard(0), (Frame{FrameKind::kOffer, 1, bytes("work1")}));
}

TEST_F(Loop2, a_prestart_whose_spawn_fails_is_not_tried_again_before_a_task_comes) {
  os.fail_next_spawn({"posix_spawn", EAGAIN});
  asks(PrestartAsked{1});
  pass(60s);
  EXPECT_EQ(os.spawned(), 0u);
  submit(1);
  EXPECT_EQ(os.spawned(), 1u);
}

TEST_F(Loop2, a_prestart_after_a_shutdown_starts_nothing) {
  submit(1);
  asks(ShutdownAsked{});
  asks(PrestartAsked{2});
  EXPECT_EQ(os.spawned(), 1u);
}

TEST_F(Loop1, a_reply_read_before_the_exit_still_settles_its_future) {
  one_busy_worker();
  os.say(0, FrameKind::kValue, 1, bytes("done"));
  ends(0, Exited{0});
  EXPECT_EQ(outcome(1), Outcome(bytes("done")));
}

TEST_F(Loop1, a_death_names_the_worker_the_status_and_the_task) {
  one_busy_worker();
  ends(0, Signaled{SIGSEGV, true});
  EXPECT_EQ(failure(1).kind, FailureKind::kWorkerLost);
  EXPECT_EQ(failure(1).task, 1u);
  EXPECT_EQ(failure(1).worker, (WorkerRef{0, 1000}));
  EXPECT_EQ(failure(1).exit, ExitStatus(Signaled{SIGSEGV, true}));
  EXPECT_EQ(failure(1).cause, Cause::kSelf);
  EXPECT_EQ(failure(1).intent, Intent::kUnplanned);
  EXPECT_TRUE(failure(1).started);
  EXPECT_EQ(os.worker(0).reaped, 1);
  EXPECT_EQ(os.open_descriptors(), 1u);
}

TEST_F(Loop1, a_torn_reply_counts_as_no_reply) {
  one_busy_worker();
  const Bytes whole = to_bytes(Frame{FrameKind::kValue, 1, bytes("done")});
  os.say_bytes(0, std::span(whole).first(whole.size() - 1));
  ends(0, Signaled{SIGKILL, false});
  EXPECT_EQ(failure(1).kind, FailureKind::kWorkerLost);
}

TEST_F(Loop1, after_a_death_the_next_task_gets_a_fresh_worker) {
  one_busy_worker();
  submit(2);
  ends(0, Exited{3});
  EXPECT_EQ(os.spawned(), 2u);
  says(1, FrameKind::kHello);
  says(1, FrameKind::kClaim, 2);
  says(1, FrameKind::kValue, 2, bytes("fine"));
  EXPECT_EQ(outcome(2), Outcome(bytes("fine")));
}

TEST_F(Loop1, an_unclaimed_task_of_a_dead_worker_goes_back_to_the_head_of_the_queue) {
  submit(1);
  submit(2);
  says(0, FrameKind::kHello);
  ends(0, Signaled{SIGKILL, false});
  EXPECT_TRUE(open(1));
  says(1, FrameKind::kHello);
  EXPECT_EQ(os.heard(1), (Frame{FrameKind::kOffer, 1, bytes("work1")}));
}

TEST_F(Loop2, a_task_whose_workers_died_unclaimed_three_times_is_given_up) {
  submit(1);
  submit(2);
  says(1, FrameKind::kHello);  // takes task 1
  says(1, FrameKind::kClaim, 1);
  says(0, FrameKind::kHello);  // is offered task 2
  for (std::size_t n = 0; n < 3; ++n) {
    const std::size_t at = n == 0 ? 0 : n + 1;
    ASSERT_TRUE(open(2));
    if (n > 1) pass(100ms);  // the second loss in a row makes a pause
    if (n > 0) says(at, FrameKind::kHello);
    // The other worker claims a new task each time, so that a row of fresh deaths does not end the
    // pool.
    says(1, FrameKind::kValue, n == 0 ? 1 : 10 + n - 1);
    submit(10 + n);
    says(1, FrameKind::kClaim, 10 + n);
    ends(at, Signaled{SIGKILL, false});
  }
  EXPECT_EQ(failure(2).kind, FailureKind::kWorkerLost);
  EXPECT_FALSE(failure(2).started);
  EXPECT_EQ(failure(2).pool_after, PoolAfter::kUnaffected);
  EXPECT_TRUE(recorder.ends.empty()) << "the pool goes on";
}

TEST_F(Loop1, a_task_that_is_given_up_with_its_pool_says_that_the_pool_has_ended) {
  submit(1);
  for (std::size_t n = 0; n < 3; ++n) {
    if (n > 1) pass(100ms);
    says(n, FrameKind::kHello);
    ends(n, Signaled{SIGKILL, false});
  }
  EXPECT_EQ(failure(1).kind, FailureKind::kWorkerLost);
  EXPECT_EQ(failure(1).pool_after, PoolAfter::kEnded);
  EXPECT_EQ(recorder.ends.size(), 1u);
}

TEST_F(Loop1, three_fresh_workers_that_die_in_a_row_end_the_pool) {
  submit(1);
  submit(2);
  ends(0, Exited{7});
  ends(1, Exited{7});
  pass(100ms);
  EXPECT_TRUE(recorder.ends.empty());
  ends(2, Exited{7});
  ASSERT_EQ(recorder.ends.size(), 1u);
  EXPECT_EQ(failure(1).kind, FailureKind::kSpawn);
  EXPECT_EQ(failure(2).kind, FailureKind::kSpawn);
  EXPECT_NE(failure(1).text.find("exit code 7"), std::string::npos) << failure(1).text;
  EXPECT_EQ(os.spawned(), 3u);
  submit(3);
  EXPECT_EQ(failure(3).kind, FailureKind::kSpawn);
}

TEST_F(Loop1, idle_workers_that_are_killed_are_replaced_when_needed_and_never_end_the_pool) {
  for (std::size_t n = 0; n < 5; ++n) {
    submit(n + 1);
    says(n, FrameKind::kHello);
    says(n, FrameKind::kClaim, n + 1);
    says(n, FrameKind::kValue, n + 1);
    ends(n, Signaled{SIGKILL, false});
    EXPECT_EQ(os.spawned(), n + 1) << "not before there is work";
  }
  EXPECT_TRUE(recorder.ends.empty());
}

TEST_F(Loop2, a_failing_spawn_leaves_the_work_to_the_workers_that_live) {
  one_busy_worker();
  for (int i = 0; i < 5; ++i) os.fail_next_spawn({"clone", EAGAIN});
  submit(2);
  EXPECT_TRUE(open(2));
  EXPECT_TRUE(recorder.ends.empty());
  says(0, FrameKind::kValue, 1);
  EXPECT_EQ(os.heard(0), (Frame{FrameKind::kOffer, 2, bytes("work2")}));
}

TEST_F(Loop1, a_lost_channel_is_suspicion_and_the_exit_record_decides) {
  one_busy_worker();
  os.worker(0).hung_up = true;
  settle_down();
  EXPECT_FALSE(os.worker(0).killed);
  EXPECT_TRUE(open(1));
  EXPECT_EQ(os.woke_until(), os.now() + 500ms);
  ends(0, Exited{3});
  EXPECT_EQ(failure(1).exit, ExitStatus(Exited{3}));
  EXPECT_EQ(failure(1).cause, Cause::kSelf);
  EXPECT_FALSE(os.worker(0).killed);
}

TEST_F(Loop1, a_worker_that_lives_on_without_its_channel_is_killed_when_the_grace_ends) {
  one_busy_worker();
  os.worker(0).hung_up = true;
  settle_down();
  pass(499ms);
  EXPECT_FALSE(os.worker(0).killed);
  pass(1ms);
  EXPECT_TRUE(os.worker(0).killed);
  EXPECT_EQ(failure(1).kind, FailureKind::kWorkerLost);
  EXPECT_EQ(failure(1).cause, Cause::kChannelLost);
  EXPECT_EQ(failure(1).intent, Intent::kUnplanned);
}

TEST_F(Loop1, a_refused_write_is_a_lost_channel_even_if_no_end_is_read) {
  submit(1);
  os.worker(0).refuses_writes = true;
  says(0, FrameKind::kHello);
  EXPECT_EQ(os.woke_until(), os.now() + 500ms) << "the grace is armed";
  pass(500ms);
  EXPECT_TRUE(os.worker(0).killed);
  EXPECT_EQ(os.spawned(), 2u) << "the task was not claimed: it goes to another";
}

TEST_F(Loop1, an_exit_whose_record_is_late_is_awaited_without_polling) {
  one_busy_worker();
  os.worker(0).traced = true;
  os.end(0, Signaled{SIGSEGV, false});
  settle_down();
  settle_down();
  EXPECT_TRUE(open(1));
  const int before = os.waits();
  settle_down();
  EXPECT_EQ(os.waits(), before + 1) << "the readable handle has left the poll set";
  os.release_record(0);
  settle_down();
  EXPECT_EQ(failure(1).exit, ExitStatus(Signaled{SIGSEGV, false}));
  EXPECT_EQ(os.worker(0).reaped, 1);
}

TEST_F(Loop1, an_exit_whose_record_is_late_is_looked_for_again_where_no_thread_can_be_started) {
  one_busy_worker();
  os.no_threads = true;
  os.worker(0).traced = true;
  os.worker(0).ended = true;  // and a grandchild holds its channel open
  os.worker(0).exit = Signaled{SIGSEGV, false};
  settle_down();
  std::chrono::nanoseconds last{0};
  for (int looks = 0; looks < 10; ++looks) {
    ASSERT_TRUE(os.woke_until());
    const auto pause = *os.woke_until() - os.now();
    EXPECT_GE(pause, std::max<std::chrono::nanoseconds>(last, 10ms));
    EXPECT_LE(pause, 1s);
    last = pause;
    pass(pause);
    EXPECT_TRUE(open(1));
  }
  EXPECT_EQ(last, 1s);
  os.worker(0).traced = false;
  pass(1s);
  EXPECT_EQ(failure(1).exit, ExitStatus(Signaled{SIGSEGV, false}));
  EXPECT_EQ(os.worker(0).reaped, 1);
}

TEST_F(Loop1, a_thread_that_can_be_started_later_ends_the_timed_looks) {
  one_busy_worker();
  os.no_threads = true;
  os.worker(0).traced = true;
  os.worker(0).ended = true;  // and a grandchild holds its channel open
  os.worker(0).exit = Signaled{SIGSEGV, false};
  settle_down();
  os.no_threads = false;
  pass(10ms);
  EXPECT_EQ(os.woke_until(), std::nullopt);
  os.release_record(0);
  settle_down();
  EXPECT_EQ(failure(1).exit, ExitStatus(Signaled{SIGSEGV, false}));
}

TEST_F(Loop1, a_worker_that_takes_no_bytes_holds_up_nobody) {
  submit(1);
  os.worker(0).full = true;
  says(0, FrameKind::kHello);
  EXPECT_EQ(os.heard(0), std::nullopt);
  os.worker(0).full = false;
  settle_down();
  EXPECT_EQ(os.heard(0), (Frame{FrameKind::kOffer, 1, bytes("work1")}));
}

}  // namespace
}  // namespace poolproof::supervise
