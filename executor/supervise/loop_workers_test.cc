// The same: how many workers there are, and when one that has no task is to end.
#include <gtest/gtest.h>
#include <signal.h>

#include "executor/supervise/loop_world.h"

namespace poolproof::supervise {
namespace {

const Frame kStopped{FrameKind::kStop, 0, {}};

// Workers 0 and 1 are up; 0 runs task 1, and 1 has ended task 2.
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

}  // namespace
}  // namespace poolproof::supervise
