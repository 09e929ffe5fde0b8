// How tasks end: kinds, values, times, and whether the report of a death is true.
#include "conformance/judge/outcome_parts.h"

#include <gtest/gtest.h>

#include <set>

#include "conformance/judge/staged_attempt.h"

namespace poolproof::conformance {
namespace {

using namespace staged;  // NOLINT: this file is about what is staged
using nlohmann::json;
using scenarios::Level;
using scenarios::Plan;
using scenarios::Recovery;

// The named part of a correct attempt in which this task settled in this way.
Part part_with(const Plan& plan, const std::string& task, const json& outcome,
               const std::string& name) {
  auto lines = healthy(plan);
  outcome_of(lines, task) = outcome;
  const auto verdict = judge(plan, lines);
  const Part* found = part(verdict, name);
  if (found == nullptr) return {name, Status::kNotJudged, Level::kMust, "", statuses(verdict)};
  return *found;
}

json worker_lost(const json& more) {
  json outcome = {{"kind", "worker-lost"},
                  {"cause", "signal:KILL"},
                  {"certainty", "ran"},
                  {"blame", {{"pid", 21}}}};
  outcome.update(more);
  return outcome;
}

TEST(Outcome, a_kind_that_the_claim_does_not_accept_is_a_wrong_error_and_shown) {
  const json outcome = {{"kind", "unmapped"},
                        {"native", {{"type", "OddError"}, {"text", "it broke"}}}};
  const Part got = part_with(killed_plan(), "t5", outcome, "victim.outcome");
  EXPECT_EQ(got.status, Status::kWrongError);
  EXPECT_EQ(got.expected, "worker-lost");
  EXPECT_NE(got.got.find("t5 (victim): unmapped, OddError: it broke"), std::string::npos)
      << got.got;
}

TEST(Outcome, what_a_breaking_pool_may_say_a_replacing_one_may_not) {
  const json broken = {{"kind", "pool-broken"}};
  EXPECT_EQ(part_with(killed_plan(Recovery::kBreaks), "t7", broken, "bystander.outcome").status,
            Status::kPass);
  EXPECT_EQ(part_with(killed_plan(), "t7", broken, "bystander.outcome").status,
            Status::kWrongError);
}

TEST(Outcome, a_value_must_be_the_planned_one) {
  const auto plan = killed_plan();
  const auto got = [&](const json& value) {
    return part_with(plan, "t6", {{"kind", "value"}, {"value", value}}, "bystander.outcome");
  };
  EXPECT_EQ(got(7).status, Status::kPass);
  EXPECT_EQ(got(8).status, Status::kWrongError);
  EXPECT_EQ(got("7").status, Status::kWrongError);
  EXPECT_EQ(got(nullptr).status, Status::kWrongError);
  EXPECT_NE(got(8).got.find("value 8"), std::string::npos) << got(8).got;
  EXPECT_NE(got(8).expected.find('7'), std::string::npos) << got(8).expected;
}

TEST(Outcome, an_outcome_of_no_shape_is_a_wrong_error_and_never_a_crash_of_the_judge) {
  const auto plan = killed_plan();
  for (const json& shape : {json(), json(3), json::array({1}), json{{"kind", 7}}, json{{"x", 1}}})
    EXPECT_EQ(part_with(plan, "t5", shape, "victim.outcome").status, Status::kWrongError) << shape;
  const json odd = {{"kind", "worker-lost"}, {"blame", "me"}, {"native", 4}, {"cause", {1}}};
  EXPECT_EQ(part_with(plan, "t5", odd, "victim.outcome").status, Status::kPass);
}

TEST(Outcome, a_task_that_settles_twice_is_a_wrong_error) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  insert_before(lines, asks("bye"), first(lines, settles("t5")));
  const auto verdict = judge(plan, lines);
  ASSERT_NE(part(verdict, "victim.outcome"), nullptr);
  EXPECT_EQ(part(verdict, "victim.outcome")->status, Status::kWrongError);
  EXPECT_NE(part(verdict, "victim.outcome")->got.find("2 times"), std::string::npos);
}

TEST(Outcome, several_wrong_tasks_are_one_part_that_counts_them) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  outcome_of(lines, "t6") = outcome_of(lines, "t7") = {{"kind", "cancelled"}};
  const auto verdict = judge(plan, lines);
  EXPECT_NE(part(verdict, "bystander.outcome")->got.find("and 1 task more"), std::string::npos)
      << part(verdict, "bystander.outcome")->got;
}

