// The judge and the strike at a call: its receipt, which tasks it may cost, and attempts without
// the call.
#include <gtest/gtest.h>

#include "conformance/judge/staged_attempt.h"

namespace poolproof::conformance {
namespace {

using namespace staged;  // NOLINT
using nlohmann::json;
using scenarios::Plan;

// The plan of staged_attempt.h, but its victim's worker is struck at a call. Its process is 21; t5
// is in it, t6 is in 22, t7 comes later.
Plan call_plan(const char* effect = "signal:KILL") {
  Plan plan = killed_plan();
  plan.faults.clear();
  std::erase_if(plan.steps, [](const auto& s) { return s.kind == scenarios::StepKind::kStrike; });
  plan.trace =
      faults::Trace{{"write"},
                    false,
                    faults::CallStrike{{"adapter>fork"},
                                       faults::parse_call_label("write:pipe#2 in after-1").value(),
                                       faults::Moment::kAfter,
                                       faults::parse_call_effect(effect).value()}};
  for (auto& role : plan.expect.roles) role.outcome.one_of = {"value", "worker-lost"};
  plan.expect.lost_at_most = 1;
  return plan;
}

Observation call_struck(bool seen = false) {
  json fields = {{"pid", 21},         {"start", 1021},
                 {"tid", 21},         {"lineage", "adapter>fork"},
                 {"moment", "after"}, {"at", "write:pipe#2 in after-1"},
                 {"to", "pipe:[7]"},  {"effect", "signal:KILL"},
                 {"bytes", 200'100},  {"moved", 65'536}};
  if (seen) fields["seen"] = true;
  return line("call-struck", std::move(fields), 0);
}

// The attempt of killed_plan(), but the tracer reports its fault.
Lines struck_attempt(const Plan& plan) {
  Lines lines = healthy(killed_plan());
  first(lines, of_kind("plan")).fields["plan"] = plan;
  insert_before(lines, of_kind("told"), call_struck());
  drop(lines, of_kind("told"));
  drop(lines, of_kind("signalled"));
  drop(lines, step_is(6, "begin"));
  drop(lines, step_is(6, "end"));
  for (Observation& one : lines)  // the plan has one step less
    if (one.kind == "step" && one.fields.at("index") > 6)
      one.fields["index"] = one.fields.at("index").get<int>() - 1;
  return lines;
}

class CallStrikeTest : public testing::Test {
 protected:
  AttemptVerdict verdict() { return judge(plan_, lines_); }

