// Races between the harness and a pool, in virtual time: what must wait for what.
#include "conformance/run/limits.h"
#include "conformance/run/staged_run.h"

namespace poolproof::conformance {
namespace {

using scenarios::Recovery;
using scenarios::Step;
using scenarios::StepKind;

constexpr const char* kKilled = "death/killed_while_running";

// Where the first line of this kind that satisfies `which` stands; -1: there is none.
int line_at(const StagedRun& attempt, const staged::Predicate& which) {
  for (std::size_t i = 0; i < attempt.lines.size(); ++i)
    if (which(attempt.lines[i])) return static_cast<int>(i);
  return -1;
}
staged::Predicate answered(const std::string& task) {
  return [task](const Observation& line) {
    return line.kind == "answered" && line.fields.at("task") == task;
  };
}

TEST(Race, warm_up_tasks_go_on_only_when_all_of_them_have_met) {
  StagedRun attempt;
  attempt.outside.late["met t2"] = 300ms;
  EXPECT_EQ(attempt.run(kKilled), "done");
  const int second = line_at(attempt, [](const Observation& line) {
    return line.kind == "met" && line.fields.at("task") == "t2";
  });
  EXPECT_GT(line_at(attempt, answered("t1")), second);
  EXPECT_TRUE(attempt.passes()) << attempt.complaint();
}

TEST(Race, a_bystander_is_held_until_the_fault_has_its_receipt) {
  StagedRun attempt;
  attempt.outside.late["exit 13"] = 200ms;
  EXPECT_EQ(attempt.run(kKilled), "done");
  EXPECT_GT(line_at(attempt, answered("t6")), line_at(attempt, staged::exit_of(13)));
  EXPECT_EQ(line_at(attempt, answered("t5")), -1) << "the victim is never told to go on";
  EXPECT_TRUE(attempt.passes()) << attempt.complaint();
}

TEST(Race, a_victim_that_the_pool_runs_again_is_not_struck_again) {
  StagedRun attempt;
  attempt.outside.on_command = [&](const std::string& command) {
    // Before the death that is the strike's receipt is told.
    if (command == "signal 13 KILL") attempt.outside.meets("t5", "running", 14);
  };
  EXPECT_EQ(attempt.run(kKilled), "done");
  EXPECT_GE(attempt.place("answer t5 go"), 0);
  EXPECT_EQ(attempt.all("told").size(), 1u);
}

TEST(Race, the_pool_hears_of_the_death_before_the_bystanders_go_on) {
  StagedRun attempt;
  attempt.outside.late["settled t5"] = 100ms;
  EXPECT_EQ(attempt.run(kKilled), "done");
  EXPECT_GT(line_at(attempt, answered("t6")), line_at(attempt, staged::settles("t5")));
  StagedRun deaf;
  deaf.outside.late["settled t5"] = 2s;
  EXPECT_EQ(deaf.run(kKilled), "done");
  EXPECT_LT(line_at(deaf, answered("t6")), line_at(deaf, staged::settles("t5")))
      << "but not forever";
}

TEST(Race, a_receipt_that_never_comes_makes_the_attempt_vacuous) {
  StagedRun attempt;
  attempt.outside.lost = {"exit 13"};
  EXPECT_EQ(attempt.run(kKilled), "done");
  EXPECT_EQ(attempt.verdict().status, Status::kVacuous) << attempt.complaint();
  EXPECT_GT(attempt.took, limits::kStep);
}

TEST(Race, a_close_counts_as_told_once_the_adapter_has_read_it) {
  StagedRun attempt;
  attempt.outside.adapter_reads_after = 20ms;
  EXPECT_EQ(attempt.run("shutdown/drain_while_a_worker_dies"), "done");
  const int heard = line_at(attempt, [](const Observation& line) {
    return line.kind == "heard" && line.fields.at("cmd") == "close";
  });
  ASSERT_GT(heard, 0);
  EXPECT_LT(heard, line_at(attempt, staged::of_kind("told"))) << "the fault meets the shutdown";
  EXPECT_GE(attempt.lines[static_cast<std::size_t>(heard)].t_ns -
                attempt.lines[static_cast<std::size_t>(heard) - 1].t_ns,
            0);
  EXPECT_TRUE(attempt.passes()) << attempt.complaint();
}

TEST(Race, what_the_adapter_does_not_read_is_not_recorded_as_heard) {
  StagedRun attempt;
  attempt.outside.on_command = [&](const std::string& command) {
    if (command.starts_with("cancel")) attempt.outside.adapter_reads_after = 60s;
  };
  EXPECT_EQ(attempt.run("cancel/queued_then_death"), "stuck");
  EXPECT_TRUE(attempt.all("heard").empty());
}

TEST(Race, the_kill_of_a_parent_comes_when_its_workers_are_inside_their_tasks) {
  StagedRun attempt;
  attempt.outside.adapter_reads_after = 50ms;  // the submit is read only then
  EXPECT_EQ(attempt.run("parent/killed_while_busy"), "done");
  const int told = line_at(attempt, staged::of_kind("told"));
  for (const char* task : {"t5", "t6"}) {
    const int met = line_at(attempt, [task](const Observation& line) {
      return line.kind == "met" && line.fields.at("task") == task;
    });
    EXPECT_LT(met, told) << task;
    EXPECT_GT(met, 0) << task;
  }
  EXPECT_TRUE(attempt.passes()) << attempt.complaint();
}

TEST(Race, a_thread_that_is_ending_is_not_in_the_baseline) {
  StagedRun attempt;
  attempt.outside.more_threads = 1;
  attempt.outside.at(300ms, [&] { attempt.outside.more_threads = 0; });
  EXPECT_EQ(attempt.run(kKilled), "done");
  EXPECT_TRUE(attempt.passes()) << attempt.complaint();
}

TEST(Race, a_thread_that_ends_late_after_the_last_close_gets_a_second) {
  const auto has_a_thread_more = [](StagedRun& attempt) {
    attempt.outside.on_command = [&attempt](const std::string& command) {
      if (command == "open" && attempt.place("open") >= 0) attempt.outside.more_threads = 1;
    };
  };
  StagedRun late;
  has_a_thread_more(late);
  late.outside.at(600ms, [&] { late.outside.more_threads = 0; });
  EXPECT_EQ(late.run(kKilled), "done");
  EXPECT_TRUE(late.passes()) << late.complaint();
  StagedRun never;
  has_a_thread_more(never);
  EXPECT_EQ(never.run(kKilled), "done");
  EXPECT_EQ(never.verdict().status, Status::kLeak) << never.complaint();
}

TEST(Race, workers_that_are_struck_together_are_stopped_first) {
  StagedRun attempt;
  EXPECT_EQ(attempt.run("death/two_killed_at_once"), "done");
  const int stopped = attempt.place("signal 13 STOP"), other = attempt.place("signal 14 STOP");
  ASSERT_GE(stopped, 0);
  ASSERT_GE(other, 0);
  const int looked = attempt.place("snapshot", std::max(stopped, other));
  EXPECT_GT(looked, 0) << "a look takes longer than they need to stop";
  EXPECT_GT(attempt.place("signal 13 KILL"), looked);
  EXPECT_GT(attempt.place("signal 14 KILL"), looked);
  EXPECT_EQ(attempt.place("signal 13 CONT"), -1) << "a stopped process dies of SIGKILL at once";
}

TEST(Race, a_worker_is_struck_while_it_sends_when_it_has_stopped_moving) {
  StagedRun attempt;
  EXPECT_EQ(attempt.run("payload/killed_while_sending_result"), "done");
  const int stopped = attempt.place("signal 10 STOP");
  const int released = attempt.place("answer t5 go", stopped);
  const int killed = attempt.place("signal 13 KILL", released);
  ASSERT_GE(stopped, 0);
  EXPECT_GT(released, stopped) << "the reader is stopped before the result is sent";
  EXPECT_GT(killed, released);
  EXPECT_GT(attempt.place("signal 10 CONT", killed), killed);
  EXPECT_EQ(attempt.all("sending").size(), 1u);
}

// A worker that runs several tasks at once: its other tasks meet while the strike waits.
TEST(Race, tasks_that_meet_during_a_strike_do_not_disturb_it) {
  for (const char* scenario : {"payload/killed_while_sending_result", "death/two_killed_at_once",
                               "death/grandchild_keeps_descriptors"}) {
    StagedRun attempt;
    attempt.outside.on_command = [&, seen = false](const std::string& command) mutable {
      const bool strikes = command.starts_with("signal 13") || command == "answer t5 fork";
      if (!strikes || std::exchange(seen, true)) return;
      for (int i = 0; i < 200; ++i)
        attempt.outside.meets("t" + std::to_string(100 + i), "running", 14);
    };
    EXPECT_EQ(attempt.run(scenario), "done") << scenario;
    EXPECT_GE(attempt.place("answer t299 go"), 0) << scenario;
  }
}

TEST(Race, a_limit_that_cannot_be_set_lets_the_task_go_on_unharmed) {
  StagedRun attempt;
  attempt.outside.no_limits = {"memory"};
  EXPECT_EQ(attempt.run("memory/oom_killed_in_task"), "done");
  EXPECT_TRUE(attempt.all("told").empty());
  EXPECT_GE(attempt.place("answer t5 go"), 0);
  EXPECT_EQ(attempt.verdict().status, Status::kUnavailable) << attempt.complaint();
}

TEST(Race, what_is_denied_is_lifted_before_the_probe) {
  StagedRun attempt;
  EXPECT_EQ(attempt.run("start/no_program_for_a_replacement"), "done");
  const int lifted = attempt.place("lift");
  EXPECT_GT(lifted, attempt.place("limit exec"));
  EXPECT_EQ(attempt.place("submit t12"), lifted + 1);
}

TEST(Race, while_it_is_denied_the_pool_gets_time_to_need_it) {
  StagedRun restless, rests;
  restless.outside.rests = [] { return false; };
  EXPECT_EQ(rests.run("start/no_program_for_a_replacement"), "done");
  EXPECT_EQ(restless.run("start/no_program_for_a_replacement"), "done");
  EXPECT_GE(restless.took - rests.took + FakeOutside::kSoon, limits::kStaysDenied);
}

TEST(Race, a_probe_of_a_pool_that_breaks_opens_another_one) {
  StagedRun breaks(Recovery::kBreaks), recreates(Recovery::kRecreate);
  EXPECT_EQ(breaks.run(kKilled), "done");
  EXPECT_EQ(recreates.run(kKilled), "done");
  const int probe = breaks.place("submit t12");
  EXPECT_GT(breaks.place("open", probe), probe);
  EXPECT_GT(breaks.place("submit t13"), breaks.place("open", probe));
  EXPECT_EQ(recreates.place("open", recreates.place("submit t12")), -1);
}

Step step_of(StepKind kind, int workers = 0) {
  Step step;
  step.kind = kind;
  step.workers = workers;
  return step;
}

// A plan as a sweep makes it: traced, with its steps of its own.
scenarios::Plan traced(const StagedRun& attempt) {
  scenarios::Plan plan = attempt.plan_of(kKilled);
  plan.trace.emplace().calls = {"write"};
  const auto first_close = std::find_if(plan.steps.begin(), plan.steps.end(), [](const Step& step) {
    return step.kind == StepKind::kClose;
  });
  plan.steps.insert(std::next(first_close), step_of(StepKind::kArm));
  const auto probe = std::find_if(plan.steps.begin(), plan.steps.end(),
                                  [](const Step& step) { return step.kind == StepKind::kProbe; });
  plan.steps.insert(probe, step_of(StepKind::kResize, 3));
  return plan;
}

TEST(Race, nothing_is_sent_before_the_tracer_has_confirmed_its_mark) {
  StagedRun attempt;
  attempt.outside.late["marked armed"] = 700ms;
  EXPECT_EQ(attempt.run(traced(attempt)), "done");
  const int armed = attempt.place("mark armed");
  EXPECT_EQ(attempt.outside.commands().at(static_cast<std::size_t>(armed) + 1), "open");
  const int marked = line_at(attempt, staged::of_kind("marked"));
  const auto next =
      std::find_if(attempt.lines.begin() + marked, attempt.lines.end(), staged::asks("open"));
  EXPECT_NE(next, attempt.lines.end()) << "the second pool is opened after the answer";
  EXPECT_GT(attempt.place("mark shutdown"), armed);
  EXPECT_EQ(attempt.place("close drain", attempt.place("mark shutdown")),
            attempt.place("mark shutdown") + 1);
}

TEST(Race, a_tracer_that_is_silent_is_our_own_fault) {
  StagedRun attempt;
  attempt.outside.lost = {"marked"};
  EXPECT_EQ(attempt.run(traced(attempt)), "harness-error");
  EXPECT_EQ(attempt.why(), "the tracer did not answer the mark `armed`");
}

TEST(Race, once_armed_each_command_waits_until_all_processes_rest) {
  StagedRun rests, restless, replacing;
  EXPECT_EQ(rests.run(traced(rests)), "done");
  restless.outside.rests = [] { return false; };
  EXPECT_EQ(restless.run(traced(restless)), "done");
  EXPECT_GT(restless.took - rests.took, 3 * limits::kStill);
  EXPECT_LT(restless.took - rests.took, 4 * limits::kRest) << "nothing moved, so it rests";
  replacing.outside.rests = [] { return false; };
  scenarios::Plan plan = traced(replacing);
  plan.opening.tasks_per_worker = 1;
  EXPECT_EQ(replacing.run(plan), "done");
  EXPECT_GT(replacing.took - restless.took, limits::kStillOfReplacements)
      << "a new worker may not have begun its start at the first look";
}

TEST(Race, a_pool_that_replaces_is_probed_again_only_if_the_probe_was_struck) {
  StagedRun attempt;
  scenarios::Plan plan = traced(attempt);
  for (Step& step : plan.steps)
    if (step.kind == StepKind::kProbe) step.tasks.push_back(step.tasks.front());
  attempt.outside.lost = {"settled t12"};
  attempt.outside.at(0ms, [&] { attempt.outside.late["settled t5"] = 0ms; });
  StagedRun second;
  EXPECT_EQ(second.run(traced(second)), "done");
  EXPECT_EQ(
      std::count(second.outside.commands().begin(), second.outside.commands().end(), "submit t12"),
      1);
  EXPECT_EQ(attempt.run(plan), "stuck") << "a probe that never ends is not asked again";
}

}  // namespace
}  // namespace poolproof::conformance
