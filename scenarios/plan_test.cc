#include "scenarios/plan.h"

#include <gtest/gtest.h>

#include <csignal>

#include "scenarios/scenario.h"

namespace poolproof::scenarios {
namespace {

using faults::EffectKind;
using faults::Point;
using faults::Target;
using Words = std::vector<std::string>;

const Words kEverything = {"worker_processes", "arguments_cross", "results_cross", "task_deadline",
                           "cancel",           "close_drain",     "close_cancel",  "close_kill"};

PoolFacts pool(Recovery recovers, Words capabilities = kEverything) {
  PoolFacts facts;
  facts.pool = "some_pool";
  facts.capabilities = std::move(capabilities);
  facts.recovers = recovers;
  return facts;
}

Accepted by_recovery(Words replaces, Words breaks, Words recreate) {
  return {{{Recovery::kReplaces, std::move(replaces)},
           {Recovery::kBreaks, std::move(breaks)},
           {Recovery::kRecreate, std::move(recreate)}}};
}

// One victim that meets, two bystanders that meet, one that does not; killed while running.
Scenario killed_while_running() {
  Scenario scenario;
  scenario.name = "death/x";
  scenario.claim = "A claim.";
  scenario.tasks = {{"victim", "rendezvous", "1", "", 1, std::nullopt},
                    {"bystander", "rendezvous", "7", "", 2, std::nullopt},
                    {"passer-by", "echo", "8", "", 1, std::nullopt}};
  scenario.faults = {
      {Point::kRunning, "victim", {1}, Target::kWorker, {EffectKind::kSignal, SIGKILL, 0}}};
  RoleClaim victim;
  victim.role = "victim";
  victim.outcome = by_recovery({"worker-lost"}, {"pool-broken"}, {"rejected"});
  victim.cause = by_recovery({"signal:KILL"}, {"none"}, {"unknown"});
  victim.cause_level = Level::kShould;
  victim.within_ms = 3000;
  scenario.roles = {victim};
  return scenario;
}

// "open, warm-up(t1 t2), close drain, strike 0(t6)"
std::string story_of(const Plan& plan) {
  std::string story;
  for (const Step& step : plan.steps) {
    story += (story.empty() ? "" : ", ") + to_string(step.kind);
    if (!step.how.empty()) story += " " + step.how;
    if (step.fault >= 0) story += " " + std::to_string(step.fault);
    std::string ids;
    for (const std::string& id : step.tasks) ids += (ids.empty() ? "" : " ") + id;
    if (!ids.empty()) story += "(" + ids + ")";
  }
  return story;
}

TEST(Plan, begins_with_a_round_that_nothing_strikes_and_probes_before_the_last_close) {
  EXPECT_EQ(story_of(make_plan(killed_while_running(), pool(Recovery::kReplaces))),
            "open, warm-up(t1 t2), close drain, "
            "open, warm-up(t3 t4), submit(t5 t6 t7 t8), strike 0(t6 t7), await-settled, "
            "probe(t9), close drain, bye");
}

TEST(Plan, gives_every_task_an_id_that_tells_nothing_of_its_role) {
  const Plan plan = make_plan(killed_while_running(), pool(Recovery::kReplaces));
  const Words roles = {"warm-up",   "warm-up",   "warm-up",   "warm-up", "victim",
                       "bystander", "bystander", "passer-by", "probe"};
  ASSERT_EQ(plan.tasks.size(), roles.size());
  for (std::size_t i = 0; i < roles.size(); ++i) {
    EXPECT_EQ(plan.tasks[i].id, "t" + std::to_string(i + 1));
    EXPECT_EQ(plan.tasks[i].role, roles[i]);
  }
  EXPECT_EQ(plan.tasks[5].value_json, "7");
}

TEST(Plan, gives_a_pool_that_does_not_replace_a_second_probe_and_a_way_to_reopen) {
  const Plan breaks = make_plan(killed_while_running(), pool(Recovery::kBreaks));
  EXPECT_NE(story_of(breaks).find("probe drain(t9 t10), close drain, bye"), std::string::npos);
  const Plan recreate = make_plan(killed_while_running(), pool(Recovery::kRecreate));
  EXPECT_NE(story_of(recreate).find("probe(t9 t10), close drain, bye"), std::string::npos);
}

TEST(Plan, strikes_an_idle_pool_after_its_workers_are_known_and_before_anything_is_submitted) {
  Scenario scenario = killed_while_running();
  scenario.tasks = {{"bystander", "rendezvous", "7", "", 2, std::nullopt}};
  scenario.faults = {
      {Point::kIdle, "", {1}, Target::kAllWorkers, {EffectKind::kSignal, SIGKILL, 0}}};
  EXPECT_EQ(story_of(make_plan(scenario, pool(Recovery::kReplaces))),
            "open, warm-up(t1 t2), close drain, "
            "open, warm-up(t3 t4), strike 0, submit(t5 t6), await-settled, "
            "probe(t7), close drain, bye");
}

TEST(Plan, strikes_several_faults_in_the_order_of_the_file) {
  Scenario scenario = killed_while_running();
  scenario.faults.push_back(
      {Point::kRunning, "bystander", {1}, Target::kWorker, {EffectKind::kExit, 0, 0}});
  const Plan plan = make_plan(scenario, pool(Recovery::kReplaces));
  // Struck roles meet at their own fault; no other task meets here.
  EXPECT_NE(story_of(plan).find("submit(t5 t6 t7 t8), strike 0, strike 1, await-settled"),
            std::string::npos)
      << story_of(plan);
  EXPECT_EQ(plan.faults, scenario.faults);
}

TEST(Plan, of_a_struck_parent_ends_with_its_end) {
  Scenario scenario = killed_while_running();
  scenario.faults[0].target = Target::kParent;
  scenario.roles.clear();
  scenario.after_usable = false;
  const Plan plan = make_plan(scenario, pool(Recovery::kReplaces));
  EXPECT_EQ(story_of(plan),
            "open, warm-up(t1 t2), close drain, "
            "open, warm-up(t3 t4), submit(t5 t6 t7 t8), strike 0(t6 t7), await-parent-end");
  EXPECT_TRUE(plan.expect.roles.empty());
  EXPECT_TRUE(plan.expect.after.one_of.empty());
  EXPECT_EQ(plan.expect.leftovers.one_of, Words{"none"});
}

TEST(Plan, that_closes_while_struck_closes_before_anything_settles_and_probes_a_new_pool) {
  Scenario scenario = killed_while_running();
  scenario.faults[0].effect = {EffectKind::kSleep, 0, 0};
  scenario.close = "kill";
  scenario.close_when = CloseWhen::kStruck;
  EXPECT_EQ(story_of(make_plan(scenario, pool(Recovery::kReplaces))),
            "open, warm-up(t1 t2), close drain, "
            "open, warm-up(t3 t4), submit(t5 t6 t7 t8), strike 0(t6 t7), close kill, "
            "await-settled, open, probe(t9), close drain, bye");
  scenario.after_usable = false;
  EXPECT_EQ(story_of(make_plan(scenario, pool(Recovery::kReplaces))),
            "open, warm-up(t1 t2), close drain, "
            "open, warm-up(t3 t4), submit(t5 t6 t7 t8), strike 0(t6 t7), close kill, "
            "await-settled, bye");
}

TEST(Plan, asks_for_no_probe_where_nothing_is_claimed_of_afterwards) {
  Scenario scenario = killed_while_running();
  scenario.after_usable = false;
  const Plan plan = make_plan(scenario, pool(Recovery::kReplaces));
  EXPECT_NE(story_of(plan).find("await-settled, close drain, bye"), std::string::npos);
  EXPECT_TRUE(plan.expect.after.one_of.empty());
}

TEST(Plan, closes_in_the_gentlest_way_that_the_pool_has) {
  const auto closes = [](Words capabilities) {
    const Plan plan =
        make_plan(killed_while_running(), pool(Recovery::kBreaks, std::move(capabilities)));
    Words how;
    for (const Step& step : plan.steps)
      if (!step.how.empty()) how.push_back(step.how);
    return how;
  };
  EXPECT_EQ(closes({"close_kill", "close_cancel", "close_drain"}),
            (Words{"drain", "drain", "drain"}));
  EXPECT_EQ(closes({"close_kill", "close_cancel"}), (Words{"cancel", "cancel", "cancel"}));
  EXPECT_EQ(closes({"close_kill"}), (Words{"kill", "kill", "kill"}));
}

TEST(Plan, closes_the_struck_pool_as_demanded_and_the_others_gently) {
  Scenario scenario = killed_while_running();
  scenario.close = "cancel";
  EXPECT_EQ(story_of(make_plan(scenario, pool(Recovery::kBreaks))),
            "open, warm-up(t1 t2), close drain, "
            "open, warm-up(t3 t4), submit(t5 t6 t7 t8), strike 0(t6 t7), await-settled, "
            "probe drain(t9 t10), close cancel, bye");
}

TEST(Plan, holds_a_pool_to_the_recovery_that_it_declares) {
  const auto expected = [](Recovery recovers) {
    return make_plan(killed_while_running(), pool(recovers)).expect.roles.at(0);
  };
  EXPECT_EQ(expected(Recovery::kReplaces).outcome.one_of, Words{"worker-lost"});
  EXPECT_EQ(expected(Recovery::kBreaks).outcome.one_of, Words{"pool-broken"});
  EXPECT_EQ(expected(Recovery::kRecreate).outcome.one_of, Words{"rejected"});
  EXPECT_EQ(expected(Recovery::kBreaks).cause.one_of, Words{"none"});
  EXPECT_EQ(expected(Recovery::kBreaks).cause.level, Level::kShould);
  EXPECT_TRUE(expected(Recovery::kBreaks).blame.one_of.empty());
  EXPECT_EQ(expected(Recovery::kBreaks).within_ms, 3000);
}

TEST(Plan, reads_breaks_for_recreate_where_a_claim_has_no_word_of_its_own) {
  Scenario scenario = killed_while_running();
  scenario.roles[0].outcome->of.erase(Recovery::kRecreate);
  const Plan plan = make_plan(scenario, pool(Recovery::kRecreate));
  EXPECT_EQ(plan.expect.roles.at(0).outcome.one_of, Words{"pool-broken"});
}

TEST(Plan, warms_up_as_many_workers_as_the_pool_has) {
  Scenario scenario = killed_while_running();
  scenario.workers = 3;
  const Plan plan = make_plan(scenario, pool(Recovery::kReplaces));
  EXPECT_EQ(plan.workers, 3);
  EXPECT_EQ(plan.steps[1].tasks, (Words{"t1", "t2", "t3"}));
}

Words all_but(const std::string& capability) {
  Words rest;
  for (const std::string& one : kEverything)
    if (one != capability) rest.push_back(one);
  return rest;
}

Words missing(const Scenario& scenario, const std::string& capability) {
  return missing_capabilities(scenario, pool(Recovery::kReplaces, all_but(capability)));
}

TEST(Capabilities, are_needed_where_a_part_of_the_scenario_implies_them) {
  Scenario scenario = killed_while_running();
  EXPECT_EQ(missing(scenario, "worker_processes"), Words{"worker_processes"});
  EXPECT_EQ(missing(scenario, "task_deadline"), Words{});
  scenario.tasks[0].deadline_ms = 100;
  EXPECT_EQ(missing(scenario, "task_deadline"), Words{"task_deadline"});
  scenario.tasks[2].body = "carry";
  scenario.tasks[2].stage = "decode-args";
  EXPECT_EQ(missing(scenario, "arguments_cross"), Words{"arguments_cross"});
  EXPECT_EQ(missing(scenario, "results_cross"), Words{});
  scenario.tasks[2].stage = "encode-result";
  EXPECT_EQ(missing(scenario, "results_cross"), Words{"results_cross"});
  EXPECT_EQ(missing(scenario, "close_kill"), Words{});
  scenario.close = "kill";
  EXPECT_EQ(missing(scenario, "close_kill"), Words{"close_kill"});
  scenario.needs = {"cancel"};
  EXPECT_EQ(missing(scenario, "cancel"), Words{"cancel"});
  EXPECT_EQ(missing_capabilities(scenario, pool(Recovery::kReplaces)), Words{});
}

TEST(Capabilities, to_lose_a_worker_are_not_needed_for_an_exception_or_the_parents_end) {
  Scenario scenario = killed_while_running();
  scenario.faults[0].effect = {EffectKind::kThrow, 0, 0};
  EXPECT_EQ(missing(scenario, "worker_processes"), Words{});
  scenario.faults[0].effect = {EffectKind::kLoop, 0, 0};
  EXPECT_EQ(missing(scenario, "worker_processes"), Words{"worker_processes"});
  scenario.faults[0] = {
      Point::kRunning, "victim", {1}, Target::kParent, {EffectKind::kSignal, SIGKILL, 0}};
  EXPECT_EQ(missing(scenario, "worker_processes"), Words{});
}

TEST(Capabilities, to_close_are_needed_in_one_way_or_another) {
  EXPECT_EQ(missing(killed_while_running(), "close_drain"), Words{});
  EXPECT_EQ(
      missing_capabilities(killed_while_running(), pool(Recovery::kReplaces, {"worker_processes"})),
      Words{"close_drain"});
  Scenario scenario = killed_while_running();
  scenario.close = "drain";
  EXPECT_EQ(missing_capabilities(scenario, pool(Recovery::kReplaces, {"worker_processes"})),
            Words{"close_drain"});
}

TEST(Capabilities, that_are_missing_are_told_in_one_order_and_once) {
  Scenario scenario = killed_while_running();
  scenario.needs = {"close_cancel", "worker_processes", "arguments_cross"};
  EXPECT_EQ(missing_capabilities(scenario, pool(Recovery::kReplaces, {"close_drain"})),
            (Words{"worker_processes", "arguments_cross", "close_cancel"}));
}

}  // namespace
}  // namespace poolproof::scenarios
