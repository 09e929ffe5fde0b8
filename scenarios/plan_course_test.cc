// The order of a plan whose scenario does more than submit, strike and close.
#include <gtest/gtest.h>

#include <algorithm>

#include "scenarios/plan.h"
#include "scenarios/scenario.h"
#include "scenarios/words.h"

namespace poolproof::scenarios {
namespace {

using Kinds = std::vector<StepKind>;

PoolFacts able() {
  PoolFacts facts;
  facts.pool = "some_pool";
  facts.capabilities.assign(words::kCapabilities.begin(), words::kCapabilities.end());
  return facts;
}

Plan plan_of(const std::string& middle) {
  const std::string text = "claim = \"A claim.\"\nsee = \"measured: once\"\n" + middle;
  return make_plan(parse_scenario(text, "death/x", "x.toml"), able());
}

// The steps after the second warm-up.
Kinds course_of(const Plan& plan) {
  Kinds kinds;
  for (const Step& step : plan.steps) kinds.push_back(step.kind);
  kinds.erase(kinds.begin(), kinds.begin() + 5);
  return kinds;
}

const char* const kExpect =
    "[expect.victim]\nerror = \"worker-lost\"\n[expect.other]\noutcome = [\"value\", "
    "\"cancelled\"]\n";

TEST(PlanCourse, a_close_that_is_under_way_begins_before_the_strike_and_is_awaited_after_all) {
  const Plan plan = plan_of(
      "close = { how = \"drain\", when = \"striking\" }\n"
      "task.victim = { body = \"rendezvous\" }\ntask.other = { body = \"echo\", value = 1 }\n"
      "fault = [{ at = \"running:victim\", do = \"kill\" }]\n" +
      std::string(kExpect));
  EXPECT_EQ(course_of(plan),
            (Kinds{StepKind::kSubmit, StepKind::kBeginClose, StepKind::kStrike,
                   StepKind::kAwaitSettled, StepKind::kAwaitClosed, StepKind::kOpen,
                   StepKind::kProbe, StepKind::kClose, StepKind::kBye}));
  EXPECT_EQ(plan.steps[6].how, "drain");
}

TEST(PlanCourse, tasks_are_cancelled_once_all_are_submitted) {
  const Plan plan = plan_of(
      "task.victim = { body = \"rendezvous\" }\n"
      "task.other = { body = \"echo\", value = 1, count = 2, cancel = true }\n"
      "fault = [{ at = \"running:victim\", do = \"kill\" }]\n" +
      std::string(kExpect));
  const Kinds kinds = course_of(plan);
  EXPECT_EQ(Kinds(kinds.begin(), kinds.begin() + 3),
            (Kinds{StepKind::kSubmit, StepKind::kCancel, StepKind::kStrike}));
  EXPECT_EQ(plan.steps[5].tasks.size(), 3u);
  EXPECT_EQ(plan.steps[6].tasks, (std::vector<std::string>{"t6", "t7"}));
}

TEST(PlanCourse, a_task_that_a_callback_submits_is_planned_and_not_submitted_by_us) {
  const Plan plan = plan_of(
      "task.victim = { body = \"rendezvous\" }\n"
      "task.other = { body = \"echo\", value = 1, submitted_by = \"victim\" }\n"
      "fault = [{ at = \"running:victim\", do = \"kill\" }]\n" +
      std::string(kExpect));
  EXPECT_EQ(plan.steps[5].tasks, std::vector<std::string>{"t5"});
  EXPECT_EQ(plan.tasks[5].id, "t6");
  EXPECT_EQ(plan.tasks[5].submitted_by, "t5");
}

TEST(PlanCourse, a_struck_callback_meets) {
  const Plan plan = plan_of(
      "task.victim = { body = \"echo\", value = 2 }\ntask.other = { body = \"echo\", value = 1 }\n"
      "fault = [{ at = \"callback:victim\", do = \"throw\" }]\n"
      "[expect.victim]\noutcome = \"value\"\n[expect.other]\noutcome = \"value\"\n");
  const auto meets = [&](const std::string& role) {
    return std::all_of(plan.tasks.begin(), plan.tasks.end(), [&](const PlannedTask& task) {
      return task.meets_when_done == (task.role == role);
    });
  };
  EXPECT_TRUE(meets("victim"));
}

TEST(PlanCourse, a_large_result_is_expected_by_its_length) {
  const Plan plan = plan_of(
      "task.victim = { body = \"large\", bytes = 100000 }\n"
      "fault = [{ at = \"sending:victim\", do = \"kill\" }]\n"
      "[expect.victim]\nerror = \"worker-lost\"\n");
  EXPECT_EQ(plan.tasks[4].bytes, 100000);
  EXPECT_EQ(plan.tasks[4].value_json, R"({"length":100000})");
}

TEST(PlanCourse, nothing_comes_after_the_end_of_an_idle_program) {
  const Plan plan = plan_of(
      "fault = [{ at = \"idle\", do = \"kill\", target = \"parent\" }]\n[expect]\nleftovers = "
      "\"none\"\n");
  EXPECT_EQ(course_of(plan), (Kinds{StepKind::kStrike, StepKind::kAwaitParentEnd}));
}

TEST(PlanCourse, each_way_of_doing_needs_its_capability) {
  PoolFacts poor;
  const auto needs = [&](const std::string& middle) {
    const std::string text = "claim = \"A claim.\"\nsee = \"measured: once\"\n" + middle;
    auto missing = missing_capabilities(parse_scenario(text, "death/x", "x.toml"), poor);
    std::erase(missing, "close_drain");
    return missing;
  };
  using Words = std::vector<std::string>;
  const std::string value = "[expect.victim]\noutcome = \"value\"\n";
  EXPECT_EQ(needs("task.victim = { body = \"echo\", value = 1 }\nfault = [{ at = "
                  "\"callback:victim\", do = \"throw\" }]\n" +
                  value),
            Words{"done_callback"});
  EXPECT_EQ(needs("task.victim = { body = \"echo\", value = 1, cancel = true }\n" + value),
            Words{"cancel"});
  EXPECT_EQ(needs("task.victim = { body = \"rendezvous\" }\nfault = [{ at = \"running:victim\", do "
                  "= \"throw-undecodable\" }]\n" +
                  value),
            Words{"results_cross"});
  EXPECT_EQ(needs("task.victim = { body = \"large\", bytes = 70000 }\nfault = [{ at = "
                  "\"sending:victim\", do = \"kill\" }]\n" +
                  value),
            (Words{"worker_processes", "results_cross"}));
}

}  // namespace
}  // namespace poolproof::scenarios
