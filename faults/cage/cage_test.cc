// A cage from outside, in each of its modes: meetings, exits, signals, snapshots.
#include "faults/cage/cage.h"

#include <gtest/gtest.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cstdio>

#include "faults/cage/attempt_for_test.h"
#include "faults/cage/proc.h"

namespace poolproof::faults {
namespace {

using nlohmann::json;

class CageTest : public testing::TestWithParam<bool> {
 protected:
  Attempt attempt_{GetParam()};

  void SetUp() override {
    ready_ = attempt_.ready();
    const std::string mode = ready_.at("mode");
    if (GetParam() && mode != "pid-namespace")
      GTEST_SKIP() << "this machine allows no PID namespace: " << ready_.at("why");
    if (!GetParam()) {
      ASSERT_EQ(mode, "subreaper");
    }
  }

  json exit_of(const json& met) {
    return attempt_.await("exit", [&](const json& message) {
      return message.at("pid") == met.at("pid") && message.at("start") == met.at("start");
    });
  }
  json left_of(const json& met) {
    return attempt_.await(
        "left", [&](const json& message) { return message.at("conn") == met.at("conn"); });
  }

  json ready_;
};

INSTANTIATE_TEST_SUITE_P(Modes, CageTest, testing::Values(true, false), [](const auto& mode) {
  return std::string(mode.param ? "pid_namespace" : "subreaper");
});

bool kernel_tells_reaped_status() {
  utsname name{};
  ::uname(&name);
  int major = 0;
  int minor = 0;
  std::sscanf(name.release, "%d.%d", &major, &minor);
  return major > 6 || (major == 6 && minor >= 15);
}

TEST_P(CageTest, a_body_that_meets_is_answered_and_then_leaves) {
  const json met = attempt_.meet("t1");
  EXPECT_EQ(met.at("point"), "running");
  EXPECT_GT(met.at("start").get<unsigned long long>(), 0U);
  attempt_.cage().answer(met.at("conn"), {{"do", "go"}});
  EXPECT_TRUE(left_of(met).at("read").get<bool>());
  const json started = attempt_.await(
      "ledger", [](const json& message) { return message.at("entry").at("ev") == "start"; });
  EXPECT_EQ(started.at("entry").at("pid"), met.at("pid"));
  attempt_.await("ledger",
                 [](const json& message) { return message.at("entry").at("ev") == "end"; });
  EXPECT_EQ(exit_of(met).at("status"), json({{"code", 0}}));
}

TEST_P(CageTest, a_line_in_the_ledger_comes_before_the_exit_of_its_writer) {
  const json met = attempt_.meet("t1");
  attempt_.cage().answer(met.at("conn"), {{"do", "go"}});
  exit_of(met);
  int lines = 0;
  for (const json& message : attempt_.all()) lines += message.at("ev") == "ledger" ? 1 : 0;
  EXPECT_EQ(lines, 2) << "start and end were told before the exit";
}

TEST_P(CageTest, a_kill_is_told_as_signalled_and_as_the_exit_it_caused) {
  const json met = attempt_.meet("t1");
  attempt_.cage().signal(met.at("pid"), met.at("start"), "KILL");
  const json signalled = attempt_.await("signalled");
  EXPECT_EQ(signalled.at("error"), "");
  EXPECT_EQ(signalled.at("pid"), met.at("pid"));
  const json exit = exit_of(met);
  EXPECT_EQ(exit.at("status"), json({{"signal", "KILL"}, {"core", false}}));
  EXPECT_EQ(exit.at("source"), "stat") << "the adapter has not reaped it";
  EXPECT_FALSE(exit.at("adapter").get<bool>());
  EXPECT_FALSE(left_of(met).at("read").get<bool>()) << "it died with nothing to read";
}

TEST_P(CageTest, an_exit_code_and_a_segfault_are_told_apart) {
  const json first = attempt_.meet("t1");
  attempt_.cage().answer(first.at("conn"), {{"do", "exit"}, {"code", 11}});
  EXPECT_EQ(exit_of(first).at("status"), json({{"code", 11}}));
  const json second = attempt_.meet("t2");
  attempt_.cage().answer(second.at("conn"), {{"do", "raise"}, {"signal", "SEGV"}});
  EXPECT_EQ(exit_of(second).at("status").at("signal"), "SEGV");
}

TEST_P(CageTest, a_death_that_the_pool_reaps_at_once_still_has_its_status_where_the_kernel_tells) {
  ASSERT_EQ(attempt_.ask("autoreap"), "ok");  // the kernel reaps: no process ever sees a zombie
  const json met = attempt_.meet("t1");
  attempt_.cage().answer(met.at("conn"), {{"do", "exit"}, {"code", 3}});
  const json exit = exit_of(met);
  if (kernel_tells_reaped_status()) {
    EXPECT_EQ(exit.at("status"), json({{"code", 3}}));
    EXPECT_EQ(exit.at("source"), "pidfd");
  } else {
    EXPECT_EQ(exit.at("status"), json({{"unseen", true}}));
    EXPECT_EQ(exit.at("source"), "none");
  }
}

TEST_P(CageTest, a_death_that_the_pool_waits_for_has_a_status_too) {
  const json met = attempt_.meet("t1");
  attempt_.tell("reap");
  attempt_.cage().answer(met.at("conn"), {{"do", "exit"}, {"code", 3}});
  const json exit = exit_of(met);
  const bool unseen = exit.at("status").contains("unseen") && !kernel_tells_reaped_status();
  EXPECT_TRUE(unseen || exit.at("status") == json({{"code", 3}})) << exit;
}

TEST_P(CageTest, a_meeting_ends_with_its_process_though_a_child_holds_the_connection) {
  attempt_.ask("held t1");
  const json met = attempt_.await("met");
  attempt_.cage().signal(met.at("pid"), met.at("start"), "KILL");
  EXPECT_FALSE(left_of(met).at("read").get<bool>());
  exit_of(met);
}

TEST_P(CageTest, a_body_that_is_told_to_sleep_leaves_and_lives) {
  const json met = attempt_.meet("t1");
  attempt_.cage().answer(met.at("conn"), {{"do", "sleep"}});
  EXPECT_TRUE(left_of(met).at("read").get<bool>());
  for (const json& process : attempt_.processes(1))
    if (process.at("pid") == met.at("pid")) {
      EXPECT_NE(process.at("state"), "Z");
      return;
    }
  FAIL() << "the sleeper is not inside";
}

TEST_P(CageTest, the_signal_for_a_process_that_has_ended_is_no_receipt) {
  const json met = attempt_.meet("t1");
  attempt_.cage().answer(met.at("conn"), {{"do", "exit"}, {"code", 0}});
  exit_of(met);  // now it is a zombie
  attempt_.cage().signal(met.at("pid"), met.at("start"), "KILL");
  EXPECT_EQ(attempt_.await("signalled").at("error").get<std::string>().rfind("ESRCH", 0), 0U);
  attempt_.cage().signal(met.at("pid"), met.at("start").get<unsigned long long>() + 1, "KILL");
  EXPECT_EQ(attempt_.await("signalled").at("error").get<std::string>().rfind("ESRCH", 0), 0U)
      << "the same pid with another start time is another process";
}

TEST_P(CageTest, a_process_that_never_met_is_watched_once_it_was_signalled) {
  attempt_.ask("sleeper");
  json sleeper;
  for (const json& process : attempt_.processes(1))
    if (process.at("pid") != ready_.at("adapter").at("pid")) sleeper = process;
  attempt_.cage().signal(sleeper.at("pid"), sleeper.at("start"), "TERM");
  EXPECT_EQ(attempt_.await("signalled").at("error"), "");
  EXPECT_EQ(exit_of(sleeper).at("status").at("signal"), "TERM");
}

TEST_P(CageTest, a_signal_to_the_group_ends_the_adapter_and_whoever_it_started) {
  const json met = attempt_.meet("t1");
  attempt_.cage().signal_group("INT");
  const json signalled = attempt_.await("signalled");
  EXPECT_EQ(signalled.at("error"), "");
  EXPECT_EQ(signalled.at("group"), true);
  EXPECT_EQ(exit_of(met).at("status").at("signal"), "INT");
  EXPECT_EQ(exit_of(ready_.at("adapter")).at("status").at("signal"), "INT");
}

TEST_P(CageTest, an_unknown_signal_to_the_group_is_an_error) {
  attempt_.cage().signal_group("NOPE");
  EXPECT_EQ(attempt_.await("signalled").at("error").get<std::string>().rfind("EINVAL", 0), 0U);
}

TEST_P(CageTest, an_unknown_signal_is_an_error_and_not_another_signal) {
  attempt_.cage().signal(0, 0, "KILLL");
  EXPECT_EQ(attempt_.await("signalled").at("error"), "EINVAL no such signal: KILLL");
}

TEST_P(CageTest, the_end_of_the_adapter_is_told_by_wait) {
  attempt_.cage().signal(0, 0, "ABRT");
  EXPECT_EQ(attempt_.await("signalled").at("pid"), ready_.at("adapter").at("pid"));
  const json exit = exit_of(ready_.at("adapter"));
  EXPECT_EQ(exit.at("status").at("signal"), "ABRT");
  EXPECT_TRUE(exit.at("adapter").get<bool>());
  EXPECT_EQ(exit.at("source"), "wait");
}

TEST_P(CageTest, a_worker_that_outlives_the_adapter_is_adopted_and_its_exit_seen) {
  const json met = attempt_.meet("t1");
  attempt_.cage().signal(0, 0, "KILL");
  exit_of(ready_.at("adapter"));
  attempt_.cage().answer(met.at("conn"), {{"do", "exit"}, {"code", 5}});
  const json exit = exit_of(met);
  EXPECT_EQ(exit.at("status"), json({{"code", 5}}));
  EXPECT_EQ(exit.at("source"), "wait");
}

TEST_P(CageTest, the_adapter_gets_the_line_its_stderr_and_nothing_else) {
  EXPECT_EQ(attempt_.ask("fds"), "0 1 2");
  EXPECT_EQ(attempt_.ask("signals"), "unusual:");
  EXPECT_EQ(attempt_.ask("session"), "own");
  EXPECT_EQ(attempt_.ask("env TMPDIR"), ready_.at("tmp"));
  ASSERT_EQ(attempt_.ask("stderr hello"), "ok");
  char text[16] = {};
  EXPECT_EQ(::read(attempt_.cage().stderr_fd(), text, sizeof text), 5);
  EXPECT_STREQ(text, "hello");
}

TEST_P(CageTest, stderr_ends_when_the_adapter_ends) {
  attempt_.tell("exit 0");
  exit_of(ready_.at("adapter"));
  char byte = 0;
  EXPECT_EQ(::read(attempt_.cage().stderr_fd(), &byte, 1), 0);
}

TEST_P(CageTest, garbage_at_the_rendezvous_is_told_and_its_connection_closed) {
  EXPECT_EQ(attempt_.ask("meet {\"task\": 7}"), "closed");
  EXPECT_EQ(attempt_.await("met-invalid").at("text"), "{\"task\": 7}\\x0a");
  EXPECT_EQ(attempt_.ask("meet no json \x01\xff"), "closed");
  EXPECT_EQ(attempt_.await("met-invalid").at("text"), "no json \\x01\\xff\\x0a");
  EXPECT_EQ(attempt_.ask("meet {\"task\":\"t\",\"point\":\"p\"}\n{}"), "closed");
  EXPECT_EQ(attempt_.await("met-invalid").at("why"), "said more than one line");
  EXPECT_EQ(attempt_.ask("meet-torn"), "closed");
  EXPECT_LE(attempt_.await("met-invalid").at("text").get<std::string>().size(), 512U);
  const json met = attempt_.meet("t1");
  attempt_.cage().answer(met.at("conn"), {{"do", "go"}});
  left_of(met);  // and the rendezvous still works
}

TEST_P(CageTest, garbage_in_the_ledger_is_told_and_the_next_line_read) {
  attempt_.ask("ledger not json \x02");
  EXPECT_EQ(attempt_.await("ledger-invalid").at("text"), "not json \\x02");
  attempt_.ask("ledger " + std::string(6000, 'y'));
  EXPECT_EQ(attempt_.await("ledger-invalid").at("text").get<std::string>().size(), 512U);
  attempt_.ask("ledger-torn");
  EXPECT_EQ(attempt_.await("ledger-invalid").at("text"), std::string(512, 'z')) << "no end came";
  attempt_.ask("ledger {\"ev\":\"start\"}");
  EXPECT_EQ(attempt_.await("ledger").at("entry"), json({{"ev", "start"}}));
}

TEST_P(CageTest, an_answer_to_a_meeting_that_is_over_is_refused) {
  attempt_.cage().answer(77, {{"do", "go"}});
  EXPECT_EQ(attempt_.await("refused").at("conn"), 77);
}

TEST_P(CageTest, a_ping_is_answered) {
  attempt_.cage().ping(5);
  EXPECT_EQ(attempt_.await("pong").at("n"), 5);
}

// Otherwise a death that the pool has already reported would appear to come after what is sent
// next.
TEST_P(CageTest, an_end_that_was_to_be_seen_is_told_before_the_answer_to_a_ping) {
  // So many commands come first, and the keeper handles them when the end comes.
  constexpr int kBusy = 100;
  for (int round = 1; round <= 20; ++round) {
    const json met = attempt_.meet("t" + std::to_string(round));
    attempt_.tell("reap");
    attempt_.cage().answer(met.at("conn"), {{"do", "exit"}, {"code", 3}});
    for (int i = 0; i < kBusy; ++i) attempt_.cage().ping(-1);
    ASSERT_EQ(attempt_.hear().substr(0, 6), "reaped");
    attempt_.cage().ping(round);
    attempt_.await("pong", [&](const json& pong) { return pong.at("n") == round; });
    const auto& all = attempt_.all();
    EXPECT_TRUE(std::any_of(all.begin(), all.end(),
                            [&](const json& message) {
                              return message.at("ev") == "exit" &&
                                     message.at("pid") == met.at("pid");
                            }))
        << "round " << round;
  }
}

TEST_P(CageTest, times_are_monotonic_and_ours) {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  attempt_.cage().ping(1);
  attempt_.await("pong");
  long long last = 0;
  for (const json& message : attempt_.all()) {
    EXPECT_GE(message.at("t_ns").get<long long>(), last);
    last = message.at("t_ns");
  }
  EXPECT_GE(last, now.tv_sec * 1'000'000'000LL + now.tv_nsec);
}

}  // namespace
}  // namespace poolproof::faults
