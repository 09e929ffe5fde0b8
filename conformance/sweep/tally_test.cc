#include "conformance/sweep/tally.h"

#include <gtest/gtest.h>

#include "conformance/sweep/staged_recording.h"

namespace poolproof::conformance::sweep {
namespace {

using faults::Moment;
using scenarios::Level;

// A sweep of the staged recording that passed completely; each test changes one thing.
class TallyTest : public testing::Test {
 protected:
  TallyTest() {
    auto rare = staged::run_of_a_forking_pool();
    staged::drop_calls(rare, "write:pipe#2 in after-1");
    const auto usual = staged::run_of_a_forking_pool();
    swept_.workloads = {{*find_workload("big_results"), learn({usual, usual, rare}, 1)}};
    const Wanted wanted{parse_effects("kill"), {}, {}, {}, {}};
    for (const Point& point :
         points_of("big_results", swept_.workloads.front().recording, wanted, false)) {
      CellVerdict cell{.pool = "p", .scenario = scenario_of(point)};
      cell.attempts = {AttemptVerdict{}};
      swept_.points.push_back({point, cell});
      swept_.cells.push_back(cell);
    }
  }

  void set(const char* label, Moment moment, Status status, bool blank = false) {
    for (SweptPoint& one : swept_.points) {
      if (to_string(one.point.label) != label || one.point.moment != moment) continue;
      one.verdict->status = one.verdict->attempts.front().status = status;
      one.verdict->attempts.front().blank = blank;
      one.verdict->parts = {{"task.outcome", status, Level::kMust, "a value", "nothing"}};
      for (CellVerdict& cell : swept_.cells)
        if (cell.scenario == one.verdict->scenario) cell = *one.verdict;
    }
  }

  Swept swept_;
};

TEST_F(TallyTest, all_struck_is_full_coverage_and_a_zero) {
  const Tally tally = tally_of(swept_);
  EXPECT_TRUE(tally.failures.empty());
  EXPECT_TRUE(tally.never_fired.empty());
  EXPECT_EQ(tally.left, 0);
  for (const char* moment : {"before", "torn", "after"})
    EXPECT_EQ(tally.by_moment.at(moment).struck, tally.by_moment.at(moment).recorded) << moment;
  EXPECT_EQ(tally.by_moment.at("torn").recorded, 2) << "two writes, however they are torn";
  EXPECT_EQ(tally.by_phase.at(Phase::kShutdown).at(Status::kPass), 1);
  EXPECT_EQ(exit_status(swept_, Level::kMust), 0);
}

TEST_F(TallyTest, failures_that_are_alike_stand_together_the_most_first) {
  set("worker write:pipe#2 in after-1", Moment::kBefore, Status::kHangQuiet);
  set("worker write:pipe#1 in after-1", Moment::kAfter, Status::kHangQuiet);
  set("worker read:pipe#1 in start", Moment::kAfter, Status::kWrongError);
  const Tally tally = tally_of(swept_);
  ASSERT_EQ(tally.failures.size(), 2U);
  EXPECT_EQ(tally.failures[0].size(), 2U);
  EXPECT_EQ(tally.failures[0][0].verdict.status, Status::kHangQuiet);
  EXPECT_EQ(tally.by_phase.at(Phase::kSend).at(Status::kHangQuiet), 2);
  EXPECT_EQ(exit_status(swept_, Level::kMust), 1);
}

TEST_F(TallyTest, a_point_that_never_fired_is_no_pass_and_lowers_the_coverage) {
  set("worker read:pipe#1 in start", Moment::kBefore, Status::kVacuous, true);
  const Tally tally = tally_of(swept_);
  ASSERT_EQ(tally.never_fired.size(), 1U);
  EXPECT_EQ(tally.never_fired[0].recorded_in, 3);
  EXPECT_EQ(tally.by_moment.at("before").struck, tally.by_moment.at("before").recorded - 1);
  EXPECT_EQ(tally.by_phase.count(Phase::kFetch), 1U);
  EXPECT_EQ(exit_status(swept_, Level::kMust), 3) << "its call came in every recorded run";
}

TEST_F(TallyTest, a_call_that_comes_now_and_then_may_never_fire) {
  set("worker write:pipe#2 in after-1", Moment::kBefore, Status::kVacuous, true);
  EXPECT_EQ(tally_of(swept_).never_fired[0].recorded_in, 2);
  EXPECT_EQ(exit_status(swept_, Level::kMust), 0);
}

TEST_F(TallyTest, a_strike_without_its_receipt_is_inconclusive) {
  set("worker write:pipe#2 in after-1", Moment::kBefore, Status::kVacuous, false);
  EXPECT_EQ(tally_of(swept_).inconclusive.size(), 1U);
  EXPECT_TRUE(tally_of(swept_).never_fired.empty());
  EXPECT_EQ(exit_status(swept_, Level::kMust), 3);
}

TEST_F(TallyTest, what_the_budget_left_is_counted_and_no_failure) {
  swept_.cells.pop_back();
  swept_.points.back().verdict.reset();
  EXPECT_EQ(tally_of(swept_).left, 1);
  EXPECT_EQ(exit_status(swept_, Level::kMust), 0);
  swept_.interrupted = true;
  EXPECT_EQ(exit_status(swept_, Level::kMust), 130);
}

}  // namespace
}  // namespace poolproof::conformance::sweep
