// Hangs, crashes and faults that did not strike: which part is convicted, as what, and only once.
#include "conformance/judge/obstacle.h"

#include <gtest/gtest.h>

#include "conformance/judge/staged_attempt.h"

namespace poolproof::conformance {
namespace {

using namespace staged;  // NOLINT: this file is about what is staged
using nlohmann::json;

constexpr int kWarmUpStep = 1, kFirstCloseStep = 2, kStrikeStep = 6, kAwaitStep = 7, kProbeStep = 8,
              kCloseStep = 9, kByeStep = 10;

Status status_of(const AttemptVerdict& verdict, const std::string& name) {
  const Part* found = part(verdict, name);
  return found != nullptr ? found->status : Status::kPass;
}

int failing_parts(const AttemptVerdict& verdict) {
  int failing = 0;
  for (const Part& one : verdict.parts) failing += weight_of(one.status) == Weight::kFails ? 1 : 0;
  return failing;
}

AttemptVerdict stuck(int step, const std::vector<std::string>& moved, const Predicate& lost) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  stuck_at(lines, step, moved, lost);
  return judge(plan, lines);
}

AttemptVerdict proved(int step, const json& proof, const Predicate& lost) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  proved_at(lines, step, proof, lost);
  return judge(plan, lines);
}

TEST(Obstacle, an_open_future_in_a_still_pool_is_hang_quiet_and_convicted_once) {
  const auto verdict = stuck(kAwaitStep, {}, settles("t5"));
  EXPECT_EQ(verdict.status, Status::kHangQuiet);
  EXPECT_EQ(status_of(verdict, "victim.outcome"), Status::kHangQuiet);
  EXPECT_EQ(failing_parts(verdict), 1) << statuses(verdict);
  for (const char* later : {"bystander.outcome", "run-once", "after", "close", "leftovers"})
    EXPECT_EQ(status_of(verdict, later), Status::kNotJudged) << later;
  EXPECT_EQ(status_of(verdict, "open"), Status::kPass);
  EXPECT_NE(verdict.why.find("t5 (victim)"), std::string::npos) << verdict.why;
  EXPECT_EQ(part(verdict, "victim.outcome")->expected, "worker-lost within 3000 ms");
}

TEST(Obstacle, the_evidence_of_a_hang_names_future_death_waits_and_zombie) {
  const auto verdict = stuck(kAwaitStep, {}, settles("t5"));
  for (const char* piece :
       {"future t5 (victim) is open", "its body started in process 21", "receipt: signal KILL, ",
        "process 21 died by signal KILL, ", "no outcome names it", "nothing moved for 1.000 s",
        "process 10 `adapter` (the adapter), 2 threads", "read fd 5 pipe:[7] (13)",
        "process 21 `adapter` (child of 10, struck) is a zombie"})
    EXPECT_TRUE(has_evidence(verdict, piece)) << piece;
}

TEST(Obstacle, an_open_future_in_a_pool_that_is_proved_hung_is_hang_proven_and_convicted_once) {
  const auto verdict = proved(kAwaitStep, proof_of_a_hang(), settles("t5"));
  EXPECT_EQ(verdict.status, Status::kHangProven) << verdict.why;
  EXPECT_EQ(status_of(verdict, "victim.outcome"), Status::kHangProven);
  EXPECT_EQ(failing_parts(verdict), 1) << statuses(verdict);
  EXPECT_EQ(status_of(verdict, "after"), Status::kNotJudged);
  EXPECT_EQ(part(verdict, "victim.outcome")->got,
            "t5 (victim) never settled, and it is proved that nothing can ever move again");
}

TEST(Obstacle, the_evidence_of_a_proof_says_who_waits_for_whom) {
  const auto verdict = proved(kAwaitStep, proof_of_a_hang(), settles("t5"));
  for (const char* piece :
       {"proved in 80.0 ms, after 104.0 ms without news, that it can never end: each of its 2",
        "orphaned-lock: the lock that process 22 waits for belongs to thread 21, which is dead",
        "process 10 `python3 pool.py` (the adapter) waits in read for input from socket:[1] ",
        "empty): that is the harness, which says nothing more until this ends",
        "process 21 `python3 pool.py` (child of 10) is a zombie: nobody has waited for it",
        ("process 22 `python3 pool.py` (child of 10) waits for a lock that thread 21 holds, which "
         "is dead; only process 10 by descriptors 7, 8 could wake it")})
    EXPECT_TRUE(has_evidence(verdict, piece)) << piece;
  EXPECT_FALSE(has_evidence(verdict, "nothing moved for"));
}