TEST(Outcome, settling_too_long_after_the_strike_is_a_timeout_of_within_and_the_rest_is_judged) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  first(lines, settles("t5")).t_ns += 4'000'000'000;
  auto verdict = judge(plan, lines);
  EXPECT_EQ(part(verdict, "victim.within")->status, Status::kTimeout) << statuses(verdict);
  EXPECT_EQ(part(verdict, "victim.outcome")->status, Status::kPass);
  EXPECT_EQ(part(verdict, "leftovers")->status, Status::kPass);
  EXPECT_NE(part(verdict, "victim.within")->got.find("after the strike"), std::string::npos);
  EXPECT_NEAR(static_cast<double>(verdict.detect_ns.value()), 4e9, 1e8);
  first(lines, of_kind("plan")).fields["factor"] = 2.0;
  EXPECT_EQ(judge(plan, lines).status, Status::kPass) << "a slow machine is given its time";
}

TEST(Outcome, where_nothing_strikes_the_time_runs_from_the_submit) {
  auto plan = killed_plan();
  plan.faults.clear();
  auto lines = healthy(plan);
  drop(lines, of_kind("told"));
  outcome_of(lines, "t5") = {{"kind", "worker-lost"}};
  first(lines, settles("t6")).t_ns = first(lines, asks("submit")).t_ns + 60'000'000'000;
  const auto verdict = judge(plan, lines);
  ASSERT_NE(part(verdict, "bystander.within"), nullptr) << verdict.why;
  EXPECT_NE(part(verdict, "bystander.within")->got.find("after its submit"), std::string::npos);
}

TEST(Outcome, a_role_without_a_claim_is_still_held_to_its_value) {
  auto plan = killed_plan();
  plan.expect.roles.pop_back();  // nothing is claimed of bystanders
  auto lines = healthy(plan);
  EXPECT_EQ(judge(plan, lines).status, Status::kPass);
  outcome_of(lines, "t6") = {{"kind", "worker-lost"}};
  EXPECT_EQ(judge(plan, lines).status, Status::kPass);
  outcome_of(lines, "t6") = {{"kind", "value"}, {"value", 8}};
  EXPECT_EQ(judge(plan, lines).status, Status::kWrongError);
}

TEST(RunOnce, a_task_that_started_in_two_processes_is_a_duplicate_run) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  Observation again = first(lines, ledger_of("t5", "start"));
  again.fields["entry"]["pid"] = 22;
  insert_before(lines, settles("t5"), again);
  const auto verdict = judge(plan, lines);
  EXPECT_EQ(verdict.status, Status::kDuplicateRun);
  EXPECT_NE(part(verdict, "run-once")->got.find("processes 21, 22"), std::string::npos);
}

// The attempt of a pool in which each worker ran its initializer at its start.
Lines initialized(const Plan& plan) {
  auto lines = healthy(plan);
  std::set<int> born;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].kind != "ledger" || lines[i].fields["entry"]["ev"] != "start") continue;
    const int pid = lines[i].fields["entry"]["pid"];
    if (!born.insert(pid).second) continue;
    Observation init = lines[i];
    init.fields["entry"] = {{"ev", "init"}, {"pid", pid}, {"t_ns", 1}};
    lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(i), init);
  }
  for (std::size_t i = 0; i < lines.size(); ++i) lines[i].seq = static_cast<std::int64_t>(i) + 1;
  return lines;
}

Predicate init_of(int pid) {
  return [pid](const Observation& one) {
    return one.kind == "ledger" && one.fields["entry"]["ev"] == "init" &&
           one.fields["entry"]["pid"] == pid;
  };
}

TEST(Initialized, each_worker_runs_its_initializer_once_and_before_its_first_task) {
  auto plan = killed_plan();
  EXPECT_EQ(part(judge(plan, healthy(plan)), "initialized"), nullptr) << "it was not asked for";
  plan.opening.initializer = true;
  const auto sound = judge(plan, initialized(plan));
  EXPECT_EQ(sound.status, Status::kPass) << statuses(sound);
  ASSERT_NE(part(sound, "initialized"), nullptr);

  auto never = initialized(plan);
  drop(never, init_of(23));
  EXPECT_EQ(part(judge(plan, never), "initialized")->status, Status::kWrongError);
  EXPECT_NE(part(judge(plan, never), "initialized")->got.find("process 23"), std::string::npos);

  auto late = initialized(plan);
  first(late, init_of(23)).seq = 1'000'000;
  EXPECT_EQ(part(judge(plan, late), "initialized")->status, Status::kWrongError);

  auto twice = initialized(plan);
  insert_before(twice, settles("t8"), first(twice, init_of(23)));
  EXPECT_EQ(part(judge(plan, twice), "initialized")->status, Status::kDuplicateRun);
}

