// From attempts to cells and from cells to the exit status.
#include <gtest/gtest.h>

#include <algorithm>

#include "conformance/judge/oracle.h"
#include "conformance/judge/staged_attempt.h"

namespace poolproof::conformance {
namespace {

using namespace staged;  // NOLINT: this file is about what is staged
using nlohmann::json;
using scenarios::Level;

AttemptVerdict attempt(Status status, Level level = Level::kMust) {
  AttemptVerdict verdict;
  verdict.status = level == Level::kMust ? status : Status::kPass;
  verdict.parts = {{"victim.outcome", status, level, "", ""}};
  return verdict;
}

CellVerdict folded(const std::vector<Status>& statuses) {
  std::vector<AttemptVerdict> attempts;
  for (const Status status : statuses) attempts.push_back(attempt(status));
  return fold("pool", "death/x", attempts);
}

TEST(Fold, one_passing_attempt_is_a_pass_without_a_rate) {
  EXPECT_EQ(folded({Status::kPass}).status, Status::kPass);
  EXPECT_EQ(folded({Status::kPass}).rate, "");
}

TEST(Fold, attempts_that_all_fail_are_the_worst_of_them) {
  const auto cell = folded({Status::kLeak, Status::kHangQuiet, Status::kTimeout});
  EXPECT_EQ(cell.status, Status::kHangQuiet);
  EXPECT_EQ(cell.rate, "3 of 3");
  EXPECT_EQ(cell.parts.front().status, Status::kHangQuiet) << "the parts are of that attempt";
}

TEST(Fold, a_failure_that_most_attempts_had_outweighs_a_worse_one_that_came_once) {
  const auto cell = folded({Status::kWrongError, Status::kWrongError, Status::kLostTask});
  EXPECT_EQ(cell.status, Status::kWrongError);
  EXPECT_EQ(cell.rate, "3 of 3");
  EXPECT_EQ(folded({Status::kPass, Status::kPass, Status::kTimeout}).status, Status::kFlaky);
}

TEST(Fold, failing_and_passing_is_flaky_with_its_rate) {
  const auto cell = folded({Status::kTimeout, Status::kPass, Status::kPass});
  EXPECT_EQ(cell.status, Status::kFlaky);
  EXPECT_EQ(cell.rate, "1 of 3");
  EXPECT_NE(cell.why.find("timeout"), std::string::npos) << cell.why;
  EXPECT_EQ(weight_of(cell.status), Weight::kFails);
}

TEST(Fold, an_inconclusive_attempt_outweighs_a_pass_and_not_a_failure) {
  EXPECT_EQ(folded({Status::kPass, Status::kVacuous}).status, Status::kVacuous);
  EXPECT_EQ(folded({Status::kTimeout, Status::kVacuous}).status, Status::kTimeout);
  EXPECT_EQ(folded({Status::kTimeout, Status::kVacuous}).rate, "1 of 2");
}

TEST(Fold, a_cell_whose_last_attempt_is_cut_off_or_that_has_none_is_cut_off) {
  EXPECT_EQ(folded({Status::kPass, Status::kCutOff}).status, Status::kCutOff);
  EXPECT_EQ(folded({Status::kTimeout, Status::kCutOff}).status, Status::kCutOff);
  EXPECT_EQ(folded({}).status, Status::kCutOff);
}

TEST(Fold, a_should_part_that_failed_once_is_shown_though_other_attempts_passed) {
  const auto cell = fold("pool", "death/x",
                         {attempt(Status::kPass), attempt(Status::kWrongError, Level::kShould)});
  EXPECT_EQ(cell.status, Status::kPass);
  EXPECT_EQ(cell.parts.front().status, Status::kWrongError);
}

TEST(ExitStatus, the_first_that_applies_is_taken) {
  const auto of = [](std::vector<Status> statuses, bool whole = true) {
    std::vector<CellVerdict> cells;
    for (const Status status : statuses) cells.push_back(folded({status}));
    return exit_status(cells, Level::kMust, whole);
  };
  EXPECT_EQ(of({Status::kPass, Status::kPass}), 0);
  EXPECT_EQ(of({Status::kPass, Status::kTimeout, Status::kVacuous}), 1);
  EXPECT_EQ(of({Status::kPass, Status::kVacuous}), 3);
  EXPECT_EQ(of({Status::kPass, Status::kHarnessError}), 3);
  EXPECT_EQ(of({Status::kPass, Status::kCutOff}), 3);
  EXPECT_EQ(of({Status::kPass, Status::kDeclined}), 0);
  EXPECT_EQ(of({Status::kDeclined, Status::kUnavailable}), 77);
  EXPECT_EQ(of({}), 3) << "nothing matched";
  EXPECT_EQ(of({Status::kPass}, false), 3) << "the record was cut off";
  EXPECT_EQ(of({Status::kLeak}, false), 1);
  EXPECT_EQ(of({Status::kKnownFailure}), 0);
  EXPECT_EQ(exit_status({folded({Status::kTimeout, Status::kPass})}, Level::kMust, true), 1)
      << "flaky";
}

TEST(ExitStatus, a_part_below_the_asked_level_does_not_count) {
  const std::vector<CellVerdict> cells = {
      fold("pool", "death/x", {attempt(Status::kWrongError, Level::kShould)})};
  EXPECT_EQ(exit_status(cells, Level::kMust, true), 0);
  EXPECT_EQ(exit_status(cells, Level::kShould, true), 1);
  EXPECT_EQ(exit_status(cells, Level::kInforms, true), 1);
}

// Whole records.

Observation of_no_attempt(const std::string& kind, const std::string& run, json fields) {
  Observation made = line(kind, std::move(fields), 0);
  made.run = run;
  made.attempt = 0;
  return made;
}

Observation cell_line(const std::string& pool, const std::string& scenario, json more = {}) {
  json fields = {{"pool", pool}, {"scenario", scenario}};
  if (more.is_object()) fields.update(more);
  return of_no_attempt("cell", pool + ":" + scenario, fields);
}

Lines attempt_lines(const std::string& run, int number, bool sound) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  if (!sound) outcome_of(lines, "t5") = {{"kind", "task-error"}};
  for (Observation& one : lines) {
    one.run = run;
    one.attempt = number;
  }
  return lines;
}

void add(Lines& record, const Lines& more) {
  record.insert(record.end(), more.begin(), more.end());
}

TEST(JudgeRecord, cells_come_in_the_order_of_their_lines_each_with_its_attempts) {
  Lines record = {of_no_attempt("header", "", {{"tool", "poolproof"}}),
                  of_no_attempt("pool", "", {{"name", "a"}}), cell_line("a", "death/x")};
  add(record, attempt_lines("a:death/x", 1, false));
  add(record, attempt_lines("a:death/x", 2, true));
  record.push_back(cell_line("a", "death/y", {{"status", "declined"}, {"why", "no processes"}}));
  record.push_back(cell_line("b", "death/x"));
  add(record, attempt_lines("b:death/x", 1, true));
  const auto cells = judge_record(record);
  ASSERT_EQ(cells.size(), 3u);
  EXPECT_EQ(cells[0].pool, "a");
  EXPECT_EQ(cells[0].status, Status::kFlaky);
  EXPECT_EQ(cells[0].attempts.size(), 2u);
  EXPECT_EQ(cells[0].attempts[1].attempt, 2);
  EXPECT_EQ(cells[1].status, Status::kDeclined);
  EXPECT_EQ(cells[1].why, "no processes");
  EXPECT_EQ(cells[2].status, Status::kPass) << cells[2].why;
}

TEST(JudgeRecord, attempts_that_were_made_at_once_are_judged_as_if_one_after_the_other) {
  const Lines heads = {cell_line("a", "death/x"), cell_line("b", "death/x")};
  const Lines first = attempt_lines("a:death/x", 1, false),
              second = attempt_lines("b:death/x", 1, true);
  Lines apart = heads, woven = {heads.front()};
  add(apart, first);
  add(apart, second);
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) woven.push_back(first[i]);
    if (i == 3) woven.push_back(heads.back());
    if (i >= 3 && i - 3 < second.size()) woven.push_back(second[i - 3]);
  }
  add(woven, {second.end() - 3, second.end()});
  ASSERT_EQ(woven.size(), apart.size());
  EXPECT_EQ(judge_record(woven), judge_record(apart));
  EXPECT_EQ(judge_record(woven).at(0).status, Status::kWrongError);
}