TEST(Obstacle, no_other_answer_than_hung_is_a_proof_and_the_evidence_says_why_there_is_none) {
  for (const char* word : {"quiet", "busy", "undecided"}) {
    json proof = {{"verdict", word}, {"reason", "its poll has a time limit"}, {"took_ns", 1}};
    const auto verdict = proved(kAwaitStep, proof, settles("t5"));
    EXPECT_EQ(verdict.status, Status::kHangQuiet) << word;
    EXPECT_TRUE(has_evidence(
        verdict, "not proved to be a hang (" + std::string(word) + "): its poll has a time limit"));
  }
}

TEST(Obstacle, a_proof_of_an_earlier_step_says_nothing_of_a_later_one) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  stuck_at(lines, kAwaitStep, {"cpu"}, settles("t5"));
  insert_before(lines, step_is(kStrikeStep, "begin"), line("proof", proof_of_a_hang(), 0));
  EXPECT_EQ(judge(plan, lines).status, Status::kTimeout);
}

TEST(Obstacle, a_proof_without_its_processes_is_no_ground_for_a_conviction) {
  json proof = proof_of_a_hang();
  proof.erase("processes");
  EXPECT_EQ(proved(kAwaitStep, proof, settles("t5")).status, Status::kHarnessError);
}

TEST(Obstacle, a_hang_is_undecided_while_the_harness_holds_a_task_whatever_was_proved) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  drop(lines,
       [](const Observation& l) { return l.kind == "answered" && l.fields["task"] == "t6"; });
  drop(lines, [](const Observation& l) { return l.kind == "left" && l.fields["pid"] == 22; });
  proved_at(lines, kAwaitStep, proof_of_a_hang(), settles("t5"));
  EXPECT_EQ(judge(plan, lines).status, Status::kVacuous);
}

TEST(Obstacle, a_lost_task_in_a_pool_that_is_proved_hung_is_a_lost_task) {
  const auto verdict = proved(kAwaitStep, proof_of_a_hang(), settles("t6"));
  EXPECT_EQ(verdict.status, Status::kLostTask);
}

TEST(Obstacle, an_open_future_in_a_pool_that_still_moves_is_a_timeout) {
  const auto verdict = stuck(kAwaitStep, {"cpu", "bytes"}, settles("t5"));
  EXPECT_EQ(verdict.status, Status::kTimeout);
  EXPECT_TRUE(has_evidence(verdict, "still moved: cpu, bytes"));
}

TEST(Obstacle, a_task_that_came_to_its_end_in_a_living_worker_is_lost) {
  const auto verdict = stuck(kAwaitStep, {}, settles("t6"));
  EXPECT_EQ(verdict.status, Status::kLostTask);
  EXPECT_EQ(status_of(verdict, "bystander.outcome"), Status::kLostTask) << statuses(verdict);
  EXPECT_EQ(status_of(verdict, "victim.outcome"), Status::kPass) << "it settled before";
}

TEST(Obstacle, a_result_that_died_with_its_worker_is_a_hang_and_no_lost_task) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  insert_before(lines, of_kind("told"),
                line("ledger", {{"entry", {{"ev", "end"}, {"task", "t5"}, {"pid", 21}}}}, 0));
  stuck_at(lines, kAwaitStep, {}, settles("t5"));
  EXPECT_EQ(judge(plan, lines).status, Status::kHangQuiet);
}

TEST(Obstacle, a_future_that_is_open_though_the_pool_said_closed_is_lost) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  drop(lines, settles("t5"));
  const auto verdict = judge(plan, lines);
  EXPECT_EQ(status_of(verdict, "victim.outcome"), Status::kLostTask) << statuses(verdict);
  EXPECT_EQ(verdict.status, Status::kLostTask);
}

TEST(Obstacle, what_settles_while_we_clear_up_is_no_deed_of_the_pool) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  const Observation late = first(lines, settles("t5"));
  stuck_at(lines, kAwaitStep, {}, settles("t5"));
  insert_before(lines, of_kind("healed"), late);
  EXPECT_EQ(judge(plan, lines).status, Status::kHangQuiet);
}

