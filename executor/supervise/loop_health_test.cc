// Tests of the loop: what the supervisor reports about itself, and what a worker wrote before it
// died.
#include <gtest/gtest.h>
#include <signal.h>

#include "executor/supervise/loop_world.h"

namespace poolproof::supervise {
namespace {

class Watched : public World {
 protected:
  explicit Watched(const SupervisorOptions& options = {.workers = 3}) : World(options) {}

  Health health() {
    asks(HealthAsked{++ticket_});
    EXPECT_TRUE(recorder.healths.contains(ticket_));
    return recorder.healths[ticket_];
  }

 private:
  std::uint64_t ticket_ = 0;
};

TEST_F(Watched, a_pool_tells_its_workers_by_state_and_its_queue) {
  EXPECT_EQ(health().workers_wanted, 3);
  EXPECT_EQ(health().spawned, 0u);
  one_busy_worker();
  submit(2);
  says(1, FrameKind::kHello);
  says(1, FrameKind::kClaim, 2);
  says(1, FrameKind::kValue, 2);  // idle
  submit(3);                      // offered to it
  submit(4);                      // waits for a third worker
  Health now = health();
  EXPECT_EQ(now.busy, 2);
  EXPECT_EQ(now.starting, 1);
  EXPECT_EQ(now.idle, 0);
  EXPECT_EQ(now.queued, 1u);
  EXPECT_EQ(now.spawned, 3u);
  EXPECT_EQ(now.settled, 1u);
  says(0, FrameKind::kValue, 1);
  says(0, FrameKind::kClaim, 4);
  says(0, FrameKind::kValue, 4);
  says(2, FrameKind::kHello);
  asks(ResizeAsked{2});
  now = health();
  EXPECT_EQ(now.idle, 1);
  EXPECT_EQ(now.ending, 1);
  EXPECT_EQ(now.workers_wanted, 2);
}

TEST_F(Watched, deaths_are_counted_by_cause_and_so_is_what_follows) {
  one_busy_worker({.task = 1, .retries = 1});
  ends(0, Signaled{SIGSEGV, false});
  EXPECT_EQ(health().retried, 1u);
  says(1, FrameKind::kHello);
  ends(1, Exited{3});
  EXPECT_EQ(health().requeued, 1u);
  EXPECT_EQ(health().ended_by(Cause::kSelf), 2u);
  says(2, FrameKind::kHello);
  says(2, FrameKind::kClaim, 1);
  says(2, FrameKind::kHello);
  EXPECT_EQ(health().ended_by(Cause::kGarbage), 1u);
  EXPECT_EQ(health().settled, 1u);
}

TEST_F(Watched, failing_spawns_are_counted) {
  for (int i = 0; i < 2; ++i) os.fail_next_spawn({"clone", EAGAIN});
  submit(1);
  EXPECT_EQ(health().spawn_failures, 2u);
  EXPECT_EQ(health().spawned, 0u);
}

TEST_F(Watched, the_last_word_comes_with_the_end) {
  one_busy_worker();
  says(0, FrameKind::kValue, 1);
  asks(ShutdownAsked{});
  ends(0, Exited{0});
  ASSERT_TRUE(finished);
  EXPECT_EQ(recorder.healths[0].ended_by(Cause::kShutdown), 1u);
  EXPECT_EQ(recorder.healths[0].idle, 0);
}

class WatchedGrowing : public Watched {
 protected:
  WatchedGrowing() : Watched({.workers = 1, .idle_timeout = 10s, .memory_growth = 1000}) {}
};

TEST_F(WatchedGrowing, recycled_workers_are_counted_and_the_last_is_described) {
  one_busy_worker();
  os.say(0, FrameKind::kMemory, 5000);
  says(0, FrameKind::kValue, 1);
  submit(2);
  says(0, FrameKind::kClaim, 2);
  os.say(0, FrameKind::kMemory, 7000);
  says(0, FrameKind::kValue, 2);
  ends(0, Exited{0});
  EXPECT_EQ(health().ended_by(Cause::kGrown), 1u);
  EXPECT_EQ(health().last_growth,
            "worker 0 (pid 1000) held 7000 bytes of anonymous memory after 2 tasks, 5000 after its "
            "first");
  submit(3);
  says(1, FrameKind::kHello);
  says(1, FrameKind::kClaim, 3);
  says(1, FrameKind::kValue, 3);
  pass(10s);
  ends(1, Exited{0});
  EXPECT_EQ(health().ended_by(Cause::kIdle), 1u);
}

class KeepsStderr : public World {
 protected:
  KeepsStderr()
      : World(SupervisorOptions{.workers = 1}, {.max_payload = 1 << 20, .keep_stderr = true}) {}

