#include "conformance/sweep/workload.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>

#include "conformance/sweep/points.h"

namespace poolproof::conformance::sweep {
namespace {

using scenarios::Plan;
using scenarios::PoolFacts;
using scenarios::Recovery;
using scenarios::StepKind;
using Words = std::vector<std::string>;

PoolFacts facts(Recovery recovers = Recovery::kReplaces) {
  return {"some_pool", "1", {"worker_processes", "close_drain"}, recovers, 1.0, "a test"};
}

faults::Trace striking(const char* at, const char* effect) {
  return {{"write"},
          false,
          faults::CallStrike{{"adapter>fork"},
                             faults::parse_call_label(at).value(),
                             faults::Moment::kBefore,
                             parse_effects(effect).front()}};
}

Plan plan(const char* at, const char* effect, const PoolFacts& of = facts()) {
  return plan_of(*find_workload("big_results"), of, "sweep/x", striking(at, effect));
}

Words steps_of(const Plan& plan) {
  Words steps;
  for (const auto& step : plan.steps) steps.push_back(to_string(step.kind));
  return steps;
}

const Words& outcomes(const Plan& plan) { return plan.expect.roles.front().outcome.one_of; }

bool allows(const Plan& plan, const std::string& kind) {
  return std::find(outcomes(plan).begin(), outcomes(plan).end(), kind) != outcomes(plan).end();
}

TEST(SweepPlan, is_armed_after_the_round_that_nothing_strikes_and_before_the_pool_that_is_struck) {
  EXPECT_EQ(steps_of(plan("write:pipe#2 in after-1", "kill")),
            (Words{"open", "warm-up", "close", "arm", "open", "submit", "await-settled", "probe",
                   "close", "bye"}));
}

TEST(SweepPlan, without_a_trace_is_the_same_and_unarmed) {
  const Plan bare = plan_of(*find_workload("lifecycle"), facts(), "sweep/x", std::nullopt);
  EXPECT_FALSE(bare.trace);
  EXPECT_EQ(steps_of(bare), (Words{"open", "warm-up", "close", "open", "submit", "await-settled",
                                   "probe", "close", "bye"}));
  EXPECT_EQ(outcomes(bare), Words{"value"}) << "nothing strikes, so nothing may be lost";
}

TEST(SweepPlan, reads_back_from_the_record_as_it_was) {
  const Plan whole = plan("write:pipe#2 in after-1", "kill");
  const nlohmann::json written = whole;
  EXPECT_EQ(nlohmann::json::parse(written.dump()).get<Plan>(), whole);
}

TEST(SweepPlan, holds_a_pool_that_replaces_to_one_lost_task_and_a_pool_that_breaks_to_its_word) {
  const Plan replaces = plan("write:pipe#2 in after-1", "kill");
  EXPECT_EQ(replaces.expect.lost_at_most, 1);
  EXPECT_FALSE(allows(replaces, "pool-broken"));
  const Plan breaks = plan("write:pipe#2 in after-1", "kill", facts(Recovery::kBreaks));
  EXPECT_EQ(breaks.expect.lost_at_most, std::nullopt);
  EXPECT_TRUE(allows(breaks, "pool-broken"));
}

TEST(SweepPlan, lets_a_spawn_fail_only_before_the_first_task) {
  EXPECT_TRUE(allows(plan("write:pipe#1 in start", "kill"), "spawn-failed"));
  EXPECT_FALSE(allows(plan("write:pipe#1 in after-1", "kill"), "spawn-failed"));
}

TEST(SweepPlan, lets_no_task_fail_once_the_pool_was_told_to_close) {
  EXPECT_EQ(outcomes(plan("write:pipe#1 in shutdown", "kill")), Words{"value"});
}

TEST(SweepPlan, arms_deadlines_where_a_worker_freezes_and_ends_it_before_the_probe) {
  PoolFacts of = facts();
  EXPECT_FALSE(can_be_frozen(of));
  of.capabilities = {"worker_processes", "close_drain", "task_deadline", "close_kill"};
  EXPECT_TRUE(can_be_frozen(of));
  const Plan frozen = plan("write:pipe#1 in after-1", "freeze", of);
  EXPECT_TRUE(allows(frozen, "deadline"));
  for (const auto& task : frozen.tasks)
    EXPECT_EQ(task.deadline_ms.has_value(), task.role == "task") << task.id;
  const Words steps = steps_of(frozen);
  EXPECT_EQ(Words(steps.end() - 5, steps.end()), (Words{"close", "open", "probe", "close", "bye"}));
  EXPECT_EQ(frozen.steps[7].how, "kill");
}

TEST(SweepPlan, expects_an_error_of_the_system_to_be_absorbed_or_told_cleanly) {
  EXPECT_TRUE(allows(plan("write:pipe#1 in after-1", "errno:EINTR"), "task-error"));
  EXPECT_FALSE(allows(plan("write:pipe#1 in after-1", "kill"), "task-error"));
}

PoolFacts able(std::initializer_list<const char*> more, Recovery recovers = Recovery::kReplaces) {
  PoolFacts of = facts(recovers);
  of.capabilities.insert(of.capabilities.end(), more.begin(), more.end());
  return of;
}

Plan life(const PoolFacts& of) {
  return plan_of(*find_workload("lifecycle"), of, "sweep/x", std::nullopt);
}

int tasks_of(const Plan& plan) {
  return static_cast<int>(std::count_if(plan.tasks.begin(), plan.tasks.end(),
                                        [](const auto& task) { return task.role == "task"; }));
}

TEST(Lifecycle, asks_a_pool_for_nothing_that_it_has_not) {
  EXPECT_EQ(life(facts()).opening, scenarios::Opening{});
  EXPECT_EQ(tasks_of(life(facts())), kWorkers);
  EXPECT_EQ(share_of(*find_workload("lifecycle"), facts()), 1);
}

TEST(Lifecycle, initializes_and_recycles_so_that_replacements_have_tasks_too) {
  const PoolFacts of = able({"initializer", "recycles"});
  const Plan plan = life(of);
  EXPECT_TRUE(plan.opening.initializer);
  EXPECT_EQ(plan.opening.tasks_per_worker, 1);
  EXPECT_GT(tasks_of(plan), kWorkers * *plan.opening.tasks_per_worker);
  EXPECT_EQ(share_of(*find_workload("lifecycle"), of), *plan.opening.tasks_per_worker)
      << "no worker's life has more";
}

TEST(Lifecycle, resizes_down_and_up_again_with_tasks_after_each) {
  const Plan plan = life(able({"resize"}));
  const Words steps = steps_of(plan);
  EXPECT_EQ(Words(steps.begin() + 3, steps.end()),
            (Words{"open", "submit", "await-settled", "resize", "submit", "await-settled", "resize",
                   "submit", "await-settled", "probe", "close", "bye"}));
  EXPECT_EQ(plan.steps[6].workers, 1);
  EXPECT_EQ(plan.steps[9].workers, kWorkers);
  EXPECT_EQ(plan.steps[7].tasks.size(), 1U);
  EXPECT_EQ(plan.steps[10].tasks.size(), 2U);
  EXPECT_EQ(tasks_of(plan), kWorkers + 1 + kWorkers);
}

TEST(Lifecycle, does_not_resize_what_a_death_breaks_for_good) {
  EXPECT_FALSE(course_of(*find_workload("lifecycle"), able({"resize"}, Recovery::kBreaks)).resizes);
}

TEST(Lifecycle, is_the_only_workload_that_changes_with_what_a_pool_has) {
  const PoolFacts of = able({"initializer", "recycles", "resize"});
  for (const Workload& workload : workloads())
    EXPECT_EQ(course_of(workload, of) != course_of(workload, facts()), workload.whole_life)
        << workload.name;
}

TEST(Workloads, are_three_and_big_results_are_larger_than_a_pipe) {
  EXPECT_EQ(workloads().size(), 3U);
  for (const auto& task : plan("write:pipe#1 in after-1", "kill").tasks)
    if (task.role == "task") {
      EXPECT_GT(task.bytes, 65'536);
      EXPECT_EQ(task.value_json, "{\"length\":" + std::to_string(task.bytes) + "}");
    }
  EXPECT_EQ(find_workload("no_results"), nullptr);
}

TEST(Workloads, need_processes_and_a_way_to_close) {
  EXPECT_EQ(missing_for_sweep(facts()), "");
  PoolFacts threads = facts();
  threads.capabilities = {"cancel"};
  EXPECT_EQ(missing_for_sweep(threads), "worker_processes, close_drain");
}

}  // namespace
}  // namespace poolproof::conformance::sweep
