// The judge's sequence: every status once, and which rule comes before which.
#include "conformance/judge/oracle.h"

#include <gtest/gtest.h>

#include "conformance/judge/staged_attempt.h"

namespace poolproof::conformance {
namespace {

using namespace staged;  // NOLINT: this file is about what is staged
using nlohmann::json;
using scenarios::Level;
using scenarios::Recovery;

Status status_of(const AttemptVerdict& verdict, const std::string& name) {
  const Part* found = part(verdict, name);
  return found != nullptr ? found->status : Status::kNotJudged;
}

TEST(Oracle, a_sound_pool_passes_in_every_part) {
  for (const Recovery recovers : {Recovery::kReplaces, Recovery::kBreaks, Recovery::kRecreate}) {
    const auto plan = killed_plan(recovers);
    const auto verdict = judge(plan, healthy(plan));
    EXPECT_EQ(verdict.status, Status::kPass) << verdict.why << "\n" << statuses(verdict);
    for (const Part& one : verdict.parts) EXPECT_EQ(one.status, Status::kPass) << one.name;
    EXPECT_GE(verdict.parts.size(), 10u) << statuses(verdict);
    EXPECT_TRUE(verdict.detect_ns.has_value());
    EXPECT_TRUE(has_evidence(verdict, "receipt: signal KILL"));
  }
}

TEST(Oracle, a_verdict_carries_the_number_of_its_attempt) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  for (Observation& line : lines) line.attempt = 3;
  EXPECT_EQ(judge(plan, lines).attempt, 3);
}

// Rule 1: no trial.

TEST(Oracle, an_attempt_without_its_end_is_cut_off) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  lines.pop_back();
  EXPECT_EQ(judge(plan, lines).status, Status::kCutOff);
}

TEST(Oracle, an_interrupted_attempt_is_cut_off_though_it_failed_before) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  outcome_of(lines, "t5") = {{"kind", "value"}, {"value", 99}};
  lines.back().fields["how"] = "interrupted";
  EXPECT_EQ(judge(plan, lines).status, Status::kCutOff);
}

TEST(Oracle, a_harness_error_names_the_adapter_and_its_last_lines) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  lines.back().fields = {{"how", "harness-error"}, {"why", "it said no `hello` within 20 s"}};
  const auto verdict = judge(plan, lines);
  EXPECT_EQ(verdict.status, Status::kHarnessError);
  EXPECT_NE(verdict.why.find("staged"), std::string::npos) << verdict.why;
  EXPECT_NE(verdict.why.find("no `hello` within 20 s"), std::string::npos) << verdict.why;
  EXPECT_NE(verdict.why.find("hello stderr"), std::string::npos) << verdict.why;
}

TEST(Oracle, what_an_adapter_may_never_send_is_a_harness_error) {
  const auto plan = killed_plan();
  const json refused = {{"message", {{"event", "refused"}, {"cmd", "close"}, {"why", "cannot"}}}};
  const json stranger = {
      {"message", {{"event", "settled"}, {"id", "t99"}, {"outcome", {{"kind", "value"}}}}}};
  const json unasked = {{"message", {{"event", "closed"}}}};
  const std::vector<Observation> bad = {
      line("invalid", {{"text", "garbage"}, {"why", "no JSON"}}, 0), line("received", refused, 0),
      line("received", stranger, 0), line("received", unasked, 0)};
  for (const Observation& one : bad) {
    auto lines = healthy(plan);
    insert_before(lines, asks("submit"), one);
    const auto verdict = judge(plan, lines);
    EXPECT_EQ(verdict.status, Status::kHarnessError) << one.fields.dump() << verdict.why;
    EXPECT_NE(verdict.why.find("staged"), std::string::npos) << verdict.why;
  }
}

TEST(Oracle, an_adapter_that_dies_before_its_first_open_is_answered_is_a_harness_error) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  crash_at(lines, 0, {{"signal", "SEGV"}, {"core", false}});
  EXPECT_EQ(judge(plan, lines).status, Status::kHarnessError);
}

