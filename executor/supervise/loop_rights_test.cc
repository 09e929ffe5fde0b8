// What happens to workers when the program's rights change, when a kill is refused, when a worker
// refuses to serve, and when the supervisor can no longer sleep.
#include <gtest/gtest.h>
#include <signal.h>

#include <cerrno>
#include <string>

#include "executor/supervise/loop_world.h"

namespace poolproof::supervise {
namespace {

const os::SysError kNotAllowed{"pidfd_send_signal(SIGKILL)", EPERM};

std::string text_of(const Failure& failure) { return failure.text; }

TEST_F(Loop1, after_a_change_of_rights_an_idle_worker_is_replaced_before_it_gets_a_task) {
  one_busy_worker();
  says(0, FrameKind::kValue, 1, bytes("done"));
  os.rights_now = 2;
  submit(2);
  EXPECT_EQ(os.heard(0), (Frame{FrameKind::kStop, 0, {}}));
  ends(0, Exited{0});
  ASSERT_EQ(os.spawned(), 2u);
  says(1, FrameKind::kHello);
  EXPECT_EQ(os.heard(1), (Frame{FrameKind::kOffer, 2, bytes("work2")}));
}

TEST_F(Loop1, after_a_change_of_rights_a_busy_worker_ends_its_task_and_gets_no_other) {
  one_busy_worker();
  submit(2);
  os.rights_now = 2;
  says(0, FrameKind::kValue, 1, bytes("done"));
  EXPECT_EQ(outcome(1), Outcome(bytes("done")));
  EXPECT_EQ(os.heard(0), (Frame{FrameKind::kStop, 0, {}}));
  ends(0, Exited{0});
  ASSERT_EQ(os.spawned(), 2u);
}

TEST_F(Loop1, a_worker_that_was_starting_when_the_rights_changed_gets_no_task) {
  submit(1);
  os.rights_now = 2;
  submit(2);
  EXPECT_EQ(os.heard(0), (Frame{FrameKind::kStop, 0, {}}));
}

TEST_F(Loop1, a_worker_during_whose_spawn_the_rights_changed_gets_no_task) {
  os.rights_after_spawn = 2;
  submit(1);
  EXPECT_EQ(os.heard(0), (Frame{FrameKind::kStop, 0, {}}));
  ends(0, Exited{0});
  ASSERT_EQ(os.spawned(), 2u);
  says(1, FrameKind::kHello);
  EXPECT_EQ(os.heard(1), (Frame{FrameKind::kOffer, 1, bytes("work1")}));
}

// To ask for them takes a file.
TEST_F(Loop1, the_rights_are_asked_for_where_a_task_is_handed_out_and_not_otherwise) {
  submit(1);
  says(0, FrameKind::kHello);
  submit(2);
  int asked = os.rights_asked;
  says(0, FrameKind::kClaim, 1);
  asks(HealthAsked{1});
  EXPECT_EQ(os.rights_asked, asked) << "nobody is free";
  says(0, FrameKind::kValue, 1, bytes("done"));
  EXPECT_EQ(os.rights_asked, asked + 1) << "task 2 is handed out";
  asked = os.rights_asked;
  says(0, FrameKind::kClaim, 2);
  says(0, FrameKind::kValue, 2, bytes("done"));
  EXPECT_EQ(os.rights_asked, asked) << "there is no other task";
}

TEST_F(Loop1, a_refused_kill_that_its_lifeline_makes_good_is_told_like_any_other) {
  one_busy_worker(1s);
  os.kills_fail_with = kNotAllowed;
  pass(1s);
  EXPECT_EQ(failure(1).kind, FailureKind::kDeadline);
  EXPECT_EQ(failure(1).exit, ExitStatus(Signaled{SIGKILL, false}));
  EXPECT_EQ(text_of(failure(1)).find("failed"), std::string::npos) << text_of(failure(1));
}

TEST_F(Loop1, a_worker_that_cannot_be_killed_ends_its_task_and_leaves_its_place_to_another) {
  one_busy_worker(1s);
  os.kills_fail_with = kNotAllowed;
  os.worker(0).without_lifeline = true;
  submit(2);
  pass(1s);
  EXPECT_TRUE(open(1)) << "its end may still come";
  pass(500ms);
  EXPECT_EQ(failure(1).kind, FailureKind::kDeadline);
  EXPECT_NE(text_of(failure(1)).find("pidfd_send_signal(SIGKILL): Operation not permitted"),
            std::string::npos)
      << text_of(failure(1));
  EXPECT_NE(text_of(failure(1)).find("it may still run"), std::string::npos);
  ASSERT_EQ(os.spawned(), 2u) << "task 2 goes to another worker in its place";
  says(1, FrameKind::kHello);
  says(1, FrameKind::kClaim, 2);
  says(1, FrameKind::kValue, 2, bytes("two"));
  EXPECT_EQ(outcome(2), Outcome(bytes("two")));
}

TEST_F(Loop1, a_task_that_may_still_run_is_not_run_again) {
  one_busy_worker({.task = 1, .retries = 5});
  os.kills_fail_with = kNotAllowed;
  os.worker(0).without_lifeline = true;
  os.worker(0).refuses_writes = true;
  os.say_bytes(0, bytes("no frame, but garbage as long as a header"));
  settle_down();
  pass(500ms);
  EXPECT_EQ(failure(1).kind, FailureKind::kProtocol);
  EXPECT_TRUE(failure(1).started);
}

TEST_F(Loop1, a_shutdown_that_kills_ends_though_a_worker_cannot_be_killed) {
  one_busy_worker();
  os.kills_fail_with = kNotAllowed;
  os.worker(0).without_lifeline = true;
  asks(ShutdownAsked{.running = Running::kKill});
  EXPECT_FALSE(finished);
  pass(500ms);
  EXPECT_TRUE(finished);
  EXPECT_EQ(failure(1).kind, FailureKind::kShutdown);
}

TEST_F(Loop1, the_record_of_an_abandoned_worker_is_taken_once_it_comes) {
  one_busy_worker(1s);
  os.kills_fail_with = kNotAllowed;
  os.worker(0).without_lifeline = true;
  pass(1s);
  pass(500ms);
  ASSERT_FALSE(open(1));
  os.end(0, Exited{0});
  submit(2);
  says(1, FrameKind::kHello);
  ends(1, Exited{1});
  EXPECT_EQ(os.worker(0).reaped, 1);
}

TEST_F(Loop1, an_unkilled_worker_whose_record_a_debugger_holds_is_given_up_and_holds_up_nobody) {
  one_busy_worker(1s);
  os.kills_fail_with = kNotAllowed;
  os.worker(0).traced = true;
  pass(1s);
  ends(0, Signaled{SIGKILL, false});  // by its lifeline; its record is not there yet
  EXPECT_TRUE(open(1));
  pass(500ms);
  EXPECT_EQ(failure(1).kind, FailureKind::kDeadline);
  EXPECT_NE(text_of(failure(1)).find("it may still run"), std::string::npos);
  submit(2);
  EXPECT_EQ(os.spawned(), 2u) << "its place is another's";
  says(1, FrameKind::kHello);
  says(1, FrameKind::kClaim, 2);
  os.release_record(0);
  settle_down();
  EXPECT_EQ(os.worker(0).reaped, 1);
  says(1, FrameKind::kValue, 2, bytes("done"));
  EXPECT_EQ(outcome(2), Outcome(bytes("done")));
  os.kills_fail_with.reset();
  asks(ShutdownAsked{.running = Running::kKill});
  EXPECT_TRUE(finished);
  EXPECT_EQ(os.open_descriptors(), 1u) << "the bell";
}

TEST_F(Loop1, a_worker_that_refuses_to_serve_ends_the_pool_at_once_with_its_reason) {
  submit(1);
  os.say(0, FrameKind::kRefusal, 0, bytes("getsockopt: Operation not permitted"));
  ends(0, Exited{115});
  EXPECT_EQ(failure(1).kind, FailureKind::kSpawn);
  EXPECT_NE(text_of(failure(1)).find("could not serve: getsockopt: Operation not permitted"),
            std::string::npos)
      << text_of(failure(1));
  EXPECT_EQ(os.spawned(), 1u);
}

TEST_F(Loop1, a_refusal_that_the_worker_outlives_is_forgotten) {
  submit(1);
  says(0, FrameKind::kRefusal, 0, bytes("a static constructor has submitted a task"));
  says(0, FrameKind::kHello);
  says(0, FrameKind::kClaim, 1);
  ends(0, Signaled{SIGSEGV, false});
  EXPECT_EQ(failure(1).kind, FailureKind::kWorkerLost);
  EXPECT_EQ(text_of(failure(1)).find("constructor"), std::string::npos);
}

TEST_F(Loop1, a_refusal_after_the_hello_convicts) {
  one_busy_worker();
  says(0, FrameKind::kRefusal, 0, bytes("now?"));
  EXPECT_TRUE(os.worker(0).killed);
  settle_down();
  EXPECT_EQ(failure(1).kind, FailureKind::kProtocol);
}

TEST_F(Loop2, a_sleep_that_fails_ends_the_pool_by_name_and_its_workers) {
  submit(1);
  submit(2);
  says(0, FrameKind::kHello);
  os.waits_fail_with = os::SysError{"ppoll", EPERM};
  EXPECT_FALSE(loop.turn());
  EXPECT_TRUE(loop.broke_down());
  ASSERT_EQ(recorder.ends.size(), 1u);
  EXPECT_EQ(recorder.ends[0].kind, FailureKind::kSupervisorLost);
  EXPECT_NE(text_of(recorder.ends[0]).find("ppoll: Operation not permitted"), std::string::npos);
  for (const std::size_t n : {0, 1}) EXPECT_TRUE(os.worker(n).killed);
}

}  // namespace
}  // namespace poolproof::supervise
