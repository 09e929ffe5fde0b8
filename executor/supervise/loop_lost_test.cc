// Tests of the loop: the program closes descriptors of ours.
#include <gtest/gtest.h>
#include <signal.h>

#include "executor/supervise/loop_world.h"

namespace poolproof::supervise {
namespace {

TEST_F(Loop1, closed_descriptors_end_every_future_and_nothing_is_closed_twice) {
  one_busy_worker();
  submit(2);
  os.lose_descriptors();
  settle_down();
  EXPECT_TRUE(finished);
  EXPECT_EQ(failure(1).kind, FailureKind::kSupervisorLost);
  EXPECT_TRUE(failure(1).started);
  EXPECT_EQ(failure(2).kind, FailureKind::kSupervisorLost);
  EXPECT_FALSE(failure(2).started);
  EXPECT_EQ(os.open_descriptors(), 3u) << "their numbers may be somebody else's now";
}

TEST_F(Loop1, the_pool_has_ended_before_its_futures_tell_of_the_loss) {
  one_busy_worker();
  recorder.on_settle = [this] { EXPECT_EQ(recorder.ends.size(), 1u); };
  os.lose_descriptors();
  settle_down();
  EXPECT_EQ(failure(1).kind, FailureKind::kSupervisorLost);
}

TEST_F(Loop1, a_bell_whose_other_end_is_closed_is_the_sign_that_all_are) {
  one_busy_worker();
  os.close_write_end();
  settle_down();
  EXPECT_TRUE(finished);
  EXPECT_EQ(failure(1).kind, FailureKind::kSupervisorLost);
}

TEST_F(Loop1, a_bell_that_has_become_something_else_is_not_rung) {
  one_busy_worker();
  os.steal_bell();
  inbox.put(CancelAsked{1});
  EXPECT_FALSE(os.is_ringing());
  settle_down();
  EXPECT_EQ(failure(1).kind, FailureKind::kSupervisorLost);
}

TEST_F(Loop1, nothing_is_read_from_what_has_taken_a_channels_number) {
  one_busy_worker();
  os.say(0, FrameKind::kValue, 1);
  os.steal_channel(0);
  settle_down();
  EXPECT_FALSE(os.worker(0).said.empty());
  EXPECT_EQ(failure(1).kind, FailureKind::kSupervisorLost);
}

TEST_F(Loop1, nothing_is_written_to_what_has_taken_a_channels_number) {
  one_busy_worker();
  says(0, FrameKind::kValue, 1);
  os.steal_channel(0);
  submit(2);
  EXPECT_EQ(os.heard(0), std::nullopt);
  EXPECT_EQ(failure(2).kind, FailureKind::kSupervisorLost);
}

TEST_F(Loop1, nobody_is_killed_through_what_has_taken_a_handles_number) {
  one_busy_worker(1s);
  os.steal_handle(0);
  pass(1s);
  EXPECT_FALSE(os.worker(0).killed);
  EXPECT_EQ(failure(1).kind, FailureKind::kSupervisorLost);
}

TEST_F(Loop1, an_exit_is_not_asked_of_what_has_taken_a_handles_number) {
  one_busy_worker();
  os.steal_handle(0);
  ends(0, Signaled{SIGSEGV, false});
  EXPECT_EQ(os.worker(0).reaped, 0);
  EXPECT_EQ(failure(1).kind, FailureKind::kSupervisorLost);
}

TEST_F(Loop1, nothing_is_read_from_what_has_taken_a_channels_number_while_a_record_was_late) {
  one_busy_worker();
  os.worker(0).traced = true;
  ends(0, Signaled{SIGSEGV, false});  // readable, and no record: a thread waits for it
  os.say(0, FrameKind::kValue, 1);
  os.steal_channel(0);
  os.release_record(0);
  settle_down();
  EXPECT_FALSE(os.worker(0).said.empty());
  EXPECT_EQ(failure(1).kind, FailureKind::kSupervisorLost);
}

class LoopThatBreaks : public World {
 protected:
  LoopThatBreaks() : World(SupervisorOptions{.workers = 1, .on_death = OnDeath::kBreakPool}) {}
};

TEST_F(LoopThatBreaks, tells_of_lost_descriptors_though_it_has_broken_before) {
  one_busy_worker();
  ends(0, Signaled{SIGSEGV, false});
  ASSERT_EQ(failure(1).kind, FailureKind::kWorkerLost);
  EXPECT_FALSE(loop.lost_descriptors());
  os.close_write_end();
  settle_down();
  EXPECT_TRUE(finished);
  EXPECT_TRUE(loop.lost_descriptors()) << "else its owner closes what is no longer the bell";
  ASSERT_EQ(recorder.ends.size(), 1u);
  EXPECT_EQ(recorder.ends[0].kind, FailureKind::kPoolBroken);
}

// Like a thread that has lost its descriptors.
TEST(Lost, workers_are_ended_by_their_pid_once_every_future_has_ended) {
  FakeOs os;
  Recorder recorder;
  Inbox inbox(os, std::get<os::Bell>(os.open_bell()));
  {
    Loop loop(os, inbox, recorder, {.workers = 1}, {.max_payload = 1 << 20});
    inbox.put(TaskSubmitted{.task = 1, .payload = nullptr});
    EXPECT_TRUE(loop.turn());
    os.lose_descriptors();
    EXPECT_FALSE(loop.turn());
    EXPECT_EQ(recorder.outcomes[1].size(), 1u);
    EXPECT_FALSE(os.worker(0).abandoned);
  }
  EXPECT_TRUE(os.worker(0).abandoned);
}

}  // namespace
}  // namespace poolproof::supervise
