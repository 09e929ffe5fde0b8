// Whole attempts in virtual time: a correct pool passes each shipped scenario, whichever way it
// recovers; and every way in which an attempt can end.
#include "conformance/run/staged_run.h"

namespace poolproof::conformance {
namespace {

using scenarios::Recovery;

class EveryScenario : public testing::TestWithParam<Recovery> {};

TEST_P(EveryScenario, passes_on_a_correct_pool) {
  for (const auto& scenario : scenarios::load_scenarios(POOLPROOF_SOURCE_DIR "/scenarios")) {
    StagedRun attempt(GetParam());
    EXPECT_EQ(attempt.run(scenario.name), "done") << scenario.name << ": " << attempt.why();
    EXPECT_TRUE(attempt.passes()) << scenario.name << ": " << attempt.complaint();
  }
}

INSTANTIATE_TEST_SUITE_P(Recovers, EveryScenario,
                         testing::Values(Recovery::kReplaces, Recovery::kBreaks,
                                         Recovery::kRecreate),
                         [](const auto& each) { return scenarios::to_string(each.param); });

constexpr const char* kKilled = "death/killed_while_running";

}  // namespace
}  // namespace poolproof::conformance