TEST(Oracle, the_cages_own_deadline_is_a_harness_error) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  insert_before(lines, of_kind("ended"), line("deadline", json::object(), 0));
  EXPECT_EQ(judge(plan, lines).status, Status::kHarnessError);
}

TEST(Oracle, a_record_that_contradicts_its_own_form_is_a_harness_error) {
  const auto plan = killed_plan();
  const std::vector<std::pair<std::string, std::string>> needed = {
      {"exit", "status"}, {"told", "pid"},     {"sent", "message"}, {"still", "moved"},
      {"plan", "factor"}, {"snapshot", "shm"}, {"cage", "mode"}};
  for (const auto& [kind, field] : needed) {
    auto lines = healthy(plan);
    if (kind == "still") stuck_at(lines, 7, {}, settles("t5"));
    first(lines, of_kind(kind)).fields.erase(field);
    const auto verdict = judge(plan, lines);
    EXPECT_EQ(verdict.status, Status::kHarnessError) << kind << "." << field;
    EXPECT_NE(verdict.why.find(field), std::string::npos) << verdict.why;
  }
}

TEST(Oracle, a_record_without_the_snapshots_it_must_have_is_a_harness_error) {
  const auto plan = killed_plan();
  for (const char* why : {"baseline", "closed", "end"}) {
    auto lines = healthy(plan);
    drop(lines, [&](const Observation& l) { return l.kind == "taken" && l.fields["why"] == why; });
    EXPECT_EQ(judge(plan, lines).status, Status::kHarnessError) << why;
  }
}

// Rule 2: open, after, close.

TEST(Oracle, a_warm_up_task_without_its_value_fails_open) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  outcome_of(lines, "t1") = {{"kind", "worker-lost"}};
  const auto verdict = judge(plan, lines);
  EXPECT_EQ(status_of(verdict, "open"), Status::kWrongError);
  EXPECT_EQ(verdict.status, Status::kWrongError);
}

TEST(Oracle, a_pool_that_replaces_must_be_usable_at_once) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  outcome_of(lines, "t8") = {{"kind", "pool-broken"}};
  const auto verdict = judge(plan, lines);
  EXPECT_EQ(status_of(verdict, "after"), Status::kWrongError) << statuses(verdict);
  EXPECT_NE(part(verdict, "after")->got.find("broken"), std::string::npos);
}

TEST(Oracle, a_pool_that_breaks_must_be_usable_once_it_is_opened_again) {
  const auto plan = killed_plan(Recovery::kBreaks);
  auto lines = healthy(plan);
  outcome_of(lines, "t9") = {{"kind", "pool-broken"}};
  EXPECT_EQ(status_of(judge(plan, lines), "after"), Status::kWrongError);
}

TEST(Oracle, a_probe_with_another_value_fails_after) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  outcome_of(lines, "t8") = {{"kind", "value"}, {"value", 12}};
  EXPECT_EQ(status_of(judge(plan, lines), "after"), Status::kWrongError);
}

TEST(Oracle, a_close_that_takes_too_long_is_a_timeout_and_the_machine_factor_stretches_it) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  for (auto it = lines.rbegin(); it != lines.rend(); ++it) {  // the last close, 3.5 s
    if (says("closed")(*it)) {
      it->t_ns += 3'500'000'000;
      break;
    }
  }
  EXPECT_EQ(status_of(judge(plan, lines), "close"), Status::kTimeout);
  first(lines, of_kind("plan")).fields["factor"] = 2.0;
  EXPECT_EQ(judge(plan, lines).status, Status::kPass);
}

