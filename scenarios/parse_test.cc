#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "scenarios/broken_file.h"

namespace poolproof::scenarios {
namespace {

using Words = std::vector<std::string>;

Scenario changed(const std::string& from, const std::string& to) {
  std::string text = kGoodFile;
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return parse_scenario(text.replace(at, from.size(), to), "death/x", "x.toml");
}

TEST(ScenarioFile, says_who_does_what_and_what_strikes_them) {
  const Scenario scenario = parse_scenario(kGoodFile, "death/x", "x.toml");
  EXPECT_EQ(scenario.name, "death/x");
  EXPECT_EQ(scenario.claim, "A claim.");
  EXPECT_EQ(scenario.see, Words{"measured: once"});
  EXPECT_EQ(scenario.needs, Words{"worker_processes"});
  EXPECT_EQ(scenario.workers, 2);
  EXPECT_EQ(scenario.close, "drain");
  EXPECT_EQ(scenario.close_when, CloseWhen::kEnd);
  ASSERT_EQ(scenario.tasks.size(), 2u);
  EXPECT_EQ(scenario.tasks[0].role, "victim");
  EXPECT_EQ(scenario.tasks[0].body, "rendezvous");
  EXPECT_EQ(scenario.tasks[0].value_json, "null");
  EXPECT_EQ(scenario.tasks[1].value_json, "7");
  EXPECT_EQ(scenario.tasks[1].count, 6);
  faults::Fault fault;
  fault.role = "victim";
  fault.effect = {faults::EffectKind::kSignal, SIGKILL, 0};
  EXPECT_EQ(scenario.faults, std::vector<faults::Fault>{fault});
}

TEST(ScenarioFile, says_what_is_expected_of_each_role_and_of_the_pool) {
  const Scenario scenario = parse_scenario(kGoodFile, "death/x", "x.toml");
  ASSERT_EQ(scenario.roles.size(), 2u);
  const RoleClaim& victim = scenario.roles[0];
  EXPECT_EQ(victim.outcome->of.at(Recovery::kReplaces), Words{"worker-lost"});
  EXPECT_EQ(victim.outcome->of.at(Recovery::kBreaks), (Words{"worker-lost", "pool-broken"}));
  EXPECT_EQ(victim.outcome_level, Level::kMust);
  EXPECT_EQ(victim.cause->of.at(Recovery::kReplaces), Words{"signal:KILL"});
  EXPECT_EQ(victim.cause_level, Level::kShould);
  EXPECT_FALSE(victim.certainty.has_value());
  EXPECT_FALSE(victim.blame.has_value());
  EXPECT_EQ(victim.within_ms, 3000);
  EXPECT_EQ(scenario.roles[1].within_ms, 5000);
  EXPECT_TRUE(scenario.after_usable);
  EXPECT_TRUE(scenario.leftovers_none);
  EXPECT_EQ(scenario.closes_within_ms, 5000);
}

TEST(ScenarioFile, reads_breaks_where_recreate_has_no_words_of_its_own) {
  const auto outcome = parse_scenario(kGoodFile, "death/x", "x.toml").roles[0].outcome;
  EXPECT_EQ(outcome->of.at(Recovery::kRecreate), (Words{"worker-lost", "pool-broken"}));
  const auto own = changed("if.replaces = \"worker-lost\"",
                           "if.replaces = \"worker-lost\", if.recreate = \"pool-broken\"");
  EXPECT_EQ(own.roles[0].outcome->of.at(Recovery::kRecreate), Words{"pool-broken"});
}

TEST(ScenarioFile, keeps_the_tasks_in_the_order_of_the_file_however_they_are_written) {
  const std::string text = R"(
claim = "A claim."
see = "measured: once"
[expect.zulu]
outcome = "value"
[expect.alpha]
outcome = "value"
[task.zulu]
body = "rendezvous"
[task.alpha]
body = "rendezvous"
[[fault]]
at = "running:zulu"
do = "loop"
[[fault]]
at = "running:zulu"
do = "exit:3"
nth = 2
)";
  const Scenario scenario = parse_scenario(text, "a/b", "x.toml");
  ASSERT_EQ(scenario.tasks.size(), 2u);
  EXPECT_EQ(scenario.tasks[0].role, "zulu");
  EXPECT_EQ(scenario.tasks[1].role, "alpha");
  ASSERT_EQ(scenario.faults.size(), 2u);
  EXPECT_EQ(scenario.faults[1].trigger.nth, 2);
  EXPECT_EQ(faults::to_string(scenario.faults[1].effect), "exit:3");
  EXPECT_EQ(scenario.close, "");
}

TEST(ScenarioFile, carries_any_value_that_json_can_write) {
  const auto value = [](const std::string& toml) {
    return changed("value = 7", "value = " + toml).tasks[1].value_json;
  };
  EXPECT_EQ(value("\"text\""), "\"text\"");
  EXPECT_EQ(value("true"), "true");
  EXPECT_EQ(value("-1.5"), "-1.5");
  EXPECT_EQ(value("9223372036854775807"), "9223372036854775807");
  EXPECT_EQ(value("[1, [\"a\"], { b = 2 }]"), R"([1,["a"],{"b":2}])");
}

TEST(ScenarioFile, may_weigh_each_claim_and_leave_out_those_about_the_whole) {
  const auto by_recovery = changed(
      "outcome = \"value\"",
      "outcome = { if.replaces = \"value\", if.breaks = \"pool-broken\", level = \"informs\" }");
  EXPECT_EQ(by_recovery.roles[1].outcome_level, Level::kInforms);
  EXPECT_EQ(by_recovery.roles[1].outcome->of.at(Recovery::kBreaks), Words{"pool-broken"});
  const auto lighter =
      changed("after = \"usable\"", "after = { is = \"usable\", level = \"should\" }");
  EXPECT_TRUE(lighter.after_usable);
  EXPECT_EQ(lighter.after_level, Level::kShould);
  EXPECT_FALSE(changed("after = \"usable\"", "after = \"any\"").after_usable);
  EXPECT_FALSE(changed("leftovers = \"none\"", "leftovers = \"any\"").leftovers_none);
}

TEST(ScenarioFile, may_demand_a_way_to_close_and_its_moment) {
  EXPECT_EQ(changed("close = \"drain\"\n", "").close, "");
  const auto end = changed("close = \"drain\"", "close = { how = \"kill\" }");
  EXPECT_EQ(end.close, "kill");
  EXPECT_EQ(end.close_when, CloseWhen::kEnd);
  const auto struck = changed("close = \"drain\"", "close = { how = \"kill\", when = \"struck\" }");
  EXPECT_EQ(struck.close_when, CloseWhen::kStruck);
}

TEST(ScenarioFile, reads_durations_in_seconds_and_milliseconds) {
  EXPECT_EQ(changed("\"3s\"", "\"200ms\"").roles[0].within_ms, 200);
  EXPECT_EQ(changed("\"3s\"", "\"600s\"").roles[0].within_ms, 600'000);
  EXPECT_EQ(changed("leftovers = \"none\"", "closes_within = \"1500ms\"").closes_within_ms, 1500);
}

TEST(ScenarioFile, of_a_struck_parent_claims_nothing_but_leftovers) {
  const Scenario scenario = parse_scenario(kParentFile, "parent/x", "x.toml");
  EXPECT_EQ(scenario.faults[0].target, faults::Target::kParent);
  EXPECT_TRUE(scenario.roles.empty());
  EXPECT_FALSE(scenario.after_usable);
  EXPECT_TRUE(scenario.leftovers_none);
}

TEST(ScenarioFile, that_is_no_utf8_is_refused_at_its_place) {
  std::string text = kGoodFile;
  text[text.find("A claim")] = static_cast<char>(0xff);
  EXPECT_EQ(complaint_about(text).rfind("x.toml:1:", 0), 0u) << complaint_about(text);
}

}  // namespace
}  // namespace poolproof::scenarios