TEST(Recycled, no_worker_begins_more_tasks_than_it_may) {
  auto plan = killed_plan();
  EXPECT_EQ(part(judge(plan, healthy(plan)), "recycled"), nullptr) << "it was not asked for";
  plan.opening.tasks_per_worker = 2;  // as many as the busiest worker of the staged attempt has
  EXPECT_EQ(part(judge(plan, healthy(plan)), "recycled")->status, Status::kPass);
  plan.opening.tasks_per_worker = 1;
  const auto verdict = judge(plan, healthy(plan));
  EXPECT_EQ(part(verdict, "recycled")->status, Status::kWrongError);
  EXPECT_NE(part(verdict, "recycled")->got.find("began 2 tasks"), std::string::npos);
}

// Cause.

TEST(Cause, a_told_cause_that_the_kernel_contradicts_is_wrong_for_any_pool) {
  const auto plan = killed_plan();
  for (const char* lie : {"signal:TERM", "exit:0", "core", "oom-kill", "deadline", "frozen"}) {
    const Part got = part_with(plan, "t5", worker_lost({{"cause", lie}}), "victim.cause");
    EXPECT_EQ(got.status, Status::kWrongError) << lie;
    EXPECT_EQ(got.level, Level::kMust) << lie << ": " << got.got;
  }
}

TEST(Cause, a_cause_that_is_only_less_than_claimed_weighs_as_the_claim) {
  const auto plan = killed_plan();
  for (const char* vague : {"unknown", "none", "channel-lost", "garbage"}) {
    const Part got = part_with(plan, "t5", worker_lost({{"cause", vague}}), "victim.cause");
    EXPECT_EQ(got.status, Status::kWrongError) << vague;
    EXPECT_EQ(got.level, Level::kShould) << vague;
  }
}

TEST(Cause, a_lie_is_convicted_where_no_cause_is_claimed) {
  auto plan = killed_plan();
  plan.expect.roles[0].cause = {};
  EXPECT_EQ(part_with(plan, "t5", worker_lost({{"cause", "exit:0"}}), "victim.cause").status,
            Status::kWrongError);
  EXPECT_EQ(part_with(plan, "t5", worker_lost({{"cause", "unknown"}}), "victim.cause").status,
            Status::kNotJudged);
}

TEST(Cause, the_true_status_is_no_lie_whatever_the_effect) {
  const std::vector<std::tuple<std::string, json, std::string>> truths = {
      {"exit:3", {{"code", 3}}, "exit:3"},
      {"raise:SEGV", {{"signal", "SEGV"}, {"core", true}}, "core"},
      {"raise:SEGV", {{"signal", "SEGV"}, {"core", false}}, "signal:SEGV"}};
  for (const auto& [effect, status, cause] : truths) {
    auto plan = killed_plan(Recovery::kReplaces, effect);
    plan.expect.roles[0].cause = {{cause}, Level::kMust};
    auto lines = healthy(plan);
    first(lines, exit_of(21)).fields["status"] = status;
    outcome_of(lines, "t5")["cause"] = cause;
    const auto verdict = judge(plan, lines);
    EXPECT_EQ(verdict.status, Status::kPass) << effect << ": " << verdict.why;
  }
}

TEST(Cause, an_end_that_only_the_pool_saw_contradicts_nothing) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  first(lines, exit_of(21)).fields["status"] = {{"unseen", true}};
  outcome_of(lines, "t5")["cause"] = "exit:1";
  EXPECT_EQ(judge(plan, lines).status, Status::kPass);
  outcome_of(lines, "t5")["cause"] = "oom-kill";
  EXPECT_EQ(judge(plan, lines).status, Status::kWrongError) << "that needs evidence of its own";
}