  Plan plan_ = call_plan();
  Lines lines_ = struck_attempt(plan_);
};

TEST_F(CallStrikeTest, a_sound_pool_passes_and_the_evidence_names_the_call) {
  EXPECT_EQ(verdict().status, Status::kPass) << verdict().why << statuses(verdict());
  ASSERT_NE(part(verdict(), "innocents"), nullptr);
  EXPECT_EQ(part(verdict(), "innocents")->status, Status::kPass);
}

TEST_F(CallStrikeTest, a_strike_that_nobody_came_to_makes_a_blank_attempt) {
  drop(lines_, of_kind("call-struck"));
  drop(lines_, exit_of(21));
  EXPECT_EQ(verdict().status, Status::kVacuous);
  EXPECT_TRUE(verdict().blank);
  EXPECT_NE(verdict().why.find("write:pipe#2 in after-1"), std::string::npos) << verdict().why;
}

TEST_F(CallStrikeTest, a_strike_whose_victim_lives_on_is_vacuous_and_not_blank) {
  drop(lines_, exit_of(21));
  EXPECT_EQ(verdict().status, Status::kVacuous);
  EXPECT_FALSE(verdict().blank);
}

TEST_F(CallStrikeTest, an_end_that_the_effect_does_not_explain_is_no_receipt) {
  first(lines_, exit_of(21)).fields["status"] = {{"code", 0}};
  EXPECT_EQ(verdict().status, Status::kVacuous);
  EXPECT_FALSE(verdict().blank);
}

TEST_F(CallStrikeTest, a_strike_that_ends_nothing_must_have_been_seen) {
  plan_ = call_plan("freeze");
  first(lines_, of_kind("plan")).fields["plan"] = plan_;
  EXPECT_EQ(verdict().status, Status::kVacuous);
  first(lines_, of_kind("call-struck")) = call_struck(/*seen=*/true);
  EXPECT_EQ(verdict().status, Status::kPass) << verdict().why;
}

TEST_F(CallStrikeTest, two_tasks_lost_by_one_strike_are_one_too_many) {
  outcome_of(lines_, "t7") = {{"kind", "worker-lost"}};
  drop(lines_, ledger_of("t7", "start"));
  drop(lines_, ledger_of("t7", "end"));
  EXPECT_EQ(verdict().status, Status::kWrongError);
  EXPECT_EQ(part(verdict(), "innocents")->status, Status::kWrongError);
}

TEST_F(CallStrikeTest, a_task_of_another_worker_is_innocent_though_it_is_the_only_one_lost) {
  outcome_of(lines_, "t5") = {{"kind", "value"}, {"value", nullptr}};
  outcome_of(lines_, "t6") = {{"kind", "worker-lost"}};
  EXPECT_EQ(part(verdict(), "innocents")->status, Status::kWrongError);
  EXPECT_NE(part(verdict(), "innocents")->got.find("process 22"), std::string::npos);
}

TEST_F(CallStrikeTest, a_worker_that_had_done_its_share_takes_nothing_along) {
  plan_.opening.tasks_per_worker = 2;  // a warm-up and the victim, in process 21
  first(lines_, of_kind("plan")).fields["plan"] = plan_;
  EXPECT_EQ(part(verdict(), "innocents")->status, Status::kPass)
      << "t5 was not settled when struck";
  outcome_of(lines_, "t5") = {{"kind", "value"}, {"value", nullptr}};
  Observation settled = first(lines_, settles("t5"));
  Observation struck = first(lines_, of_kind("call-struck"));
  drop(lines_, settles("t5"));
  drop(lines_, of_kind("call-struck"));
  insert_before(lines_, exit_of(21), settled);
  insert_before(lines_, exit_of(21), struck);
  first(lines_, settles("t5")).t_ns = first(lines_, of_kind("call-struck")).t_ns - 1;
  EXPECT_EQ(part(verdict(), "innocents")->status, Status::kPass)
      << part(verdict(), "innocents")->got;
  outcome_of(lines_, "t7") = {{"kind", "worker-lost"}};
  drop(lines_, ledger_of("t7", "start"));
  drop(lines_, ledger_of("t7", "end"));
  EXPECT_EQ(part(verdict(), "innocents")->status, Status::kWrongError)
      << "it held nothing, so nothing may be lost with it";
  plan_.opening.tasks_per_worker = 3;
  first(lines_, of_kind("plan")).fields["plan"] = plan_;
  EXPECT_EQ(part(verdict(), "innocents")->status, Status::kPass) << "it could have had another";
}

TEST_F(CallStrikeTest, a_probe_that_is_struck_itself_is_one_of_those_that_may_be_lost) {
  scenarios::PlannedTask second = plan_.tasks.back();
  second.id = "t9";
  plan_.tasks.push_back(second);
  first(lines_, of_kind("plan")).fields["plan"] = plan_;
  Observation struck = call_struck();
  drop(lines_, of_kind("call-struck"));
  insert_before(lines_, settles("t8"), struck);
  outcome_of(lines_, "t5") = {{"kind", "value"}, {"value", nullptr}};
  outcome_of(lines_, "t8") = {{"kind", "worker-lost"}};
  drop(lines_, ledger_of("t8", "start"));
  drop(lines_, ledger_of("t8", "end"));
  EXPECT_EQ(part(verdict(), "after")->status, Status::kWrongError) << "nothing shows it usable";
  Observation again = line("sent", {{"message", {{"cmd", "submit"}, {"id", "t9"}}}}, 0);
  Observation value = line("received",
                           {{"message",
                             {{"event", "settled"},
                              {"id", "t9"},
                              {"outcome", {{"kind", "value"}, {"value", "probe"}}}}}},
                           0);
  insert_before(lines_, step_is(7, "end"), again);
  insert_before(lines_, step_is(7, "end"), value);
  EXPECT_EQ(part(verdict(), "after")->status, Status::kPass) << part(verdict(), "after")->got;
}

TEST_F(CallStrikeTest, results_that_are_stuck_beside_a_task_that_never_began_are_no_lost_tasks) {
  const auto lost = [](const Observation& one) { return settles("t6")(one) || settles("t7")(one); };
  Lines all = lines_;
  stuck_at(lines_, 6, {}, [&](const Observation& one) {
    return lost(one) || ledger_of("t7", "start")(one) || ledger_of("t7", "end")(one);
  });
  EXPECT_EQ(verdict().status, Status::kHangQuiet) << "t6 has ended, t7 never began";
  lines_ = all;
  stuck_at(lines_, 6, {}, lost);
  EXPECT_EQ(verdict().status, Status::kLostTask) << "both have ended, in workers that live";
}

TEST_F(CallStrikeTest, an_attempt_on_a_machine_that_lets_nothing_be_traced_is_harness_error) {
  lines_.resize(2);
  lines_.push_back(line("ended", {{"how", "harness-error"}, {"why", "EPERM"}}, 9));
  EXPECT_EQ(verdict().status, Status::kHarnessError);
}

TEST(Fold, a_blank_attempt_counts_only_where_there_is_no_other) {
  AttemptVerdict blank, pass, hang;
  blank.status = Status::kVacuous;
  blank.blank = true;
  hang.status = Status::kHangQuiet;
  EXPECT_EQ(fold("p", "s", {blank, blank, blank}).status, Status::kVacuous);
  EXPECT_EQ(fold("p", "s", {blank, pass}).status, Status::kPass);
  EXPECT_EQ(fold("p", "s", {blank, hang}).status, Status::kHangQuiet);
  EXPECT_EQ(fold("p", "s", {blank, hang, hang}).rate, "2 of 2");
  AttemptVerdict vacuous = blank;
  vacuous.blank = false;
  EXPECT_EQ(fold("p", "s", {vacuous, pass}).status, Status::kVacuous);
}

}  // namespace
}  // namespace poolproof::conformance
