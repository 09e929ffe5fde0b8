// Arguments that take long to send: the start limit counts only while no bytes move, and the run
// limit only once all bytes are sent.
#include <gtest/gtest.h>

#include "executor/supervise/loop_world.h"

namespace poolproof::supervise {
namespace {

constexpr std::size_t kLarge = 1000;

class SlowArgument : public World {
 protected:
  explicit SlowArgument(transport::SharedPayload initializer = nullptr)
      : World(SupervisorOptions{
            .workers = 1, .initializer = initializer, .initializer_limit = 5s, .start_limit = 2s}) {
  }

  // Worker 0 is ready, and its channel accepts only the first bytes of what comes.
  void offer(TaskSubmitted task) {
    submit(TaskSubmitted{.task = 99});
    says(0, FrameKind::kHello);
    says(0, FrameKind::kClaim, 99);
    os.worker(0).room = 100;
    task.payload = std::make_shared<const transport::Payload>(Bytes(kLarge));
    asks(std::move(task));
    says(0, FrameKind::kValue, 99);
  }
  void takes(std::size_t more) {
    os.worker(0).room = more;
    settle_down();
  }
  void takes_all() { takes(FakeOs::Worker::kEverything); }
};

TEST_F(SlowArgument, may_take_longer_than_the_start_limit_while_bytes_flow) {
  offer({.task = 1});
  says(0, FrameKind::kClaim, 1);
  for (int parts = 0; parts < 5; ++parts) {
    pass(1900ms);
    EXPECT_FALSE(os.worker(0).killed) << parts;
    takes(50);
  }
  takes_all();
  says(0, FrameKind::kValue, 1);
  EXPECT_TRUE(std::holds_alternative<Bytes>(outcome(1)));
}

TEST_F(SlowArgument, may_flow_before_it_is_claimed) {
  offer({.task = 1});
  for (int parts = 0; parts < 3; ++parts) {
    pass(1900ms);
    takes(50);
  }
  EXPECT_FALSE(os.worker(0).killed);
  pass(2s);
  EXPECT_TRUE(os.worker(0).killed) << "nothing flows, and it has not claimed it";
  EXPECT_TRUE(open(1)) << "another worker may run it";
}

TEST_F(SlowArgument, that_flows_no_more_is_late_and_may_have_run) {
  offer({.task = 1});
  says(0, FrameKind::kClaim, 1);
  pass(1999ms);
  EXPECT_FALSE(os.worker(0).killed);
  pass(1ms);
  EXPECT_TRUE(os.worker(0).killed);
  EXPECT_EQ(failure(1).kind, FailureKind::kWorkerLost);
  EXPECT_EQ(failure(1).cause, Cause::kLate);
  EXPECT_TRUE(failure(1).started);
  EXPECT_NE(failure(1).text.find("took no more of the argument of its task for 2 s"),
            std::string::npos)
      << failure(1).text;
  EXPECT_TRUE(recorder.ends.empty()) << "the pool goes on";
}

TEST_F(SlowArgument, of_a_frozen_worker_is_told_as_that) {
  offer({.task = 1});
  says(0, FrameKind::kClaim, 1);
  os.worker(0).frozen = true;
  pass(2s);
  EXPECT_EQ(failure(1).cause, Cause::kFrozen);
}

TEST_F(SlowArgument, three_of_which_flow_no_more_do_not_end_the_pool) {
  offer({.task = 1});
  for (std::size_t n = 0; n < 4; ++n) {
    says(n, FrameKind::kClaim, n + 1);
    pass(2s);
    EXPECT_EQ(failure(n + 1).cause, Cause::kLate) << n;
    TaskSubmitted next{.task = n + 2};
    next.payload = std::make_shared<const transport::Payload>(Bytes(kLarge));
    asks(std::move(next));
    ASSERT_EQ(os.spawned(), n + 2);
    os.worker(n + 1).room = 100;
    says(n + 1, FrameKind::kHello);
  }
  EXPECT_TRUE(recorder.ends.empty());
}

TEST_F(SlowArgument, does_not_count_to_the_run_limit) {
  offer({.task = 1, .run_limit = 500ms});
  says(0, FrameKind::kClaim, 1);
  pass(1s);
  EXPECT_FALSE(os.worker(0).killed);
  takes_all();
  pass(499ms);
  EXPECT_FALSE(os.worker(0).killed);
  pass(1ms);
  EXPECT_EQ(failure(1).cause, Cause::kRunLimit);
}

TEST_F(SlowArgument, that_is_not_there_yet_has_no_reply) {
  offer({.task = 1});
  says(0, FrameKind::kClaim, 1);
  says(0, FrameKind::kValue, 1);
  EXPECT_EQ(failure(1).kind, FailureKind::kProtocol);
}

TEST_F(SlowArgument, whose_last_bytes_go_out_in_the_turn_in_which_the_reply_comes_has_its_value) {
  offer({.task = 1});
  says(0, FrameKind::kClaim, 1);
  os.worker(0).room = FakeOs::Worker::kEverything;
  says(0, FrameKind::kValue, 1, bytes("done"));
  EXPECT_EQ(outcome(1), Outcome(bytes("done")));
}

TEST_F(SlowArgument, that_is_given_back_though_it_cannot_have_been_read_convicts) {
  offer({.task = 1});
  asks(CancelAsked{1});
  says(0, FrameKind::kWithdrawn, 1);
  EXPECT_TRUE(os.worker(0).killed);
  EXPECT_EQ(failure(1).kind, FailureKind::kCancelled) << "it was not claimed, and is not wanted";
}

TEST_F(SlowArgument, whose_worker_dies_in_the_middle_ends_its_task_alone) {
  offer({.task = 1});
  submit(2);
  says(0, FrameKind::kClaim, 1);
  ends(0, Exited{3});
  EXPECT_EQ(failure(1).kind, FailureKind::kWorkerLost);
  EXPECT_TRUE(failure(1).started);
  EXPECT_TRUE(open(2));
}

TEST_F(SlowArgument, of_a_claimed_task_is_ended_by_a_cancel_that_kills) {
  offer({.task = 1});
  says(0, FrameKind::kClaim, 1);
  asks(CancelAsked{1, Running::kKill});
  EXPECT_EQ(failure(1).kind, FailureKind::kCancelled);
}

TEST_F(SlowArgument, owes_no_wake_up_where_it_has_been_sent_and_has_no_limit) {
  offer({.task = 1});
  says(0, FrameKind::kClaim, 1);
  EXPECT_TRUE(os.woke_until());
  takes_all();
  EXPECT_EQ(os.woke_until(), std::nullopt);
}

class SlowInitializer : public SlowArgument {
 protected:
  SlowInitializer() : SlowArgument(std::make_shared<const transport::Payload>(Bytes(kLarge))) {
    os.room_of_new = 100;
    submit(1);
  }
};

TEST_F(SlowInitializer, has_its_limit_once_it_was_sent) {
  says(0, FrameKind::kInitBegun);
  for (int parts = 0; parts < 5; ++parts) {
    pass(1900ms);
    takes(50);
  }
  EXPECT_FALSE(os.worker(0).killed);
  takes_all();
  pass(4999ms);
  EXPECT_FALSE(os.worker(0).killed);
  pass(1ms);
  EXPECT_TRUE(os.worker(0).killed);
  EXPECT_NE(failure(1).text.find("initializer_limit"), std::string::npos) << failure(1).text;
}

TEST_F(SlowInitializer, that_flows_no_more_is_late) {
  says(0, FrameKind::kInitBegun);
  pass(2s);
  EXPECT_TRUE(os.worker(0).killed);
  EXPECT_NE(failure(1).text.find("took no more of the argument of its initializer"),
            std::string::npos)
      << failure(1).text;
}

}  // namespace
}  // namespace poolproof::supervise
