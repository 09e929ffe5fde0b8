#include "executor/supervise/lifecycle.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "executor/check.h"

namespace poolproof::supervise {
namespace {

// The compiler already proves some things (every pair once, no abort by a worker, only an exit
// reaps). They are not tested here. Single rows are tested by loop_*_test.cc and by the properties
// in fuzz/.

TEST(Lifecycle, an_exit_leads_to_the_grave_from_everywhere) {
  for (const Row& row : all_rows()) {
    if (row.on == Event::kExit) {
      EXPECT_EQ(row.next, State::kReaped) << to_string(row.in);
    }
  }
}

TEST(Lifecycle, a_row_that_kills_leads_to_a_state_that_awaits_the_exit) {
  const std::set<Action> kills = {Action::kKill,        Action::kKillOverdue, Action::kKillLost,
                                  Action::kKillLate,    Action::kRefuse,      Action::kKillOverrun,
                                  Action::kKillViolator};
  for (const Row& row : all_rows()) {
    const bool awaits = row.next == State::kKilling || row.next == State::kViolation;
    if (kills.contains(row.action)) {
      EXPECT_TRUE(awaits) << to_string(row.in) << to_string(row.on);
    }
  }
}

TEST(Lifecycle, every_action_state_and_event_has_a_name_of_its_own) {
  std::set<std::string> names;
  for (const Row& row : all_rows()) {
    EXPECT_STRNE(to_string(row.action), "");
    names.insert(to_string(row.action));
  }
  EXPECT_EQ(names.size(), kActions);
}

TEST(Lifecycle, a_bug_changes_nothing_so_that_the_report_shows_what_was) {
  for (const Row& row : all_rows()) {
    if (row.action == Action::kBug) {
      EXPECT_EQ(row.next, row.in);
    }
  }
}

TEST(LifecycleDeathTest, the_check_names_file_line_and_reason) {
  EXPECT_DEATH(POOLPROOF_CHECK(1 + 1 == 3, "arithmetic"), "lifecycle_test.cc:.*bug.*arithmetic");
}

}  // namespace
}  // namespace poolproof::supervise
