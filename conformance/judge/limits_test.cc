// A limit that was set on a process: when is it a receipt, and when is it evidence of a kill for
// lack of memory?
#include "conformance/judge/limits.h"

#include <gtest/gtest.h>

#include "conformance/judge/oracle.h"
#include "conformance/judge/staged_attempt.h"

namespace poolproof::conformance {
namespace {

using namespace staged;  // NOLINT: this file is about what is staged
using nlohmann::json;
using scenarios::Plan;
using scenarios::Recovery;

constexpr double kAnyTime = 0;  // the line is inserted where it belongs

Observation limited(const std::string& what, const std::string& error) {
  return line("limited",
              {{"limit", 1},
               {"what", what},
               {"pid", 21},
               {"start", 1021},
               {"by", "a test"},
               {"amount", 1},
               {"all", false},
               {"error", error}},
              kAnyTime);
}

Observation counted(int kills) {
  return line("limit-seen",
              {{"limit", 1},
               {"what", "memory"},
               {"pid", 21},
               {"start", 1021},
               {"before", {{"oom_kill", 0}}},
               {"now", {{"oom_kill", kills}}}},
              kAnyTime);
}

// The victim dies by SIGKILL because of the limit on its process.
Lines attempt_of(const Plan& plan, const std::string& what) {
  Lines lines = healthy(plan);
  insert_before(lines, of_kind("told"), limited(what, ""));
  first(lines, of_kind("told")).fields["limit"] = 1;
  return lines;
}

TEST(Limits, a_kill_that_the_kernel_counted_is_one_for_want_of_memory) {
  const Plan plan = killed_plan(Recovery::kReplaces, "exhaust:memory");
  Lines lines = attempt_of(plan, "memory");
  insert_before(lines, exit_of(21), counted(1));
  outcome_of(lines, "t5")["cause"] = "oom-kill";
  const auto verdict = judge(plan, lines);
  const Part* cause = part(verdict, "victim.cause");
  ASSERT_NE(cause, nullptr) << statuses(verdict);
  EXPECT_EQ(part(verdict, "victim.outcome")->status, Status::kPass) << statuses(verdict);
  EXPECT_EQ(cause->got.find("no evidence"), std::string::npos) << cause->got;
  EXPECT_TRUE(has_evidence(verdict, "signal KILL; the kernel counted an out-of-memory kill"));
}

TEST(Limits, a_told_oom_kill_that_nobody_counted_is_a_lie) {
  const Plan plan = killed_plan();
  Lines lines = healthy(plan);
  outcome_of(lines, "t5")["cause"] = "oom-kill";
  EXPECT_EQ(judge(plan, lines).status, Status::kWrongError);
  insert_before(lines, exit_of(21), counted(1));
  const auto verdict = judge(plan, lines);
  EXPECT_NE(verdict.status, Status::kWrongError) << statuses(verdict);
}

TEST(Limits, a_kill_that_nobody_counted_is_no_receipt) {
  const Plan plan = killed_plan(Recovery::kReplaces, "exhaust:memory");
  Lines lines = attempt_of(plan, "memory");
  EXPECT_EQ(judge(plan, lines).status, Status::kVacuous);
  insert_before(lines, exit_of(21), counted(0));
  const auto verdict = judge(plan, lines);
  EXPECT_EQ(verdict.status, Status::kVacuous);
  EXPECT_NE(verdict.why.find("counted no out-of-memory kill"), std::string::npos) << verdict.why;
}

TEST(Limits, what_this_machine_cannot_limit_is_unavailable_with_the_reason) {
  const Plan plan = killed_plan(Recovery::kReplaces, "exhaust:memory");
  Lines lines = healthy(plan);
  insert_before(lines, of_kind("told"), limited("memory", "mkdir /x: EACCES Permission denied"));
  drop(lines, of_kind("told"));
  const auto verdict = judge(plan, lines);
  EXPECT_EQ(verdict.status, Status::kUnavailable) << verdict.why;
  EXPECT_NE(verdict.why.find("could not limit memory: mkdir /x: EACCES"), std::string::npos)
      << verdict.why;
}

TEST(Limits, of_what_else_is_used_up_an_end_or_the_bodys_word_is_the_receipt) {
  for (const char* effect : {"exhaust:address-space", "exhaust:stack", "exhaust:files"}) {
    const Plan plan = killed_plan(Recovery::kReplaces, effect);
    EXPECT_EQ(judge(plan, attempt_of(plan, effect)).status, Status::kPass) << "it ended";
    Lines lines = attempt_of(plan, effect);
    const json entry = {{"ev", "struck"}, {"task", "t5"}, {"pid", 21}, {"t_ns", 1}};
    insert_before(lines, exit_of(21), line("ledger", {{"entry", entry}}, kAnyTime));
    EXPECT_TRUE(has_evidence(judge(plan, lines), "the body wrote that it was refused more"));
    lines = attempt_of(plan, effect);
    first(lines, exit_of(21)).fields["status"] = {{"code", 0}};
    EXPECT_EQ(judge(plan, lines).status, Status::kVacuous) << "a success is no receipt";
  }
}

TEST(Limits, counters_that_the_kernel_cannot_have_counted_are_a_harness_error) {
  const Plan plan = killed_plan(Recovery::kReplaces, "exhaust:memory");
  for (const json& count : {json(INT64_MIN), json(UINT64_MAX), json(0.5), json("3")}) {
    const json counters = {{"oom_kill", count}};
    Lines lines = healthy(plan);
    insert_before(lines, exit_of(21),
                  line("limit-seen",
                       {{"limit", 1},
                        {"pid", 21},
                        {"start", 1021},
                        {"before", counters},
                        {"now", {{"oom_kill", INT64_MAX}}}},
                       kAnyTime));
    EXPECT_EQ(judge(plan, lines).status, Status::kHarnessError) << count;
  }
}

TEST(Limits, what_the_run_is_denied_strikes_once_it_is_set) {
  Plan plan = killed_plan();
  plan.faults[0].effect = *faults::parse_effect("deny:processes");
  EXPECT_EQ(judge(plan, healthy(plan)).status, Status::kVacuous) << "nothing was set";
  const auto verdict = judge(plan, attempt_of(plan, "processes"));
  EXPECT_TRUE(has_evidence(verdict, "receipt: the limit was set")) << statuses(verdict);
}

}  // namespace
}  // namespace poolproof::conformance
