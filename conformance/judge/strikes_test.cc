// Faults other than the death of a worker: what is their receipt, and what is only our own fault?
#include <gtest/gtest.h>

#include <csignal>

#include "conformance/judge/oracle.h"
#include "conformance/judge/staged_attempt.h"

namespace poolproof::conformance {
namespace {

using namespace staged;  // NOLINT: this file is about what is staged
using faults::EffectKind;
using faults::Target;
using nlohmann::json;
using scenarios::Plan;
using scenarios::Recovery;

constexpr int kAdapter = 10, kParentEndStep = 7;
constexpr double kAnyTime = 0;  // the line is inserted where it belongs

Observation struck_line(const std::string& task, int child = 0) {
  json entry = {{"ev", "struck"}, {"task", task}, {"pid", 21}, {"t_ns", 1}};
  if (child != 0) entry["child"] = child;
  return line("ledger", {{"entry", entry}}, kAnyTime);
}

// The body does something to itself, and writes this into the ledger.
Lines attempt_of(const Plan& plan, const Observation& written) {
  Lines lines = healthy(plan);
  insert_before(lines, exit_of(21), written);
  return lines;
}

TEST(Strikes, a_task_that_writes_what_it_does_has_left_its_receipt) {
  for (const char* effect : {"throw", "throw-undecodable", "fork", "close-fds"}) {
    const Plan plan = killed_plan(Recovery::kReplaces, effect);
    const auto verdict = judge(plan, attempt_of(plan, struck_line("t5")));
    EXPECT_EQ(verdict.status, Status::kPass) << effect << ": " << verdict.why;
    EXPECT_TRUE(has_evidence(verdict, "receipt: the body wrote that it does so")) << effect;
    EXPECT_EQ(judge(plan, healthy(plan)).status, Status::kVacuous) << effect;
  }
}

TEST(Strikes, what_a_task_wrote_before_it_was_told_is_no_receipt) {
  const Plan plan = killed_plan(Recovery::kReplaces, "fork");
  Lines lines = healthy(plan);
  insert_before(lines, of_kind("told"), struck_line("t5"));
  EXPECT_EQ(judge(plan, lines).status, Status::kVacuous);
}

TEST(Strikes, a_child_that_we_had_made_is_no_leftover_and_any_other_is) {
  const Plan plan = killed_plan(Recovery::kReplaces, "fork");
  const json child = {{"pid", 40},           {"ppid", 1},     {"start", 1040},
                      {"state", "S"},        {"name", "x"},   {"command", "x"},
                      {"cpu_ticks", 0},      {"io_bytes", 0}, {"threads", json::array()},
                      {"fds", json::array()}};
  for (const int made : {40, 41}) {
    Lines lines = attempt_of(plan, struck_line("t5", made));
    add_process(lines, "closed", child);
    add_process(lines, "end", child);
    EXPECT_EQ(judge(plan, lines).status, made == 40 ? Status::kPass : Status::kLeak);
  }
}

TEST(Strikes, a_death_while_a_result_is_sent_must_have_been_seen_there) {
  Plan plan = killed_plan();
  plan.faults[0].point = faults::Point::kSending;
  Lines lines = healthy(plan);
  EXPECT_EQ(judge(plan, lines).status, Status::kVacuous);
  insert_before(
      lines, of_kind("told"),
      line("sending", {{"pid", 21}, {"start", 1021}, {"task", "t5"}, {"snap", 1}}, kAnyTime));
  const auto verdict = judge(plan, lines);
  EXPECT_EQ(verdict.status, Status::kPass) << verdict.why;
  EXPECT_TRUE(has_evidence(verdict, "while sending the result of task t5"));
}

TEST(Strikes, a_task_that_a_callback_submits_is_submitted_when_its_leader_settles) {
  Plan plan = killed_plan();
  plan.tasks[6].submitted_by = "t5";
  Lines lines = healthy(plan);
  drop(lines, [](const Observation& one) {
    return one.kind == "sent" && one.fields["message"].value("id", "") == "t7";
  });
  EXPECT_EQ(judge(plan, lines).status, Status::kPass) << judge(plan, lines).why;
  // It is not submitted yet when the pool settles it.
  Lines early = lines;
  std::swap(first(early, settles("t5")).fields, first(early, settles("t7")).fields);
  EXPECT_EQ(judge(plan, early).status, Status::kHarnessError);
}

TEST(Strikes, a_callbacks_task_that_never_settles_is_a_hang_of_its_own_role) {
  Plan plan = killed_plan();
  plan.tasks[6].submitted_by = "t5";
  plan.tasks[6].role = "retry";
  Lines lines = healthy(plan);
  drop(lines, [](const Observation& one) {
    return one.kind == "sent" && one.fields["message"].value("id", "") == "t7";
  });
  stuck_at(lines, 7, {}, [](const Observation& one) {
    return settles("t7")(one) || ledger_of("t7", "start")(one) || ledger_of("t7", "end")(one);
  });
  const auto verdict = judge(plan, lines);
  EXPECT_EQ(verdict.status, Status::kHangQuiet) << verdict.why;
  EXPECT_NE(part(verdict, "retry.outcome"), nullptr) << statuses(verdict);
}

TEST(Strikes, a_close_that_was_under_way_when_the_fault_struck_is_timed_from_the_strike) {
  const Plan plan = killed_plan();
  Lines lines = healthy(plan);
  // Its `close` was sent long before the strike; everything else is unchanged.
  Observation* close = nullptr;
  for (Observation& one : lines)
    if (asks("close")(one)) close = &one;
  const std::int64_t told_ns = first(lines, of_kind("told")).t_ns;
  close->t_ns = told_ns - 60'000'000'000;
  EXPECT_EQ(judge(plan, lines).status, Status::kPass) << judge(plan, lines).why;
}

// The program that owns the pool is told to return, or gets Ctrl-C with its whole group.

Plan program_plan(Target target, EffectKind kind) {
  Plan plan = parent_plan();
  plan.faults[0].target = target;
  plan.faults[0].effect = {kind, kind == EffectKind::kSignal ? SIGINT : 0, 0};
  return plan;
}

Lines program_attempt(const Plan& plan, const json& status) {
  Lines lines = healthy_parent_kill(plan);
  first(lines, exit_of(kAdapter)).fields["status"] = status;
  const bool group = plan.faults[0].target == Target::kGroup;
  if (!group)
    insert_before(lines, exit_of(kAdapter),
                  line("sent", {{"message", {{"cmd", "bye"}}}}, kAnyTime));
  insert_before(
      lines, exit_of(kAdapter),
      group ? line("signalled",
                   {{"pid", kAdapter}, {"signal", "INT"}, {"group", true}, {"error", ""}}, kAnyTime)
            : line("heard", {{"cmd", "bye"}}, kAnyTime));
  return lines;
}

TEST(Strikes, a_program_may_end_after_ctrl_c_in_its_own_way_but_not_crash) {
  const Plan plan = program_plan(Target::kGroup, EffectKind::kSignal);
  for (const json& status : {json{{"signal", "INT"}, {"core", false}}, json{{"code", 130}},
                             json{{"code", 0}}, json{{"unseen", true}}})
    EXPECT_EQ(judge(plan, program_attempt(plan, status)).status, Status::kPass) << status;
  const json segfault = {{"signal", "SEGV"}, {"core", true}};
  EXPECT_EQ(judge(plan, program_attempt(plan, segfault)).status, Status::kParentCrash);
}

TEST(Strikes, a_program_that_returns_ends_with_status_0) {
  const Plan plan = program_plan(Target::kParent, EffectKind::kReturn);
  EXPECT_EQ(judge(plan, program_attempt(plan, {{"code", 0}})).status, Status::kPass);
  EXPECT_EQ(judge(plan, program_attempt(plan, {{"code", 1}})).status, Status::kParentCrash);
}

TEST(Strikes, a_program_that_does_not_end_though_it_must_hangs) {
  for (const Target target : {Target::kGroup, Target::kParent}) {
    const Plan plan =
        program_plan(target, target == Target::kGroup ? EffectKind::kSignal : EffectKind::kReturn);
    Lines lines = program_attempt(plan, {{"code", 0}});
    drop(lines, exit_of(kAdapter));
    stuck_at(lines, kParentEndStep, {});
    const auto verdict = judge(plan, lines);
    EXPECT_EQ(verdict.status, Status::kHangQuiet) << verdict.why;
    EXPECT_EQ(part(verdict, "close")->got, "it did not end");
  }
}

TEST(Strikes, a_program_that_was_never_reached_proves_nothing) {
  const Plan group = program_plan(Target::kGroup, EffectKind::kSignal);
  Lines lines = program_attempt(group, {{"code", 0}});
  first(lines, of_kind("signalled")).fields["error"] = "ESRCH no such process";
  EXPECT_EQ(judge(group, lines).status, Status::kVacuous);
  const Plan back = program_plan(Target::kParent, EffectKind::kReturn);
  lines = program_attempt(back, {{"code", 0}});
  drop(lines, of_kind("heard"));
  EXPECT_EQ(judge(back, lines).status, Status::kVacuous);
}

TEST(Strikes, what_outlives_an_interrupted_program_is_a_leak) {
  const Plan plan = program_plan(Target::kGroup, EffectKind::kSignal);
  Lines lines = program_attempt(plan, {{"code", 130}});
  add_process(lines, "end",
              {{"pid", 22},
               {"ppid", 1},
               {"start", 1022},
               {"state", "S"},
               {"name", "w"},
               {"command", "w"},
               {"threads", json::array()},
               {"fds", json::array()}});
  EXPECT_EQ(judge(plan, lines).status, Status::kLeak);
}

}  // namespace
}  // namespace poolproof::conformance