  void writes(std::string_view text) {
    const Bytes added = bytes(text);
    os.worker(0).errors.insert(os.worker(0).errors.end(), added.begin(), added.end());
  }
};

TEST_F(KeepsStderr, the_last_lines_of_a_worker_come_with_its_death) {
  one_busy_worker();
  writes("reading\n");
  settle_down();
  writes("assertion failed\n");
  ends(0, Signaled{SIGABRT, false});
  EXPECT_EQ(failure(1).stderr_tail, "reading\nassertion failed\n");
  EXPECT_EQ(os.open_descriptors(), 1u);
}

TEST_F(KeepsStderr, what_came_while_the_exit_was_looked_at_is_not_missed) {
  one_busy_worker();
  os.before_reap = [this] { writes("at the last moment\n"); };
  os.worker(0).exit = Signaled{SIGABRT, false};
  os.worker(0).ended = true;  // and its stderr has not been seen to end
  settle_down();
  EXPECT_EQ(failure(1).stderr_tail, "at the last moment\n");
}

TEST_F(KeepsStderr, what_an_earlier_task_wrote_is_not_the_next_ones) {
  one_busy_worker();
  writes("of the first\n");
  settle_down();
  says(0, FrameKind::kValue, 1);
  submit(2);
  says(0, FrameKind::kClaim, 2);
  ends(0, Signaled{SIGABRT, false});
  EXPECT_EQ(failure(2).stderr_tail, "");
}

TEST_F(KeepsStderr, what_an_earlier_task_wrote_with_its_reply_is_not_the_next_ones) {
  one_busy_worker();
  submit(2);
  recorder.on_settle = [this] { writes("of the first\n"); };  // read after the look at stderr
  says(0, FrameKind::kValue, 1);
  recorder.on_settle = [] {};
  says(0, FrameKind::kClaim, 2);
  ends(0, Signaled{SIGABRT, false});
  EXPECT_EQ(failure(2).stderr_tail, "");
}

TEST_F(KeepsStderr, nothing_is_read_from_what_has_taken_its_number) {
  one_busy_worker();
  os.steal_errors(0);
  writes("a stranger's\n");
  ends(0, Signaled{SIGABRT, false});
  EXPECT_FALSE(os.worker(0).errors.empty());
  EXPECT_EQ(failure(1).kind, FailureKind::kSupervisorLost);
  EXPECT_EQ(os.open_descriptors(), 4u) << "nor is it closed";
}

TEST_F(KeepsStderr, of_much_only_the_last_whole_lines_are_kept) {
  one_busy_worker();
  std::string much;
  for (int i = 0; i < 5000; ++i) much += "line " + std::to_string(i) + "\n";
  writes(much);
  ends(0, Signaled{SIGABRT, false});
  const std::string& tail = failure(1).stderr_tail;
  EXPECT_LE(tail.size(), 4096u);
  EXPECT_GE(tail.size(), 4000u);
  EXPECT_EQ(tail.substr(0, 6), "line 4");
  EXPECT_EQ(tail.substr(tail.size() - 10), "line 4999\n");
}

TEST_F(KeepsStderr, one_line_that_is_too_long_is_cut) {
  one_busy_worker();
  writes(std::string(10'000, 'x'));
  ends(0, Signaled{SIGABRT, false});
  EXPECT_EQ(failure(1).stderr_tail, std::string(4096, 'x'));
}

TEST_F(KeepsStderr, a_worker_that_closes_its_stderr_is_not_listened_to_again_and_again) {
  one_busy_worker();
  os.worker(0).hung_up = true;  // its channel, too
  settle_down();
  EXPECT_TRUE(os.quiet());
  ends(0, Exited{3});
  EXPECT_EQ(failure(1).exit, ExitStatus(Exited{3}));
}

}  // namespace
}  // namespace poolproof::supervise