TEST(Oracle, a_program_that_ends_wrongly_after_bye_is_a_parent_crash_of_close) {
  const auto plan = killed_plan();
  for (const json& status : {json{{"signal", "SEGV"}, {"core", false}}, json{{"code", 1}}}) {
    auto lines = healthy(plan);
    first(lines, exit_of(10)).fields["status"] = status;
    const auto verdict = judge(plan, lines);
    EXPECT_EQ(verdict.status, Status::kParentCrash);
    EXPECT_EQ(status_of(verdict, "close"), Status::kParentCrash) << statuses(verdict);
    EXPECT_EQ(status_of(verdict, "leftovers"), Status::kNotJudged);
  }
}

// Rule 5: levels.

TEST(Oracle, a_should_part_that_fails_is_shown_and_does_not_fail_the_attempt) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  outcome_of(lines, "t5").erase("cause");
  const auto verdict = judge(plan, lines);
  EXPECT_EQ(verdict.status, Status::kPass);
  ASSERT_NE(part(verdict, "victim.cause"), nullptr);
  EXPECT_EQ(part(verdict, "victim.cause")->status, Status::kWrongError);
  EXPECT_EQ(part(verdict, "victim.cause")->level, Level::kShould);
  EXPECT_NE(part(verdict, "victim.cause")->got.find("nothing"), std::string::npos);
}

TEST(Oracle, the_worst_must_part_names_the_attempt) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  outcome_of(lines, "t5") = {{"kind", "task-error"}};  // wrong-error
  insert_before(lines, ledger_of("t7", "end"), first(lines, ledger_of("t7", "start")));  // twice
  const auto verdict = judge(plan, lines);
  EXPECT_EQ(verdict.status, Status::kDuplicateRun) << statuses(verdict);
  EXPECT_EQ(status_of(verdict, "victim.outcome"), Status::kWrongError);
  EXPECT_EQ(status_of(verdict, "run-once"), Status::kDuplicateRun);
}

TEST(Oracle, no_attempt_whose_tail_is_missing_passes) {
  for (const Recovery recovers : {Recovery::kReplaces, Recovery::kBreaks}) {
    const auto plan = killed_plan(recovers);
    auto lines = healthy(plan);
    ASSERT_EQ(judge(plan, lines).status, Status::kPass);
    while (!lines.empty()) {
      lines.pop_back();
      EXPECT_NE(judge(plan, lines).status, Status::kPass) << lines.size() << " lines";
    }
  }
}

// Even if the end itself exists: what is missing before it must show.
TEST(Oracle, no_attempt_whose_middle_is_missing_passes_though_it_says_done) {
  const auto plan = killed_plan();
  const auto whole = healthy(plan);
  const Observation& end = whole.back();
  for (std::size_t kept = 0; kept + 5 < whole.size(); ++kept) {
    Lines lines(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(kept));
    lines.push_back(end);
    EXPECT_NE(judge(plan, lines).status, Status::kPass) << kept << " lines, then `ended`";
  }
}

// json::get would read 4294967317 as process 21, and 1e300 as any number at all.
TEST(Oracle, a_number_that_is_too_large_is_no_other_number) {
  const auto plan = killed_plan();
  for (const json& number : {json(4'294'967'317), json(1e300), json(21.5), json("21")}) {
    auto lines = healthy(plan);
    first(lines, exit_of(21)).fields["pid"] = number;
    EXPECT_EQ(judge(plan, lines).status, Status::kHarnessError) << number;
    lines = healthy(plan);
    first(lines, of_kind("plan")).fields["factor"] = 1e300;
    EXPECT_EQ(judge(plan, lines).status, Status::kHarnessError);
    lines = healthy(plan);
    outcome_of(lines, "t5")["blame"]["pid"] = number;
    EXPECT_EQ(part(judge(plan, lines), "victim.blame")->got, "t5 (victim) tells nothing");
  }
}

TEST(Oracle, judging_twice_gives_the_same) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  stuck_at(lines, 7, {"cpu"}, settles("t5"));
  EXPECT_EQ(judge(plan, lines), judge(plan, lines));
}

}  // namespace
}  // namespace poolproof::conformance
