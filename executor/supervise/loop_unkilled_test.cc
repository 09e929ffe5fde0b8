// Workers that cannot be killed: what their loss means for the pool, and what is kept of them until
// they end.
#include <gtest/gtest.h>
#include <signal.h>

#include <cerrno>

#include "executor/supervise/loop_world.h"

namespace poolproof::supervise {
namespace {

const os::SysError kNotAllowed{"pidfd_send_signal(SIGKILL)", EPERM};

class Unkilled : public Loop2 {
 protected:
  // It runs task 1: its kill fails at the deadline, and it does not end.
  void give_up_worker_0() {
    one_busy_worker(1s);
    os.kills_fail_with = kNotAllowed;
    os.worker(0).without_lifeline = true;
    pass(1s);
    pass(500ms);
  }
};

class Unkilled1 : public Loop1 {};

class UnkilledBreaking : public World {
 protected:
  UnkilledBreaking() : World(SupervisorOptions{.workers = 2, .on_death = OnDeath::kBreakPool}) {}
};

TEST_F(UnkilledBreaking, one_that_is_given_up_breaks_the_pool_as_one_that_has_died) {
  one_busy_worker();
  os.kills_fail_with = kNotAllowed;
  os.worker(0).without_lifeline = true;
  os.say_bytes(0, bytes("no frame, but garbage as long as a header"));
  settle_down();
  EXPECT_TRUE(recorder.ends.empty());
  pass(500ms);
  ASSERT_EQ(recorder.ends.size(), 1u);
  EXPECT_EQ(recorder.ends[0].kind, FailureKind::kPoolBroken);
  EXPECT_EQ(failure(1).kind, FailureKind::kProtocol);
}

class UnkilledInitialized : public World {
 protected:
  UnkilledInitialized()
      : World(SupervisorOptions{
            .workers = 1,
            .on_death = OnDeath::kBreakPool,
            .initializer = std::make_shared<const transport::Payload>(bytes("first"))}) {}

