#include "executor/supervise/death.h"

#include <gtest/gtest.h>
#include <signal.h>

namespace poolproof::supervise {
namespace {

constexpr WorkerRef kWorker{1, 4711};
const ExitStatus kKilled = Signaled{SIGKILL, false};

TEST(Death, without_a_wish_is_what_the_kernel_says) {
  const Death death = name_death(kWorker, {}, Signaled{SIGSEGV, true});
  EXPECT_EQ(death.cause, Cause::kSelf);
  EXPECT_EQ(death.intent, Intent::kUnplanned);
  EXPECT_EQ(to_string(death), "worker 1 (pid 4711) was ended by SIGSEGV (core dumped)");
}

TEST(Death, that_we_asked_for_beats_what_was_observed) {
  const Notes notes{
      .wanted_end = WantedEnd::kDeadline, .violation = "noise", .killed_as_lost = true};
  EXPECT_EQ(name_death(kWorker, notes, Signaled{SIGSEGV, false}).cause, Cause::kDeadline);
  EXPECT_EQ(name_death(kWorker, notes, kKilled).intent, Intent::kPolicy);
}

TEST(Death, of_a_stopped_worker_at_a_deadline_is_called_frozen) {
  const Notes notes{.wanted_end = WantedEnd::kDeadline, .violation = {}, .was_frozen = true};
  EXPECT_EQ(name_death(kWorker, notes, kKilled).cause, Cause::kFrozen);
}

TEST(Death, by_our_kill_on_suspicion_is_a_lost_channel_only_if_that_kill_ended_it) {
  const Notes notes{.violation = {}, .killed_as_lost = true};
  EXPECT_EQ(name_death(kWorker, notes, kKilled).cause, Cause::kChannelLost);
  EXPECT_EQ(name_death(kWorker, notes, kKilled).intent, Intent::kUnplanned);
  EXPECT_EQ(name_death(kWorker, notes, Exited{3}).cause, Cause::kSelf);
}

TEST(Death, of_a_worker_that_somebody_else_reaped_is_unknown_and_says_why) {
  const Death death = name_death(kWorker, {}, Unseen{});
  EXPECT_EQ(death.cause, Cause::kUnknown);
  EXPECT_NE(to_string(death).find("reaped elsewhere"), std::string::npos);
}

TEST(Death, decides_the_kind_of_the_tasks_failure) {
  const auto kind = [](const Notes& notes) {
    return failure_of_task(name_death(kWorker, notes, kKilled), 5, true).kind;
  };
  EXPECT_EQ(kind({}), FailureKind::kWorkerLost);
  EXPECT_EQ(kind({.wanted_end = WantedEnd::kDeadline, .violation = {}}), FailureKind::kDeadline);
  EXPECT_EQ(kind({.wanted_end = WantedEnd::kShutdownKill, .violation = {}}),
            FailureKind::kShutdown);
  EXPECT_EQ(kind({.violation = "noise"}), FailureKind::kProtocol);
}

}  // namespace
}  // namespace poolproof::supervise
