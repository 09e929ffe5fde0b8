// Many histories, and all histories of a small pool: none breaks a law, and every row of the
// life-cycle table is taken. ./dev nightly runs more.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <string>

#include "fuzz/simulation/plan.h"
#include "fuzz/simulation/rows.h"
#include "fuzz/simulation/run.h"

namespace poolproof::simulation {
namespace {

// A sanitized, unoptimized history takes some thirty times as long.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define POOLPROOF_SANITIZED
constexpr std::uint64_t kHistories = 4000;
constexpr std::size_t kEvery = 12;
#else
constexpr std::uint64_t kHistories = 100000;
constexpr std::size_t kEvery = 1;
#endif

TEST(Simulation, of_many_random_histories_none_breaks_a_law) {
  Tally tally;
  EXPECT_EQ(run_random(1, kHistories, tally), "");
  EXPECT_EQ(tally.histories, kHistories);
}

class EveryPath : public testing::TestWithParam<std::size_t> {};
TEST_P(EveryPath, of_two_workers_and_three_tasks_with_one_strike_keeps_the_laws) {
  Tally tally;
  EXPECT_EQ(run_all(variants()[GetParam()].name, 1, tally), "");
  EXPECT_GT(tally.histories, 500u) << "each step has many strikes";
}
INSTANTIATE_TEST_SUITE_P(Variant, EveryPath,
                         testing::Range<std::size_t>(0, variants().size(), kEvery),
                         [](const auto& param) {
                           std::string name = variants()[param.param].name;
                           std::replace_if(
                               name.begin(), name.end(), [](char c) { return !std::isalnum(c); },
                               '_');
                           return name;
                         });

#ifndef POOLPROOF_SANITIZED  // a sanitizer changes nothing here, and some rows are rare
TEST(Simulation, takes_every_row_that_can_be_taken_and_no_other) {
  Tally tally;
  ASSERT_EQ(run_random(1, 150000, tally), "");
  const auto rows = supervise::all_rows();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool can_be = why_unreachable(rows[i]) == nullptr;
    EXPECT_EQ(row_counts()[i] > 0, can_be) << in_words(rows[i]);
  }
}
#endif

TEST(Simulation, replays_a_seed_byte_for_byte) {
  std::set<std::string> different;
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    std::string broken;
    const std::string once = record_of({.seed = seed}, broken);
    EXPECT_EQ(once, record_of({.seed = seed}, broken)) << seed;
    different.insert(once);
  }
  EXPECT_GT(different.size(), 400u) << "another seed is another history";
}

TEST(Simulation, replays_a_path_byte_for_byte) {
  // First the path without any strike. Then: the third strike that is possible at once.
  std::string broken;
  const std::string calm = record_of({.variant = "plain", .path = ""}, broken);
  const std::string struck = record_of({.variant = "plain", .path = "3"}, broken);
  EXPECT_NE(calm, struck);
  EXPECT_EQ(struck, record_of({.variant = "plain", .path = "3"}, broken));
  EXPECT_EQ(broken, "");
}

TEST(Simulation, tells_how_a_history_is_run_again) {
  EXPECT_EQ(command({.seed = 7}), "simulate again --seed 7");
  EXPECT_EQ(command({.variant = "plain", .strikes = 2, .path = "0,4"}),
            "simulate again --variant 'plain' --strikes 2 --path '0,4'");
}

}  // namespace
}  // namespace poolproof::simulation
