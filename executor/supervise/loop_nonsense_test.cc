// Tests of the loop: what a corrupted worker may send, in each state of its life (law L11).
#include <gtest/gtest.h>
#include <signal.h>

#include "executor/supervise/loop_world.h"

namespace poolproof::supervise {
namespace {

// Messages that a worker may not send, in each state of its life.
struct Nonsense {
  const char* name;
  std::vector<std::pair<FrameKind, TaskId>> before;
  std::pair<FrameKind, TaskId> nonsense;
};
class Mad : public Loop1, public testing::WithParamInterface<Nonsense> {};

TEST_P(Mad, is_convicted_and_only_its_task_is_blamed) {
  submit(1);
  submit(2);
  for (const auto& [kind, task] : GetParam().before) says(0, kind, task);
  says(0, GetParam().nonsense.first, GetParam().nonsense.second);
  EXPECT_TRUE(os.worker(0).killed);
  ASSERT_EQ(os.spawned(), 2u);
  says(1, FrameKind::kHello);
  const auto& before = GetParam().before;
  const bool had_claimed = !before.empty() && before.back().first == FrameKind::kClaim;
  const TaskId next = had_claimed ? 2 : 1;
  if (had_claimed) {
    EXPECT_EQ(failure(1).kind, FailureKind::kProtocol);
    EXPECT_EQ(failure(1).cause, Cause::kGarbage);
    EXPECT_EQ(failure(1).worker, (WorkerRef{0, 1000}));
  }
  EXPECT_TRUE(open(2));
  EXPECT_EQ(os.heard(1)->task, next) << "the pool goes on";
  EXPECT_TRUE(recorder.ends.empty());
}

constexpr auto kHello = FrameKind::kHello;
constexpr auto kClaim = FrameKind::kClaim;
constexpr auto kValue = FrameKind::kValue;
constexpr auto kFailed = FrameKind::kFailed;
constexpr auto kWithdrawn = FrameKind::kWithdrawn;
INSTANTIATE_TEST_SUITE_P(
    Says, Mad,
    testing::Values(Nonsense{"claim_before_hello", {}, {kClaim, 0}},
                    Nonsense{"withdrawn_before_hello", {}, {kWithdrawn, 0}},
                    Nonsense{"reply_before_hello", {}, {kValue, 0}},
                    Nonsense{"parents_words_before_hello", {}, {FrameKind::kOffer, 0}},
                    Nonsense{"hello_when_offered", {{kHello, 0}}, {kHello, 0}},
                    Nonsense{"withdrawn_unasked", {{kHello, 0}}, {kWithdrawn, 1}},
                    Nonsense{"reply_without_claim", {{kHello, 0}}, {kValue, 1}},
                    Nonsense{"claim_of_another", {{kHello, 0}}, {kClaim, 2}},
                    Nonsense{"hello_when_busy", {{kHello, 0}, {kClaim, 1}}, {kHello, 0}},
                    Nonsense{"claim_twice", {{kHello, 0}, {kClaim, 1}}, {kClaim, 1}},
                    Nonsense{"withdrawn_when_busy", {{kHello, 0}, {kClaim, 1}}, {kWithdrawn, 1}},
                    Nonsense{"reply_to_another", {{kHello, 0}, {kClaim, 1}}, {kValue, 99}},
                    Nonsense{"unreadable_failure", {{kHello, 0}, {kClaim, 1}}, {kFailed, 1}},
                    Nonsense{"parents_words", {{kHello, 0}, {kClaim, 1}}, {FrameKind::kStop, 0}},
                    Nonsense{"parents_tally", {{kHello, 0}, {kClaim, 1}}, {FrameKind::kTally, 0}}),
    [](const auto& param) { return param.param.name; });

// A protocol violation of an idle worker: there is no task to blame.
class MadIdle : public Loop1, public testing::WithParamInterface<FrameKind> {};
TEST_P(MadIdle, is_convicted_and_nobody_is_blamed) {
  one_busy_worker();
  says(0, FrameKind::kValue, 1, bytes("done"));
  says(0, GetParam(), 0);
  EXPECT_TRUE(os.worker(0).killed);
  EXPECT_EQ(outcome(1), Outcome(bytes("done")));
  submit(2);
  EXPECT_EQ(os.spawned(), 2u);
  EXPECT_TRUE(open(2));
}
INSTANTIATE_TEST_SUITE_P(Says, MadIdle, testing::Values(kHello, kClaim, kValue, kWithdrawn));

// A worker that was asked to stop, or asked to give its task back, may not send these either.
class MadStopping : public Loop1, public testing::WithParamInterface<FrameKind> {};
TEST_P(MadStopping, is_convicted_at_once) {
  one_busy_worker();
  says(0, FrameKind::kValue, 1);
  asks(ShutdownAsked{});
  says(0, GetParam(), 0);
  EXPECT_TRUE(os.worker(0).killed);
  EXPECT_TRUE(finished);
}
INSTANTIATE_TEST_SUITE_P(Says, MadStopping, testing::Values(kClaim, kValue, kWithdrawn));

class MadWithdrawing : public Loop1, public testing::WithParamInterface<FrameKind> {};
TEST_P(MadWithdrawing, is_convicted_and_its_task_which_never_started_is_cancelled) {
  submit(1);
  says(0, FrameKind::kHello);
  asks(CancelAsked{1});
  says(0, GetParam(), 1);
  EXPECT_TRUE(os.worker(0).killed);
  EXPECT_EQ(failure(1).kind, FailureKind::kCancelled);
}
INSTANTIATE_TEST_SUITE_P(Says, MadWithdrawing, testing::Values(kHello, kValue));

TEST_F(Loop1, what_a_convict_still_says_is_not_heard) {
  one_busy_worker();
  os.worker(0).traced = true;
  says(0, FrameKind::kHello);
  EXPECT_TRUE(os.worker(0).killed);
  says(0, FrameKind::kValue, 1, bytes("too late"));
  os.worker(0).traced = false;
  ends(0, Signaled{SIGKILL, false});
  EXPECT_EQ(failure(1).kind, FailureKind::kProtocol);
}

TEST_F(Loop1, an_earlier_tasks_nonsense_is_not_laid_to_the_next_task) {
  one_busy_worker();
  submit(2);
  says(0, FrameKind::kValue, 1,
       bytes("forged"));  // sent by the task; the worker's own reply follows
  EXPECT_EQ(outcome(1), Outcome(bytes("forged")));
  says(0, FrameKind::kValue, 1, bytes("true"));
  EXPECT_TRUE(os.worker(0).killed);
  EXPECT_TRUE(open(2)) << "it was offered and not claimed, so it goes to another worker";
  says(1, FrameKind::kHello);
  EXPECT_EQ(os.heard(1), (Frame{FrameKind::kOffer, 2, bytes("work2")}));
}

TEST_F(Loop1, a_claim_that_follows_the_nonsense_of_an_earlier_task_is_not_run_again) {
  one_busy_worker();
  submit(2);
  says(0, FrameKind::kValue, 1);
  os.worker(0).traced = true;
  says(0, FrameKind::kValue, 1);
  EXPECT_TRUE(os.worker(0).killed);
  says(0, FrameKind::kClaim, 2);
  os.worker(0).traced = false;
  ends(0, Signaled{SIGKILL, false});
  EXPECT_EQ(failure(2).kind, FailureKind::kProtocol);
  EXPECT_TRUE(failure(2).started);
}

// Where the stream is cut in two, counted from its start.
class Garbled : public Loop1, public testing::WithParamInterface<std::size_t> {};
TEST_P(Garbled, the_claim_of_the_next_task_is_found_among_the_garbage_of_an_earlier_one) {
  one_busy_worker();
  submit(2);
  says(0, FrameKind::kValue, 1);
  Bytes mixed = bytes("bytes of an earlier task");
  const Bytes claim = to_bytes(Frame{FrameKind::kClaim, 2, {}});
  mixed.insert(mixed.end(), claim.begin(), claim.end());
  os.worker(0).traced = true;
  os.say_bytes(0, std::span(mixed).first(GetParam()));
  settle_down();
  os.say_bytes(0, std::span(mixed).subspan(GetParam()));
  settle_down();
  EXPECT_TRUE(GetParam() < transport::kHeaderSize || os.worker(0).killed);
  os.worker(0).traced = false;
  ends(0, Signaled{SIGKILL, false});
  EXPECT_EQ(failure(2).kind, FailureKind::kProtocol);
  EXPECT_TRUE(failure(2).started) << "it must not run again";
}
INSTANTIATE_TEST_SUITE_P(Cut, Garbled, testing::Values(0, 1, 24, 30, 51, 52));

TEST_F(Loop1, the_claim_of_the_next_task_is_found_though_an_earlier_one_has_claimed_another) {
  one_busy_worker();
  submit(2);
  says(0, FrameKind::kValue, 1);
  os.worker(0).traced = true;
  says(0, FrameKind::kClaim, 7);
  os.say_bytes(0, bytes("thirty or more bytes of an earlier task"));
  says(0, FrameKind::kClaim, 2);
  os.worker(0).traced = false;
  ends(0, Signaled{SIGKILL, false});
  EXPECT_EQ(failure(2).kind, FailureKind::kProtocol);
  EXPECT_TRUE(failure(2).started) << "it must not run again";
}

TEST_F(Loop1, garbage_of_an_earlier_task_sends_the_next_one_to_another_worker) {
  one_busy_worker();
  submit(2);
  says(0, FrameKind::kValue, 1);
  os.say_bytes(0, bytes("thirty or more bytes of an earlier task"));
  settle_down();
  EXPECT_TRUE(os.worker(0).killed);
  EXPECT_TRUE(open(2));
  says(1, FrameKind::kHello);
  EXPECT_EQ(os.heard(1), (Frame{FrameKind::kOffer, 2, bytes("work2")}));
}

TEST_F(Loop1, bytes_that_are_no_frame_convict) {
  one_busy_worker();
  os.say_bytes(0, bytes("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"));
  settle_down();
  EXPECT_TRUE(os.worker(0).killed);
  EXPECT_EQ(failure(1).kind, FailureKind::kProtocol);
}

TEST_F(Loop1, a_deadline_does_not_overrule_a_conviction) {
  one_busy_worker(1s);
  os.worker(0).traced = true;
  says(0, FrameKind::kHello);
  pass(1s);
  os.worker(0).traced = false;
  ends(0, Signaled{SIGKILL, false});
  EXPECT_EQ(failure(1).kind, FailureKind::kProtocol);
}

}  // namespace
}  // namespace poolproof::supervise