TEST(Cause, a_bystander_may_name_any_end_that_there_was) {
  const auto plan = killed_plan(Recovery::kBreaks);
  EXPECT_EQ(
      part_with(plan, "t7", {{"kind", "pool-broken"}, {"cause", "signal:KILL"}}, "bystander.cause")
          .status,
      Status::kNotJudged);
  const Part got =
      part_with(plan, "t7", {{"kind", "pool-broken"}, {"cause", "signal:BUS"}}, "bystander.cause");
  EXPECT_EQ(got.status, Status::kWrongError);
}

// Blame and certainty.

TEST(Blame, naming_a_process_that_lives_is_wrong_for_any_pool) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  outcome_of(lines, "t5")["blame"]["pid"] = 22;  // ends only with the close
  const auto verdict = judge(plan, lines);
  EXPECT_EQ(verdict.status, Status::kWrongError) << statuses(verdict);
  EXPECT_EQ(part(verdict, "victim.blame")->level, Level::kMust);
}

TEST(Blame, the_end_of_the_program_is_no_death_that_an_outcome_can_speak_of) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  first(lines, settles("t5")).t_ns += 1'000'000'000;  // after the last close
  outcome_of(lines, "t5")["blame"]["pid"] = 10;       // the adapter, which ends after `bye`
  EXPECT_EQ(judge(plan, lines).status, Status::kWrongError);
}

TEST(Blame, naming_the_adapter_or_nobody_known_is_wrong_for_any_pool) {
  for (const int pid : {10, 4711}) {
    const Part got =
        part_with(killed_plan(), "t5", worker_lost({{"blame", {{"pid", pid}}}}), "victim.blame");
    EXPECT_EQ(got.status, Status::kWrongError) << pid;
    EXPECT_EQ(got.level, Level::kMust) << pid;
  }
}

TEST(Blame, naming_another_death_or_none_weighs_as_the_claim) {
  const auto plan = killed_plan();
  const Part other = part_with(plan, "t5", worker_lost({{"blame", {{"pid", 11}}}}), "victim.blame");
  EXPECT_EQ(other.status, Status::kWrongError);
  EXPECT_EQ(other.level, Level::kShould);
  const Part none = part_with(plan, "t5", worker_lost({{"blame", json::object()}}), "victim.blame");
  EXPECT_EQ(none.status, Status::kWrongError);
  EXPECT_EQ(none.level, Level::kShould);
}

TEST(Blame, of_two_that_were_struck_a_broken_pool_may_name_either_a_lost_task_only_its_own) {
  auto plan = killed_plan(Recovery::kBreaks);
  plan.tasks[5].role = "victim";  // t6, in process 22
  auto lines = healthy(plan);
  const json dies = {{"pid", 22}, {"start", 1022}};
  double at_ms = static_cast<double>(first(lines, exit_of(21)).t_ns) / 1e6;
  const auto strike = [&](const std::string& kind, json more) {
    more.update(dies);
    insert_before(lines, settles("t6"), line(kind, std::move(more), at_ms += 0.1));
  };
  drop(lines, exit_of(22));
  strike("told", {{"fault", 0}, {"task", "t6"}, {"effect", "kill"}});
  strike("signalled", {{"signal", "KILL"}, {"error", ""}});
  strike("exit", {{"status", {{"signal", "KILL"}, {"core", false}}}, {"adapter", false}});
  outcome_of(lines, "t6") = worker_lost({{"kind", "pool-broken"}});  // blames 21
  const auto broken = judge(plan, lines);
  EXPECT_EQ(part(broken, "victim.blame")->status, Status::kPass) << statuses(broken);
  outcome_of(lines, "t6")["kind"] = "worker-lost";
  const auto lost = judge(plan, lines);
  EXPECT_EQ(part(lost, "victim.blame")->status, Status::kWrongError) << statuses(lost);
  EXPECT_EQ(part(lost, "victim.blame")->level, Level::kShould);
}

TEST(Certainty, not_started_is_a_lie_once_the_body_has_started) {
  const Part got = part_with(killed_plan(), "t5", worker_lost({{"certainty", "not-started"}}),
                             "victim.certainty");
  EXPECT_EQ(got.status, Status::kWrongError);
  EXPECT_EQ(got.level, Level::kMust);
  EXPECT_NE(got.got.find("started in process 21"), std::string::npos) << got.got;
}

}  // namespace
}  // namespace poolproof::conformance
