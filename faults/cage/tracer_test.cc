// The syscall door from outside, in each mode of the cage: calls are named, one is struck, and the
// receipt is seen. The victim is `talk` of cage_test_body.cc.
#include "faults/cage/tracer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "faults/cage/attempt_for_test.h"
#include "faults/cage/life.h"

namespace poolproof::faults {
namespace {

using nlohmann::json;

TEST(Life, a_lineage_tells_forks_from_execs_and_hides_every_number) {
  EXPECT_EQ(lineage_of_fork("adapter"), "adapter>fork");
  EXPECT_EQ(lineage_of_exec("adapter", std::string_view("python3\0-c\0main(fd=17, 3)\0", 26)),
            "adapter>exec:python# -c main(fd=#, #)");
  EXPECT_EQ(lineage_of_exec("adapter>exec:x", std::string_view("\0", 1)), "adapter>exec:x>exec:");
}

TEST(Life, a_call_is_numbered_in_its_segment_by_name_and_object) {
  Life life;
  const auto name = [&](const char* call, bool shutdown = false) {
    return to_string(life.name_call(call, "pipe", shutdown));
  };
  EXPECT_EQ(name("read"), "read:pipe#1 in start");
  EXPECT_EQ(name("read"), "read:pipe#2 in start");
  EXPECT_EQ(name("write"), "write:pipe#1 in start");
  life.on_ledger_line("{\"ev\": \"start\", \"task\": \"t1\"}\n");
  EXPECT_EQ(name("read"), "read:pipe#1 in task-1");
  life.on_ledger_line("{\"ev\":\"struck\"}");
  life.on_ledger_line("no line");
  EXPECT_EQ(name("read"), "read:pipe#2 in task-1");
  life.on_ledger_line("{\"ev\":\"end\"}");
  EXPECT_EQ(name("write"), "write:pipe#1 in after-1");
  EXPECT_EQ(name("write", true), "write:pipe#1 in shutdown");
}

TEST(Life, a_call_that_is_made_again_keeps_its_name) {
  Life life;
  const CallLabel first = life.name_call("read", "pipe", false);
  life.take_back(first);
  EXPECT_EQ(life.name_call("read", "pipe", false), first);
}

TEST(Life, only_what_processes_talk_by_has_a_kind) {
  EXPECT_EQ(kind_of_object("pipe:[12]"), "pipe");
  EXPECT_EQ(kind_of_object("anon_inode:[eventfd:30]"), "eventfd");
  EXPECT_EQ(kind_of_object("/dev/shm/sem.x (deleted)"), "memory");
  EXPECT_EQ(kind_of_object("/tmp/pipe:[12]"), "");
  EXPECT_EQ(kind_of_object("/dev/null"), "");
}

constexpr char kFork[] = "adapter>fork";

class TracerTest : public testing::TestWithParam<bool> {
 protected:
  void begin(std::optional<CallStrike> strike, bool tells = false) {
    attempt_.emplace(GetParam(), [&](CageOptions& options) {
      options.trace = Trace{calls_of_a_sweep(), tells, std::move(strike)};
    });
    attempt_->ready();
    mark("armed");
  }

  void mark(const std::string& word) {
    attempt_->cage().mark(word);
    attempt_->await("marked", [&](const json& message) { return message.at("word") == word; });
  }

  void begin(const char* at, Moment moment, const char* effect) {
    begin(CallStrike{
        {kFork}, parse_call_label(at).value(), moment, parse_call_effect(effect).value()});
  }

  json strike(const char* at, Moment moment, const char* effect) {
    begin(at, moment, effect);
    attempt_->tell("talk t1");
    return attempt_->await("call-struck");
  }

  json exit_of(const json& who) {
    return attempt_->await("exit", [&](const json& message) {
      return message.at("pid") == who.at("pid") && message.at("start") == who.at("start");
    });
  }

  std::vector<std::string> labels_told() {
    std::vector<std::string> labels;
    for (const json& message : attempt_->all())
      if (message.at("ev") == "call") labels.push_back(message.at("at"));
    return labels;
  }