  // It has violated the protocol, and another worker is wanted beside it.
  void fail_to_kill_the_first() {
    os.kills_fail_with = kNotAllowed;
    os.no_lifelines = true;
    submit(1);
    os.say_bytes(0, bytes("no frame, but garbage as long as a header"));
    settle_down();
    inbox.put(ResizeAsked{2});
  }
};

// Its place is free at once, and the next worker is started before the loss is reported.
TEST_F(UnkilledInitialized, one_that_is_given_up_breaks_the_pool_and_its_replacement_is_killed) {
  fail_to_kill_the_first();
  os.kills_fail_with.reset();
  pass(500ms);
  ASSERT_EQ(recorder.ends.size(), 1u);
  EXPECT_EQ(recorder.ends[0].kind, FailureKind::kPoolBroken);
  ASSERT_EQ(os.spawned(), 2u);
  EXPECT_TRUE(os.worker(1).killed);
}

TEST_F(UnkilledInitialized, one_that_is_given_up_breaks_the_pool_though_no_replacement_can_start) {
  fail_to_kill_the_first();
  os.fail_next_spawn({"clone", EAGAIN});
  pass(500ms);
  ASSERT_EQ(recorder.ends.size(), 1u);
  EXPECT_EQ(recorder.ends[0].kind, FailureKind::kPoolBroken) << recorder.ends[0].text;
}

TEST_F(Unkilled1, three_fresh_ones_in_a_row_end_the_pool) {
  os.kills_fail_with = kNotAllowed;
  submit(1);
  for (std::size_t n = 0; n < 3; ++n) {
    ASSERT_EQ(os.spawned(), n + 1);
    os.worker(n).without_lifeline = true;
    pass(30s);    // ExecutorOptions::start_limit
    pass(500ms);  // and it is given up
    pass(100ms);  // the pause before the next
  }
  EXPECT_EQ(os.spawned(), 3u) << "none is started any more";
  ASSERT_EQ(recorder.ends.size(), 1u);
  EXPECT_EQ(recorder.ends[0].kind, FailureKind::kSpawn);
  EXPECT_EQ(failure(1).kind, FailureKind::kSpawn);
}

TEST_F(Unkilled, one_that_was_frozen_is_said_to_have_been_when_it_is_given_up) {
  one_busy_worker(1s);
  os.kills_fail_with = kNotAllowed;
  os.worker(0).without_lifeline = os.worker(0).frozen = true;
  pass(1s);
  pass(500ms);
  EXPECT_EQ(failure(1).cause, Cause::kFrozen);
}

TEST_F(Unkilled, one_that_claims_after_its_kill_failed_is_given_up_all_the_same) {
  submit(1, 1s);
  says(0, FrameKind::kHello);
  os.kills_fail_with = kNotAllowed;
  os.worker(0).without_lifeline = true;
  pass(1s);
  says(0, FrameKind::kClaim, 1);
  pass(500ms);
  EXPECT_EQ(failure(1).kind, FailureKind::kDeadline);
  EXPECT_TRUE(failure(1).started);
}

TEST_F(Unkilled, of_one_that_is_given_up_all_is_heard_that_it_has_said) {
  submit(1);
  says(0, FrameKind::kHello);
  os.kills_fail_with = kNotAllowed;
  os.worker(0).without_lifeline = true;
  os.say_bytes(0, bytes("no frame, but garbage as long as a header"));
  settle_down();
  os.say(0, FrameKind::kClaim, 1);  // this wakes nothing any more
  settle_down();
  pass(500ms);
  EXPECT_EQ(failure(1).kind, FailureKind::kProtocol);
  EXPECT_TRUE(failure(1).started);
}

TEST_F(Unkilled, one_that_replies_after_its_kill_failed_has_done_its_task_and_is_given_up) {
  one_busy_worker(1s);
  os.kills_fail_with = kNotAllowed;
  os.worker(0).without_lifeline = true;
  pass(1s);
  says(0, FrameKind::kValue, 1, bytes("late"));
  EXPECT_EQ(outcome(1), Outcome(bytes("late")));
  asks(ShutdownAsked{});
  EXPECT_FALSE(finished);
  pass(500ms);
  EXPECT_TRUE(finished);
}

TEST_F(Unkilled, one_that_is_convicted_and_replies_after_its_kill_failed_is_not_believed) {
  one_busy_worker();
  os.kills_fail_with = kNotAllowed;
  os.worker(0).without_lifeline = true;
  says(0, FrameKind::kHello);  // once more
  says(0, FrameKind::kValue, 1, bytes("a lie, perhaps"));
  EXPECT_TRUE(open(1));
  pass(500ms);
  EXPECT_EQ(failure(1).kind, FailureKind::kProtocol);
}

TEST_F(Unkilled, one_that_is_given_up_is_reaped_as_soon_as_it_ends) {
  give_up_worker_0();
  ASSERT_FALSE(open(1));
  ends(0, Exited{0});
  EXPECT_EQ(os.worker(0).reaped, 1);
  EXPECT_EQ(os.open_descriptors(), 1u) << "the bell";
}

TEST_F(Unkilled, one_whose_record_a_tracer_holds_holds_up_nobody_when_it_is_given_up) {
  one_busy_worker(1s);
  os.kills_fail_with = kNotAllowed;
  os.worker(0).without_lifeline = true;
  pass(1s);
  os.worker(0).traced = true;
  ends(0, Exited{0});
  pass(500ms);
  EXPECT_EQ(failure(1).kind, FailureKind::kDeadline);
  submit(2);
  says(1, FrameKind::kHello);
  says(1, FrameKind::kClaim, 2);
  says(1, FrameKind::kValue, 2, bytes("two"));
  EXPECT_EQ(outcome(2), Outcome(bytes("two")));
  os.release_record(0);
  settle_down();
  EXPECT_EQ(os.worker(0).reaped, 1);
}

TEST_F(Unkilled, a_handle_of_one_that_is_given_up_is_not_used_once_it_is_somebody_elses) {
  give_up_worker_0();
  os.steal_handle(0);
  ends(0, Exited{0});
  EXPECT_EQ(os.worker(0).reaped, 0);
  ASSERT_EQ(recorder.ends.size(), 1u);
  EXPECT_EQ(recorder.ends[0].kind, FailureKind::kSupervisorLost);
}

TEST(UnkilledLoop, after_a_sleep_that_failed_those_that_their_lifeline_ends_are_reaped) {
  FakeOs os;
  Inbox inbox(os, std::get<os::Bell>(os.open_bell()));
  Recorder recorder;
  {
    Loop loop(os, inbox, recorder, {.workers = 1}, {.max_payload = 1 << 20});
    inbox.put(TaskSubmitted{.task = 1});
    EXPECT_TRUE(loop.turn());
    os.kills_fail_with = kNotAllowed;
    os.waits_fail_with = os::SysError{"ppoll", EPERM};
    EXPECT_FALSE(loop.turn());
    os.waits_fail_with.reset();
  }
  EXPECT_EQ(os.worker(0).reaped, 1);
  EXPECT_EQ(os.open_descriptors(), 1u);
}

TEST_F(Unkilled, after_a_sleep_that_failed_what_was_not_taken_is_known_not_to_have_run) {
  one_busy_worker();
  inbox.put(TaskSubmitted{.task = 2});
  os.waits_fail_with = os::SysError{"ppoll", EPERM};
  EXPECT_FALSE(loop.turn());
  EXPECT_FALSE(loop.has_certainly_not_run(1));
  EXPECT_TRUE(loop.has_certainly_not_run(2));
}

}  // namespace
}  // namespace poolproof::supervise