TEST(Obstacle, each_step_convicts_the_part_that_waited) {
  const auto is_last_close = [&](const Observation& l) { return says("closed")(l); };
  const std::vector<std::tuple<int, Predicate, std::string>> cases = {
      {3, says("opened"), "open"},
      {kWarmUpStep, settles("t2"), "open"},
      {kFirstCloseStep, is_last_close, "close"},
      {kProbeStep, settles("t8"), "after"},
      {kCloseStep, is_last_close, "close"},
      {kByeStep, exit_of(10), "close"}};
  for (const auto& [step, lost, name] : cases) {
    const auto verdict = stuck(step, {}, lost);
    EXPECT_EQ(verdict.status, Status::kHangQuiet) << step << ": " << verdict.why;
    EXPECT_EQ(status_of(verdict, name), Status::kHangQuiet) << step << ": " << statuses(verdict);
    EXPECT_EQ(failing_parts(verdict), 1) << step << ": " << statuses(verdict);
  }
}

TEST(Obstacle, a_hang_of_a_reopened_pool_is_of_the_call_that_waits) {
  const auto plan = killed_plan(scenarios::Recovery::kBreaks);
  auto lines = healthy(plan);
  stuck_at(lines, kProbeStep, {}, [](const Observation& l) {
    return says("opened")(l) || settles("t9")(l) ||
           (l.kind == "sent" && asks("submit")(l) && l.fields["message"]["id"] == "t9") ||
           l.kind == "ledger";
  });
  const auto verdict = judge(plan, lines);
  EXPECT_EQ(status_of(verdict, "open"), Status::kHangQuiet) << statuses(verdict);
}

TEST(Obstacle, a_crash_of_the_parent_is_convicted_at_the_part_that_waited) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  crash_at(lines, kAwaitStep, {{"signal", "ABRT"}, {"core", true}});
  const auto verdict = judge(plan, lines);
  EXPECT_EQ(verdict.status, Status::kParentCrash);
  EXPECT_EQ(status_of(verdict, "victim.outcome"), Status::kParentCrash) << statuses(verdict);
  EXPECT_EQ(failing_parts(verdict), 1) << statuses(verdict);
  EXPECT_TRUE(has_evidence(verdict, "terminate called")) << "the last lines of stderr";
}

TEST(Obstacle, a_crash_before_the_strike_is_a_crash_and_not_vacuous) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  crash_at(lines, kWarmUpStep, {{"code", 1}});
  const auto verdict = judge(plan, lines);
  EXPECT_EQ(verdict.status, Status::kParentCrash);
  EXPECT_EQ(status_of(verdict, "open"), Status::kParentCrash) << statuses(verdict);
}

TEST(Obstacle, a_silence_while_we_hold_a_task_is_undecided) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  stuck_at(lines, kAwaitStep, {}, [](const Observation& l) {
    return settles("t7")(l) || (l.kind == "answered" && l.fields["task"] == "t7") ||
           (l.kind == "left" && l.fields["pid"] == 23) || ledger_of("t7", "end")(l);
  });
  const auto verdict = judge(plan, lines);
  EXPECT_EQ(verdict.status, Status::kVacuous) << verdict.why;
  EXPECT_NE(verdict.why.find("undecided"), std::string::npos) << verdict.why;
}

TEST(Obstacle, an_attempt_that_is_stuck_for_no_reason_is_a_harness_error) {
  const auto verdict = stuck(kAwaitStep, {}, [](const Observation&) { return false; });
  EXPECT_EQ(verdict.status, Status::kHarnessError) << verdict.why;
}

TEST(Obstacle, a_resize_that_is_never_answered_is_convicted_as_that) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  insert_before(lines, step_is(kAwaitStep, "end"),
                line("sent", {{"message", {{"cmd", "resize"}, {"workers", 1}}}}, 0));
  stuck_at(lines, kAwaitStep, {});
  const auto verdict = judge(plan, lines);
  EXPECT_EQ(verdict.status, Status::kHangQuiet) << verdict.why;
  EXPECT_EQ(status_of(verdict, "resize"), Status::kHangQuiet) << statuses(verdict);
  EXPECT_EQ(failing_parts(verdict), 1) << statuses(verdict);
}

// Receipts.

TEST(Receipt, a_fault_that_was_never_commanded_makes_the_attempt_vacuous) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  drop(lines, of_kind("told"));
  drop(lines, exit_of(21));
  outcome_of(lines, "t5") = {{"kind", "value"}, {"value", nullptr}};
  const auto verdict = judge(plan, lines);
  EXPECT_EQ(verdict.status, Status::kVacuous);
  EXPECT_NE(verdict.why.find("kill at running:victim"), std::string::npos) << verdict.why;
  EXPECT_EQ(failing_parts(verdict), 0) << statuses(verdict);
}

