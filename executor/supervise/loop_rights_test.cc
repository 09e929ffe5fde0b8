// The program has given up rights: kills are refused, and workers have more than it has.
#include <errno.h>
#include <signal.h>

#include "executor/supervise/loop_world.h"

namespace poolproof::supervise {
namespace {

const os::SysError kRefused{"pidfd_send_signal(SIGKILL)", EPERM};

TEST_F(Loop1, an_unkilled_worker_whose_record_a_debugger_holds_is_given_up_and_holds_up_nobody) {
  one_busy_worker(1s);
  os.kills_fail_with = kRefused;
  os.worker(0).traced = true;
  pass(1s);
  ends(0, Signaled{SIGKILL, false});  // by its lifeline; its record is not there yet
  EXPECT_TRUE(open(1));
  pass(500ms);
  EXPECT_EQ(failure(1).kind, FailureKind::kDeadline);
  EXPECT_NE(failure(1).text.find("it may still run"), std::string::npos) << failure(1).text;
  submit(2);
  EXPECT_EQ(os.spawned(), 2u) << "its place is another's";
  says(1, FrameKind::kHello);
  says(1, FrameKind::kClaim, 2);
  os.release_record(0);
  settle_down();
  EXPECT_EQ(os.worker(0).reaped, 1);
  says(1, FrameKind::kValue, 2, bytes("done"));
  EXPECT_EQ(std::get<Bytes>(outcome(2)), bytes("done"));
  os.kills_fail_with.reset();
  asks(ShutdownAsked{.running = Running::kKill});
  EXPECT_TRUE(finished);
  EXPECT_EQ(os.open_descriptors(), 1u) << "the bell";
}

TEST_F(Loop1, a_worker_with_rights_that_the_program_gave_up_is_given_no_task) {
  one_busy_worker();
  submit(2);
  os.rights_now = 2;
  says(0, FrameKind::kValue, 1, bytes("done"));
  EXPECT_EQ(os.heard(0), (Frame{FrameKind::kStop, 0, {}}));
  EXPECT_EQ(std::get<Bytes>(outcome(1)), bytes("done"));
  ends(0, Exited{0});
  says(1, FrameKind::kHello);
  EXPECT_EQ(os.heard(1), (Frame{FrameKind::kOffer, 2, bytes("work2")}));
}

}  // namespace
}  // namespace poolproof::supervise
