// Tests the judge: each law, with a supervisor that breaks it.
#include "fuzz/simulation/judge.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <functional>

namespace poolproof::simulation {
namespace {

using namespace std::chrono_literals;

// A worker that has claimed task 1, of a pool of one.
class AJudge : public testing::Test {
 protected:
  AJudge() {
    facts.plan.options = {.workers = 1, .start_limit = 2s, .channel_grace = 500ms};
    facts.tasks.resize(2);
    facts.tasks[0].submitted = true;
    Process& made = facts.processes.emplace_back();
    made.pid = 1000;
    made.spawned_at = facts.now;
    judge.spawns(made);
    says(FrameKind::kHello, 0);
    judge.orders(made, FrameKind::kOffer, 1);
    made.sent_at = facts.now;
    says(FrameKind::kClaim, 1);
  }
  Process& worker() { return facts.processes[0]; }
  void says(FrameKind kind, TaskId task) {
    worker().said.resize(worker().said.size() + 1);
    judge.said(worker(), kind, task, true);
    worker().read = worker().said.size();
    judge.reads(worker());
  }
  // It dies, and the supervisor reports it; `change` makes the report wrong.
  void dies(std::function<void(Failure&)> change) {
    worker().struck = worker().ended = true;
    worker().exit = Signaled{SIGSEGV, true};
    judge.reaps(worker());
    Failure told;
    told.kind = FailureKind::kWorkerLost;
    told.task = 1;
    told.started = true;
    told.worker = {0, 1000};
    told.exit = worker().exit;
    change(told);
    judge.settles(1, told);
  }