  std::optional<Attempt> attempt_;
};

INSTANTIATE_TEST_SUITE_P(Modes, TracerTest, testing::Values(true, false), [](const auto& mode) {
  return std::string(mode.param ? "pid_namespace" : "subreaper");
});

TEST_P(TracerTest, calls_on_what_processes_talk_by_are_told_with_their_names_in_order) {
  begin(std::nullopt, true);
  attempt_->tell("talk t1");
  EXPECT_EQ(attempt_->hear(), "talked 64 64 100 100");
  const json born =
      attempt_->await("born", [](const json& message) { return message.at("lineage") == kFork; });
  const json ended = exit_of(born);
  EXPECT_EQ(ended.at("status"), json({{"code", 7}}));
  EXPECT_EQ(ended.at("source"), "tracer");
  const std::vector<std::string> expected = {
      "write:pipe#1 in task-1", "read:pipe#1 in task-1",     "writev:pipe#1 in after-1",
      "read:pipe#1 in after-1", "write:socket#1 in after-1", "exit_group:-#1 in after-1"};
  EXPECT_EQ(labels_told(), expected);
}

TEST_P(TracerTest, a_call_tells_what_it_asked_for_and_what_came_of_it) {
  begin(std::nullopt, true);
  attempt_->tell("talk t1");
  const json call = attempt_->await(
      "call", [](const json& message) { return message.at("at") == "writev:pipe#1 in after-1"; });
  EXPECT_EQ(call.at("bytes"), 100);
  EXPECT_EQ(call.at("result"), 100);
  EXPECT_EQ(call.at("to").get<std::string>().rfind("pipe:[", 0), 0U);
  const json last = attempt_->await(
      "call", [](const json& message) { return message.at("at") == "exit_group:-#1 in after-1"; });
  EXPECT_FALSE(last.contains("result")) << "it never returned";
}

TEST_P(TracerTest, an_exec_begins_a_lineage_of_its_own) {
  begin(std::nullopt, true);
  attempt_->tell("exec");
  const json born = attempt_->await("born", [](const json& message) {
    return message.at("lineage") == "adapter>exec:sh -c exit #";
  });
  EXPECT_EQ(exit_of(born).at("status"), json({{"code", 12}}));
  const auto labels = labels_told();
  EXPECT_NE(std::find(labels.begin(), labels.end(), "execve:-#1 in start"), labels.end());
}

TEST_P(TracerTest, what_is_born_before_the_mark_is_not_told_and_not_struck) {
  attempt_.emplace(GetParam(), [&](CageOptions& options) {
    options.trace = Trace{calls_of_a_sweep(), true,
                          CallStrike{{kFork},
                                     parse_call_label("write:pipe#1 in task-1").value(),
                                     Moment::kBefore,
                                     {CallEffect::Kind::kSignal, SIGKILL}}};
  });
  attempt_->ready();
  attempt_->tell("talk t1");
  EXPECT_EQ(attempt_->hear(), "talked 64 64 100 100");
  mark("armed");
  attempt_->tell("talk t2");
  EXPECT_EQ(exit_of(attempt_->await("call-struck")).at("status").at("signal"), "KILL");
  EXPECT_TRUE(labels_told().empty());
}

TEST_P(TracerTest, a_kill_before_a_call_keeps_it_from_being_made) {
  const json struck = strike("write:socket#1 in after-1", Moment::kBefore, "signal:KILL");
  EXPECT_EQ(struck.at("lineage"), kFork);
  EXPECT_EQ(exit_of(struck).at("status"), json({{"signal", "KILL"}, {"core", false}}));
  EXPECT_EQ(attempt_->ask("session"), "own") << "the worker said nothing before it died";
}

TEST_P(TracerTest, a_kill_after_a_call_comes_when_it_has_been_made) {
  const json struck = strike("write:socket#1 in after-1", Moment::kAfter, "signal:KILL");
  EXPECT_EQ(struck.at("moved"), struck.at("bytes"));
  EXPECT_EQ(attempt_->hear(), "talked 64 64 100 100");
  EXPECT_EQ(exit_of(struck).at("status").at("signal"), "KILL");
}

TEST_P(TracerTest, a_torn_call_moves_a_part_and_then_comes_the_death) {
  struct Case {
    const char* at;
    Moment moment;
    int moved;
  };
  for (const Case& each : {Case{"write:pipe#1 in task-1", Moment::kTornByte, 1},
                           Case{"write:pipe#1 in task-1", Moment::kTornHalf, 32},
                           Case{"writev:pipe#1 in after-1", Moment::kTornHalf, 50},
                           Case{"writev:pipe#1 in after-1", Moment::kTornLast, 99}}) {
    const json struck = strike(each.at, each.moment, "signal:KILL");
    EXPECT_EQ(struck.at("moved"), each.moved) << each.at;
    EXPECT_EQ(exit_of(struck).at("status").at("signal"), "KILL");
  }
}

TEST_P(TracerTest, other_signals_and_exits_come_in_the_place_of_the_call) {
  EXPECT_EQ(exit_of(strike("write:pipe#1 in task-1", Moment::kBefore, "signal:SEGV"))
                .at("status")
                .at("signal"),
            "SEGV");
  EXPECT_EQ(exit_of(strike("read:pipe#1 in after-1", Moment::kAfter, "signal:ABRT"))
                .at("status")
                .at("signal"),
            "ABRT");
  EXPECT_EQ(exit_of(strike("write:pipe#1 in task-1", Moment::kBefore, "exit:3")).at("status"),
            json({{"code", 3}}));
}

TEST_P(TracerTest, an_errno_is_what_the_program_sees_and_it_goes_on) {
  const json struck = strike("writev:pipe#1 in after-1", Moment::kBefore, "errno:ENOSPC");
  EXPECT_TRUE(struck.at("seen").get<bool>());
  EXPECT_EQ(struck.at("moved"), -ENOSPC);
  // A read of an empty pipe waits: the worker is still there, in its task.
  const auto processes = attempt_->processes(1);
  EXPECT_TRUE(std::any_of(processes.begin(), processes.end(), [&](const json& process) {
    return process.at("pid") == struck.at("pid") && process.at("state") != "Z";
  }));
}

TEST_P(TracerTest, a_short_call_moves_half_and_all_goes_on) {
  const json struck = strike("write:pipe#1 in task-1", Moment::kBefore, "short");
  EXPECT_EQ(struck.at("moved"), 32);
  EXPECT_EQ(attempt_->hear(), "talked 32 32 100 100");
  const json vector = strike("writev:pipe#1 in after-1", Moment::kBefore, "short");
  EXPECT_EQ(vector.at("moved"), 50);
  EXPECT_EQ(attempt_->hear(), "talked 64 64 50 50");
}

TEST_P(TracerTest, the_parent_is_struck_too_where_that_is_asked_for) {
  attempt_.emplace(GetParam(), [&](CageOptions& options) {
    Trace trace{{"pipe2"}};
    trace.parent_too = true;
    trace.strike = CallStrike{{"adapter"},
                              parse_call_label("pipe2:-#1 in start").value(),
                              Moment::kBefore,
                              {CallEffect::Kind::kErrno, EMFILE}};
    options.trace = trace;
  });
  attempt_->ready();
  EXPECT_EQ(attempt_->ask("pipe"), "made") << "not before the mark";
  mark("armed");
  EXPECT_EQ(attempt_->ask("pipe"), "not made: Too many open files");
  EXPECT_TRUE(attempt_->await("call-struck").at("seen").get<bool>());
  EXPECT_EQ(attempt_->ask("pipe"), "made") << "once";
}

TEST_P(TracerTest, a_frozen_process_stands_until_it_is_killed) {
  const json struck = strike("read:pipe#1 in task-1", Moment::kBefore, "freeze");
  EXPECT_TRUE(struck.at("seen").get<bool>());
  const auto processes = attempt_->processes(1);
  const auto found = std::find_if(processes.begin(), processes.end(), [&](const json& process) {
    return process.at("pid") == struck.at("pid");
  });
  ASSERT_NE(found, processes.end());
  EXPECT_EQ(found->at("state").get<std::string>().find_first_of("tT"), 0U);
  attempt_->cage().signal(struck.at("pid"), struck.at("start"), "KILL");
  EXPECT_EQ(exit_of(struck).at("status").at("signal"), "KILL");
}

TEST_P(TracerTest, a_call_that_never_comes_is_never_struck) {
  begin("write:pipe#2 in task-1", Moment::kBefore, "signal:KILL");
  attempt_->tell("talk t1");
  EXPECT_EQ(attempt_->hear(), "talked 64 64 100 100");
  for (const json& message : attempt_->all()) EXPECT_NE(message.at("ev"), "call-struck");
}

TEST_P(TracerTest, too_few_bytes_are_not_torn) {
  begin("write:eventfd#1 in task-1", Moment::kTornByte, "signal:KILL");
  attempt_->tell("talk t1");
  EXPECT_EQ(attempt_->hear(), "talked 64 64 100 100");
}

TEST_P(TracerTest, the_tracer_is_in_no_snapshot_and_gone_with_the_cage) {
  begin(std::nullopt, true);
  attempt_->ask("sleeper");
  for (const json& process : attempt_->processes(1)) {
    EXPECT_NE(process.at("name"), "poolproof_cage");
  }
  attempt_->cage().end();
  const json healed = attempt_->await("healed");
  EXPECT_EQ(healed.at("killed").size(), 2U) << "the adapter and its sleeper: " << healed;
  EXPECT_TRUE(attempt_->ended());
  EXPECT_TRUE(processes_with(attempt_->token()).empty());
}

}  // namespace
}  // namespace poolproof::faults