TEST(Receipt, a_fault_without_its_second_half_makes_the_attempt_vacuous) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  drop(lines, exit_of(21));
  EXPECT_EQ(judge(plan, lines).status, Status::kVacuous);
}

TEST(Receipt, an_end_that_the_effect_does_not_explain_is_no_receipt) {
  const auto plan = killed_plan();
  for (const json& status : {json{{"code", 0}}, json{{"signal", "SEGV"}, {"core", false}}}) {
    auto lines = healthy(plan);
    first(lines, exit_of(21)).fields["status"] = status;
    const auto verdict = judge(plan, lines);
    EXPECT_EQ(verdict.status, Status::kVacuous) << status;
    EXPECT_NE(verdict.why.find("does not explain"), std::string::npos) << verdict.why;
  }
}

TEST(Receipt, each_effect_is_explained_by_its_own_status_and_by_an_end_that_only_the_pool_saw) {
  const std::vector<std::pair<std::string, json>> pairs = {
      {"kill", {{"signal", "KILL"}, {"core", false}}},
      {"exit:0", {{"code", 0}}},
      {"exit:3", {{"code", 3}}},
      {"raise:SEGV", {{"signal", "SEGV"}, {"core", true}}},
      {"kill", {{"unseen", true}}}};
  for (const auto& [effect, status] : pairs) {
    const auto plan = killed_plan(scenarios::Recovery::kReplaces, effect);
    auto lines = healthy(plan);
    first(lines, exit_of(21)).fields["status"] = status;
    outcome_of(lines, "t5").erase("cause");
    EXPECT_EQ(judge(plan, lines).status, Status::kPass) << effect << " and " << status;
  }
}

TEST(Receipt, the_exit_of_another_process_of_the_same_pid_is_no_receipt) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  first(lines, exit_of(21)).fields["start"] = 777;
  EXPECT_EQ(judge(plan, lines).status, Status::kVacuous);
}

TEST(Receipt, a_signal_that_could_not_be_sent_is_said) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  drop(lines, exit_of(21));
  first(lines, of_kind("signalled")).fields["error"] = "ESRCH: no such process";
  const auto verdict = judge(plan, lines);
  EXPECT_EQ(verdict.status, Status::kVacuous);
  EXPECT_NE(verdict.why.find("ESRCH"), std::string::npos) << verdict.why;
}

TEST(Receipt, a_pool_that_hangs_before_any_strike_is_convicted_and_not_vacuous) {
  const auto verdict = stuck(kStrikeStep, {}, [](const Observation& l) {
    return l.kind != "step";  // the victim never even starts
  });
  EXPECT_EQ(verdict.status, Status::kHangQuiet) << verdict.why;
  EXPECT_EQ(status_of(verdict, "victim.outcome"), Status::kHangQuiet) << statuses(verdict);
  EXPECT_EQ(failing_parts(verdict), 1);
}

TEST(Receipt, a_hang_after_a_strike_that_did_not_land_is_vacuous) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  drop(lines, exit_of(21));
  stuck_at(lines, kAwaitStep, {}, settles("t5"));
  EXPECT_EQ(judge(plan, lines).status, Status::kVacuous);
}

TEST(Receipt, a_crash_of_the_parent_stands_though_the_strike_did_not_land) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  drop(lines, exit_of(21));
  crash_at(lines, kAwaitStep, {{"signal", "ABRT"}, {"core", true}});
  EXPECT_EQ(judge(plan, lines).status, Status::kParentCrash);
}

TEST(Receipt, a_failed_baseline_round_is_a_failure_and_not_vacuous) {
  const auto verdict = stuck(kFirstCloseStep, {}, says("closed"));
  EXPECT_EQ(verdict.status, Status::kHangQuiet);
  EXPECT_EQ(status_of(verdict, "close"), Status::kHangQuiet) << statuses(verdict);
  EXPECT_EQ(failing_parts(verdict), 1);
}

TEST(Receipt, a_task_that_runs_twice_is_convicted_though_the_fault_did_not_strike) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  insert_before(lines, ledger_of("t1", "end"), first(lines, ledger_of("t1", "start")));
  drop(lines, of_kind("told"));
  EXPECT_EQ(judge(plan, lines).status, Status::kDuplicateRun);
}

}  // namespace
}  // namespace poolproof::conformance