  Facts facts;
  Judge judge{facts};
};

TEST_F(AJudge, finds_nothing_wrong_where_nothing_is) {
  dies([](Failure&) {});
  EXPECT_EQ(facts.broken, "");
}

TEST_F(AJudge, convicts_who_ends_a_future_twice) {
  says(FrameKind::kValue, 1);
  judge.settles(1, value_of(1));
  EXPECT_EQ(facts.broken, "");
  judge.settles(1, value_of(1));
  EXPECT_EQ(facts.broken, "L5: a future ends twice");
}

TEST_F(AJudge, convicts_who_gives_back_what_nobody_sent) {
  judge.settles(1, value_of(1));
  EXPECT_NE(facts.broken, "");
}

TEST_F(AJudge, convicts_who_blames_another_worker) {
  dies([](Failure& told) { told.worker.pid = 1001; });
  EXPECT_NE(facts.broken.find("another worker"), std::string::npos) << facts.broken;
}

TEST_F(AJudge, convicts_who_tells_another_exit) {
  dies([](Failure& told) { told.exit = Exited{1}; });
  EXPECT_NE(facts.broken.find("another exit"), std::string::npos) << facts.broken;
}

TEST_F(AJudge, convicts_who_denies_that_the_task_had_started) {
  dies([](Failure& told) { told.started = false; });
  EXPECT_NE(facts.broken.find("not started"), std::string::npos) << facts.broken;
}

TEST_F(AJudge, convicts_who_names_a_deadline_that_was_none) {
  dies([](Failure& told) { told.kind = FailureKind::kDeadline; });
  EXPECT_NE(facts.broken, "");
}

TEST_F(AJudge, convicts_who_turns_a_finished_task_into_an_error) {
  says(FrameKind::kValue, 1);
  dies([](Failure&) {});
  EXPECT_EQ(facts.broken.find("task 1: L7"), 0u) << facts.broken;
}

TEST_F(AJudge, convicts_who_kills_for_nothing) {
  judge.kills(worker());
  EXPECT_NE(facts.broken.find("for nothing"), std::string::npos);
}

TEST_F(AJudge, convicts_who_kills_as_late_what_takes_its_argument) {
  worker().sent_at.reset();
  facts.now += 1s;
  worker().moved_at = facts.now;
  facts.now += 2s - 1ns;
  judge.kills(worker());
  EXPECT_NE(facts.broken.find("for nothing"), std::string::npos);
}

TEST_F(AJudge, lets_a_kill_pass_where_no_bytes_flow) {
  worker().sent_at.reset();
  worker().moved_at = facts.now += 1s;
  facts.now += 2s;
  judge.kills(worker());
  EXPECT_EQ(facts.broken, "");
}

TEST_F(AJudge, convicts_who_counts_the_sending_to_the_run_limit) {
  facts.tasks[0].plan.run_limit = 1s;
  worker().sent_at = facts.now + 1s;
  facts.now += 2s - 1ns;
  judge.kills(worker());
  EXPECT_NE(facts.broken.find("for nothing"), std::string::npos);
}

TEST_F(AJudge, convicts_who_says_that_memory_failed_where_it_did_not) {
  says(FrameKind::kValue, 1);
  Failure told;
  told.kind = FailureKind::kDecode;
  told.type_name = "std::bad_alloc";
  told.task = 1;
  told.started = true;
  judge.settles(1, told);
  EXPECT_NE(facts.broken.find("there was memory"), std::string::npos) << facts.broken;
}

TEST_F(AJudge, lets_a_kill_at_the_deadline_pass) {
  facts.tasks[0].deadline = facts.now;
  judge.kills(worker());
  EXPECT_EQ(facts.broken, "");
}

TEST_F(AJudge, convicts_who_runs_a_task_again) {
  dies([](Failure& told) { told.task = 1; });
  facts.tasks[0].settled = 0;
  Process& other = facts.processes.emplace_back();
  other.number = 1;
  other.hello_at = facts.now;
  judge.orders(other, FrameKind::kOffer, 1);
  EXPECT_EQ(facts.broken.find("L6"), 0u) << facts.broken;
}

TEST_F(AJudge, convicts_who_sets_an_alarm_for_nothing) {
  judge.sleeps(std::nullopt);
  EXPECT_EQ(facts.broken, "");
  judge.sleeps(facts.now + 1s);
  EXPECT_EQ(facts.broken.find("L8"), 0u) << facts.broken;
}

TEST_F(AJudge, convicts_who_oversleeps_a_deadline) {
  facts.tasks[0].deadline = facts.now + 1s;
  judge.sleeps(facts.now + 2s);
  EXPECT_NE(facts.broken.find("a task has a deadline"), std::string::npos) << facts.broken;
}

TEST_F(AJudge, convicts_who_lets_a_task_wait_while_a_worker_is_idle) {
  says(FrameKind::kValue, 1);
  judge.settles(1, value_of(1));
  facts.tasks[1].submitted = true;
  judge.sleeps(std::nullopt);
  EXPECT_NE(facts.broken.find("is idle"), std::string::npos) << facts.broken;
}

TEST_F(AJudge, convicts_who_gives_a_task_to_a_worker_with_rights_that_the_program_has_given_up) {
  says(FrameKind::kValue, 1);
  judge.settles(1, value_of(1));
  facts.tasks[1].submitted = true;
  ++facts.rights;
  judge.orders(worker(), FrameKind::kOffer, 2);
  EXPECT_NE(facts.broken.find("rights"), std::string::npos) << facts.broken;
}

TEST_F(AJudge, convicts_who_keeps_a_worker_with_rights_that_the_program_has_given_up) {
  says(FrameKind::kValue, 1);
  judge.settles(1, value_of(1));
  facts.rights_told = ++facts.rights;
  judge.sleeps(std::nullopt);
  EXPECT_NE(facts.broken.find("rights"), std::string::npos) << facts.broken;
}

TEST_F(AJudge, convicts_who_oversleeps_the_end_of_a_worker_that_it_could_not_kill) {
  facts.tasks[0].deadline = facts.now;
  judge.kills(worker());
  judge.fails_to_kill(worker());
  judge.sleeps(facts.now + 500ms);
  EXPECT_EQ(facts.broken, "");
  judge.sleeps(facts.now + 501ms);
  EXPECT_NE(facts.broken.find("a worker has a limit"), std::string::npos) << facts.broken;
}

TEST_F(AJudge, convicts_who_gives_up_a_worker_too_early) {
  facts.tasks[0].deadline = facts.now;
  judge.kills(worker());
  judge.fails_to_kill(worker());
  facts.now += 499ms;
  judge.forgets(worker());
  EXPECT_NE(facts.broken.find("too early"), std::string::npos) << facts.broken;
}

TEST_F(AJudge, convicts_who_gives_up_a_worker_that_can_be_killed) {
  judge.forgets(worker());
  EXPECT_NE(facts.broken.find("no kill of it has failed"), std::string::npos) << facts.broken;
}

TEST_F(AJudge, convicts_who_does_not_say_that_a_worker_may_live_on) {
  facts.tasks[0].deadline = facts.now;
  judge.kills(worker());
  judge.fails_to_kill(worker());
  facts.now += 500ms;
  judge.forgets(worker());
  EXPECT_EQ(facts.broken, "");
  Failure told;
  told.kind = FailureKind::kDeadline;
  told.cause = Cause::kDeadline;
  told.task = 1;
  told.started = true;
  told.worker = {0, 1000};
  told.exit = Unseen{};
  judge.settles(1, told);
  EXPECT_NE(facts.broken.find("it may still run"), std::string::npos) << facts.broken;
}

TEST_F(AJudge, convicts_who_goes_on_without_a_worker_that_could_not_serve) {
  Process& other = facts.processes.emplace_back();
  other.number = 1;
  other.struck = true;
  judge.said(other, FrameKind::kRefusal, 0, true);
  judge.reads(other);
  judge.reaps(other);
  judge.ends_turn();
  EXPECT_NE(facts.broken.find("could not serve"), std::string::npos) << facts.broken;
}

TEST_F(AJudge, convicts_who_ends_a_pool_after_a_sleep_that_failed_and_does_not_say_so) {
  facts.sleep_failed = true;
  judge.ends_pool({.kind = FailureKind::kSupervisorLost, .text = "ppoll: no"});
  EXPECT_EQ(facts.broken, "");
  judge.ends_pool({.kind = FailureKind::kSupervisorLost, .text = "something"});
  EXPECT_NE(facts.broken.find("does not say so"), std::string::npos) << facts.broken;
}

TEST_F(AJudge, convicts_who_leaves_a_worker_that_its_lifeline_kills) {
  facts.sleep_failed = true;
  facts.finished = true;
  judge.settles(1, Failure{.kind = FailureKind::kSupervisorLost, .task = 1, .started = true});
  judge.kills(worker());
  judge.fails_to_kill(worker());
  judge.is_over();
  EXPECT_EQ(facts.broken, "") << "it cannot be killed";
  worker().dying = true;
  judge.is_over();
  EXPECT_EQ(facts.broken.find("L9"), 0u) << facts.broken;
}

TEST_F(AJudge, convicts_who_leaves_a_worker_behind) {
  says(FrameKind::kValue, 1);
  judge.settles(1, value_of(1));
  facts.finished = true;
  judge.is_over();
  EXPECT_EQ(facts.broken.find("L9"), 0u) << facts.broken;
}

}  // namespace
}  // namespace poolproof::simulation
