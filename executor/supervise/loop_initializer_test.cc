// Tests of the loop, with an initializer that each worker runs before its hello.
#include <gtest/gtest.h>
#include <signal.h>

#include "executor/supervise/loop_world.h"

namespace poolproof::supervise {
namespace {

const ExitStatus kExited = Exited{3};

SupervisorOptions initialized(OnDeath on_death = OnDeath::kReplace) {
  return {.workers = 1,
          .on_death = on_death,
          .initializer = std::make_shared<const transport::Payload>(bytes("prepare")),
          .initializer_limit = 60s};
}

class Initialized : public World {
 protected:
  Initialized() : World(initialized()) {}

  void expect_of_1(const char* what) {
    EXPECT_NE(failure(1).text.find(what), std::string::npos) << failure(1).text;
  }
};

TEST_F(Initialized, a_worker_is_sent_it_first_and_gets_no_task_before_it_has_ended) {
  submit(1);
  EXPECT_EQ(os.heard(0), (Frame{FrameKind::kInitialize, 0, bytes("prepare")}));
  says(0, FrameKind::kInitBegun);
  EXPECT_EQ(os.heard(0), std::nullopt);
  says(0, FrameKind::kHello);
  EXPECT_EQ(os.heard(0), (Frame{FrameKind::kOffer, 1, bytes("work1")}));
}

TEST_F(Initialized, the_limit_of_the_start_ends_where_that_of_the_initializer_begins) {
  submit(1);
  pass(29s);
  says(0, FrameKind::kInitBegun);
  EXPECT_EQ(os.woke_until(), os.now() + 60s);
  pass(59s);
  EXPECT_FALSE(os.worker(0).killed);
  says(0, FrameKind::kHello);
  says(0, FrameKind::kClaim, 1);
  EXPECT_EQ(os.woke_until(), std::nullopt);
}

TEST_F(Initialized, one_that_throws_in_a_worker_that_has_ended_since_is_told_and_reaped_once) {
  submit(1);
  says(0, FrameKind::kInitBegun);
  os.say(0, FrameKind::kFailed, 0,
         transport::to_bytes(Failure{.text = "no", .type_name = "std::logic_error"}));
  ends(0, kExited);
  EXPECT_EQ(failure(1).kind, FailureKind::kInitializer);
  EXPECT_EQ(os.worker(0).reaped, 1);
  EXPECT_FALSE(os.worker(0).killed);
}

TEST_F(Initialized, one_that_throws_ends_the_pool_with_what_it_threw) {
  submit(1);
  submit(2);
  says(0, FrameKind::kInitBegun);
  says(0, FrameKind::kFailed, 0,
       transport::to_bytes(Failure{.text = "no way", .type_name = "std::logic_error"}));
  for (const TaskId task : {1, 2}) EXPECT_EQ(failure(task).kind, FailureKind::kInitializer);
  EXPECT_EQ(failure(1).type_name, "std::logic_error");
  expect_of_1("the initializer threw std::logic_error in worker 0 (pid 1000): no way");
  EXPECT_FALSE(failure(1).started);
  EXPECT_EQ(os.spawned(), 1u);
  asks(ShutdownAsked{});
  EXPECT_TRUE(finished);
}

TEST_F(Initialized, one_that_hangs_ends_the_pool_at_its_limit) {
  submit(1);
  says(0, FrameKind::kInitBegun);
  pass(60s);
  EXPECT_TRUE(os.worker(0).killed);
  EXPECT_EQ(failure(1).kind, FailureKind::kInitializer);
  EXPECT_EQ(failure(1).cause, Cause::kLate);
  expect_of_1("initializer did not end within 60 s (ExecutorOptions::initializer_limit)");
}

TEST_F(Initialized, a_worker_that_is_frozen_in_it_is_replaced) {
  submit(1);
  says(0, FrameKind::kInitBegun);
  os.worker(0).frozen = true;
  pass(60s);
  EXPECT_TRUE(open(1));
  EXPECT_EQ(os.spawned(), 2u);
}

TEST_F(Initialized, three_workers_that_die_in_it_end_the_pool_and_it_is_named) {
  submit(1);
  for (std::size_t n = 0; n < 3; ++n) {
    ASSERT_TRUE(open(1));
    if (n == 2) pass(100ms);
    says(n, FrameKind::kInitBegun);
    ends(n, kExited);
  }
  EXPECT_EQ(failure(1).kind, FailureKind::kInitializer);
  EXPECT_EQ(failure(1).exit, kExited);
  expect_of_1("was ended by exit code 3, in its initializer");
}

TEST_F(Initialized, three_workers_that_die_before_it_are_no_fault_of_it) {
  submit(1);
  ends(0, kExited);
  ends(1, kExited);
  pass(100ms);
  ends(2, kExited);
  EXPECT_EQ(failure(1).kind, FailureKind::kSpawn);
}

TEST_F(Initialized, a_replacement_is_sent_it_too) {
  submit(1);
  says(0, FrameKind::kInitBegun);
  says(0, FrameKind::kHello);
  says(0, FrameKind::kClaim, 1);
  ends(0, Signaled{SIGSEGV, false});
  submit(2);
  EXPECT_EQ(os.heard(1), (Frame{FrameKind::kInitialize, 0, bytes("prepare")}));
}

TEST_F(Initialized, a_failure_of_the_initializer_that_nobody_began_convicts) {
  submit(1);
  says(0, FrameKind::kFailed, 0, transport::to_bytes(Failure{.text = "e", .type_name = "E"}));
  EXPECT_TRUE(os.worker(0).killed);
  EXPECT_TRUE(recorder.ends.empty());
  EXPECT_EQ(os.spawned(), 2u);
}

TEST_F(Initialized, a_shutdown_does_not_wait_for_one_that_nobody_needs) {
  submit(1);
  says(0, FrameKind::kInitBegun);
  asks(CancelAsked{1});
  asks(ShutdownAsked{});
  pass(2s);
  EXPECT_TRUE(finished);
}

class InitializedBreaking : public World {
 protected:
  InitializedBreaking() : World(initialized(OnDeath::kBreakPool)) {}
};

TEST_F(InitializedBreaking, a_death_in_it_breaks_the_pool_at_once_and_it_is_named) {
  submit(1);
  says(0, FrameKind::kInitBegun);
  ends(0, kExited);
  EXPECT_EQ(failure(1).kind, FailureKind::kInitializer);
  EXPECT_EQ(os.spawned(), 1u);
}

}  // namespace
}  // namespace poolproof::supervise