TEST(JudgeRecord, every_cell_of_a_pool_whose_adapter_could_not_speak_is_a_harness_error) {
  const Lines record = {
      of_no_attempt("pool", "", {{"name", "a"}, {"error", "no `hello`"}, {"stderr", "oops"}}),
      cell_line("a", "death/x")};
  const auto cells = judge_record(record);
  ASSERT_EQ(cells.size(), 1u);
  EXPECT_EQ(cells[0].status, Status::kHarnessError);
  EXPECT_NE(cells[0].why.find("`a`"), std::string::npos) << cells[0].why;
  EXPECT_NE(cells[0].why.find("oops"), std::string::npos) << cells[0].why;
}

// Such lines are never a pool's fault, and never the end of the judge.
TEST(JudgeRecord, fields_of_the_wrong_type_outside_an_attempt_are_a_harness_error) {
  const json good = {
      {"pool", "toy"}, {"scenario", "death/x"}, {"status", "declined"}, {"why", "x"}};
  for (const char* key : {"pool", "scenario", "status"}) {
    Observation cell{1, 1, "toy:death/x", 0, "cell", good};
    cell.fields[key] = 7;
    const auto cells = judge_record({cell});
    ASSERT_EQ(cells.size(), 1U);
    EXPECT_EQ(cells[0].status, Status::kHarnessError) << key;
    EXPECT_NE(cells[0].why.find("line 1"), std::string::npos) << cells[0].why;
  }
  const Observation pool{1, 1, "", 0, "pool", {{"name", 1}, {"error", 2}, {"stderr", 3}}};
  const Observation cell{2, 1, "toy:death/x", 0, "cell", good};
  EXPECT_EQ(judge_record({pool, cell}).at(0).status, Status::kDeclined);
}

TEST(JudgeRecord, a_cell_without_an_attempt_or_without_its_end_is_cut_off) {
  Lines record = {cell_line("a", "death/x")};
  EXPECT_EQ(judge_record(record).at(0).status, Status::kCutOff);
  add(record, attempt_lines("a:death/x", 1, true));
  record.pop_back();
  EXPECT_EQ(judge_record(record).at(0).status, Status::kCutOff);
  record.resize(2);
  record[1].kind = "received";  // not even the plan
  EXPECT_EQ(judge_record(record).at(0).status, Status::kCutOff);
}

TEST(JudgeRecord, a_plan_that_cannot_be_read_is_a_harness_error) {
  Lines record = {cell_line("a", "death/x")};
  add(record, attempt_lines("a:death/x", 1, true));
  first(record, of_kind("plan")).fields["plan"].erase("steps");
  const auto cell = judge_record(record).at(0);
  EXPECT_EQ(cell.status, Status::kHarnessError);
  EXPECT_NE(cell.why.find("steps"), std::string::npos) << cell.why;
}

}  // namespace
}  // namespace poolproof::conformance
