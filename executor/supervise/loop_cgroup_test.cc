// Tests of the loop, with a separate cgroup for each worker.
#include <gtest/gtest.h>
#include <signal.h>

#include "executor/supervise/loop_world.h"

namespace poolproof::supervise {
namespace {

class OwnCgroups : public World {
 protected:
  OwnCgroups()
      : World(SupervisorOptions{.workers = 1},
              {.max_payload = 1 << 20, .memory_limit = 4096, .memory_cgroup = "/some/cgroup"}) {}
};

TEST_F(OwnCgroups, a_kill_that_its_own_counts_is_out_of_memory_whatever_the_programs_counts) {
  os.memory_kills = 7;
  one_busy_worker();
  os.worker(0).own_memory_kills = 1;
  ends(0, Signaled{SIGKILL, false});
  EXPECT_EQ(failure(1).cause, Cause::kOutOfMemory);
  EXPECT_NE(failure(1).text.find("more than its 4096 bytes"), std::string::npos) << failure(1).text;
}

TEST_F(OwnCgroups, a_kill_that_only_the_programs_counts_was_another_ones) {
  os.memory_kills = 7;
  one_busy_worker();
  os.memory_kills = 8;
  os.worker(0).own_memory_kills = 0;
  ends(0, Signaled{SIGKILL, false});
  EXPECT_EQ(failure(1).cause, Cause::kSelf);
}

TEST_F(OwnCgroups, a_worker_that_is_buried_leaves_none) {
  one_busy_worker();
  EXPECT_EQ(os.worker(0).clearings, 0);
  ends(0, Exited{3});
  EXPECT_EQ(os.worker(0).clearings, 1);
}

TEST_F(OwnCgroups, one_that_cannot_be_removed_yet_is_tried_again_with_the_next) {
  one_busy_worker();
  os.worker(0).stays = true;
  ends(0, Exited{3});
  submit(2);
  os.worker(0).stays = false;
  ends(1, Exited{3});
  EXPECT_EQ(os.worker(0).clearings, 2);
  EXPECT_EQ(os.worker(1).clearings, 1);
  submit(3);
  ends(2, Exited{3});
  EXPECT_EQ(os.worker(0).clearings, 2) << "it is gone";
}

TEST_F(OwnCgroups, one_that_cannot_be_removed_yet_is_tried_again_at_a_real_deadline) {
  one_busy_worker();
  os.worker(0).stays = true;
  ends(0, Exited{3});
  ASSERT_TRUE(os.woke_until());
  EXPECT_LT(*os.woke_until(), os.now() + 10ms);
  os.worker(0).stays = false;
  pass(*os.woke_until() - os.now());
  EXPECT_EQ(os.worker(0).clearings, 2);
  EXPECT_EQ(os.woke_until(), std::nullopt) << "nothing is timed where nothing is owed";
}

TEST_F(OwnCgroups, one_that_can_never_be_removed_is_left_alone_after_a_while) {
  one_busy_worker();
  os.worker(0).stays = true;
  ends(0, Exited{3});
  for (int tries = 0; tries < 100 && os.woke_until(); ++tries) pass(*os.woke_until() - os.now());
  EXPECT_EQ(os.woke_until(), std::nullopt) << "an idle pool costs nothing";
  EXPECT_GT(os.worker(0).clearings, 5);
  EXPECT_LT(os.worker(0).clearings, 20);
}

// A process that is still dying there delays nothing: the next task is sent without any wait.
TEST_F(OwnCgroups, one_that_cannot_be_removed_yet_delays_no_other_task) {
  one_busy_worker();
  submit(2);
  os.worker(0).stays = true;
  const os::Instant before = os.now();
  ends(0, Exited{3});
  says(1, FrameKind::kHello);
  EXPECT_EQ(os.heard(1), (Frame{FrameKind::kOffer, 2, bytes("work2")}));
  EXPECT_EQ(os.now(), before);
}

TEST(OwnCgroupsAtTheEnd, are_tried_for_a_while) {
  FakeOs os;
  Inbox inbox(os, std::get<os::Bell>(os.open_bell()));
  Recorder recorder;
  {
    Loop loop(os, inbox, recorder, SupervisorOptions{.workers = 1}, {.memory_cgroup = "/some"});
    inbox.put(TaskSubmitted{.task = 1});
    loop.turn();
    os.worker(0).stays = true;
    os.end(0, Exited{3});
    loop.turn();
    EXPECT_EQ(os.worker(0).clearings, 1);
  }
  EXPECT_GT(os.worker(0).clearings, 5);
  EXPECT_LT(os.worker(0).clearings, 20);
}

}  // namespace
}  // namespace poolproof::supervise
