// Whole attempts in virtual time: a correct pool passes each shipped scenario, whichever way it
// recovers; and every way in which an attempt can end.
#include "conformance/run/staged_run.h"

namespace poolproof::conformance {
namespace {

using scenarios::Recovery;

class EveryScenario : public testing::TestWithParam<Recovery> {};

TEST_P(EveryScenario, passes_on_a_correct_pool) {
  for (const auto& scenario : scenarios::load_scenarios(POOLPROOF_SOURCE_DIR "/scenarios")) {
    StagedRun attempt(GetParam());
    EXPECT_EQ(attempt.run(scenario.name), "done") << scenario.name << ": " << attempt.why();
    EXPECT_TRUE(attempt.passes()) << scenario.name << ": " << attempt.complaint();
  }
}

INSTANTIATE_TEST_SUITE_P(Recovers, EveryScenario,
                         testing::Values(Recovery::kReplaces, Recovery::kBreaks,
                                         Recovery::kRecreate),
                         [](const auto& each) { return scenarios::to_string(each.param); });

constexpr const char* kKilled = "death/killed_while_running";

// Runs kKilled, and expects it to end this way, with this reason.
void expect_end(StagedRun& attempt, const std::string& how, const std::string& why) {
  EXPECT_EQ(attempt.run(kKilled), how);
  EXPECT_EQ(attempt.why(), why);
  EXPECT_EQ(attempt.lines.front().kind, "plan") << "the plan comes first, however it ends";
  EXPECT_EQ(attempt.lines.back().kind, "ended");
}

TEST(End, without_a_hello_the_adapter_is_at_fault) {
  StagedRun attempt;
  attempt.outside.lost = {"hello"};
  expect_end(attempt, "harness-error", "the adapter said no `hello` within 10 s");
  EXPECT_LT(attempt.took, 11s);
}

TEST(End, a_crowded_machine_gets_more_time_for_the_hello) {
  StagedRun attempt;
  attempt.crowd = 2;
  attempt.outside.late["hello"] = 15s;
  EXPECT_EQ(attempt.run(kKilled), "done");
}

TEST(End, a_refused_hello_in_an_attempt) {
  StagedRun attempt;
  attempt.outside.lost = {"hello"};
  attempt.outside.at(2ms, [&] {
    attempt.outside.adapter_says({{"event", "refused"}, {"cmd", "hello"}, {"why", "no such pool"}});
  });
  expect_end(attempt, "harness-error", "the adapter refused `hello` in an attempt: no such pool");
}

TEST(End, another_first_message) {
  StagedRun attempt;
  attempt.outside.at(0ms, [&] { attempt.outside.adapter_says({{"event", "opened"}}); });
  attempt.outside.late["hello"] = 1s;
  expect_end(attempt, "harness-error", "the adapter's first message is `opened`, not `hello`");
}

TEST(End, what_is_no_message_is_recorded_and_nothing_after_it_counts) {
  StagedRun attempt;
  attempt.outside.at(10ms, [&] {
    AdapterLine::Received wrong;
    wrong.text = "hello, world";
    wrong.wrong = "no JSON object on one line";
    attempt.outside.event("wrong", AdapterSaid{wrong});
    attempt.outside.adapter_says({{"event", "resized"}}, 2ms);
  });
  expect_end(attempt, "harness-error",
             "the adapter sent what is no message: no JSON object on one line");
  EXPECT_EQ(attempt.all("invalid").at(0).at("text"), "hello, world");
  for (const json& line : attempt.all("received"))
    EXPECT_NE(line.at("message").at("event"), "resized");
}

TEST(End, a_refused_command) {
  StagedRun attempt;
  attempt.outside.lost = {"opened"};
  attempt.outside.at(10ms, [&] {
    attempt.outside.adapter_says({{"event", "refused"}, {"cmd", "open"}, {"why", "no memory"}});
  });
  expect_end(attempt, "harness-error", "the adapter refused `open`: no memory");
}

TEST(End, an_adapter_that_ends_before_its_first_open_is_at_fault) {
  StagedRun attempt;
  attempt.outside.lost = {"opened"};
  attempt.outside.at(10ms, [&] { attempt.outside.adapter_ends({{"code", 1}}); });
  expect_end(attempt, "harness-error", "the adapter ended before its first `open` was answered");
}

TEST(End, an_adapter_that_ends_later_is_the_pools_doing) {
  StagedRun attempt;
  attempt.outside.lost = {"settled t5"};
  attempt.outside.at(500ms, [&] { attempt.outside.adapter_ends({{"signal", "SEGV"}}); });
  expect_end(attempt, "adapter-died", "the adapter's process ended, and we did not end it");
  EXPECT_GT(attempt.place("end"), 0) << "the cage is emptied in any case";
}

TEST(End, an_adapter_that_closes_its_line_and_lives_on) {
  StagedRun attempt;
  attempt.outside.lost = {"settled t5"};
  attempt.outside.at(500ms, [&] { attempt.outside.event("line", LineEnded{}); });
  expect_end(attempt, "harness-error", "the adapter closed its line, and lives on");
  EXPECT_LT(attempt.took, 4s) << "that is known a second after its line, not at the step's limit";
}

TEST(End, a_line_that_ends_just_before_its_process_is_an_end_like_any_other) {
  StagedRun attempt;
  attempt.outside.lost = {"settled t5"};
  attempt.outside.at(500ms, [&] { attempt.outside.event("line", LineEnded{}); });
  attempt.outside.at(1200ms, [&] { attempt.outside.adapter_ends({{"code", 0}}); });
  expect_end(attempt, "adapter-died", "the adapter's process ended, and we did not end it");
}

TEST(End, interrupted_the_cage_is_still_emptied_in_order) {
  StagedRun attempt;
  attempt.outside.lost = {"settled t5"};
  attempt.outside.at(500ms, [&] { attempt.outside.event("stop", Interrupted{}); });
  expect_end(attempt, "interrupted", "interrupted");
  EXPECT_EQ(attempt.all("healed").size(), 1u);
}

TEST(End, an_interruption_while_the_cage_is_emptied_changes_nothing) {
  StagedRun attempt;
  attempt.outside.late["healed"] = 50ms;
  attempt.outside.late["gone"] = 100ms;
  attempt.outside.at(60s, [&] { attempt.outside.event("stop", Interrupted{}); });
  attempt.outside.late["stderr"] = 70s;
  expect_end(attempt, "done", "");
}

TEST(End, a_cage_that_is_gone) {
  StagedRun attempt;
  attempt.outside.lost = {"settled t5"};
  attempt.outside.at(500ms, [&] { attempt.outside.event("gone", CageGone{"the guard died"}); });
  expect_end(attempt, "harness-error", "the guard died");
  EXPECT_EQ(attempt.place("end"), -1) << "nobody is left to be told";
}

TEST(End, a_cage_that_could_not_be_made) {
  StagedRun attempt;
  attempt.outside.lost = {"ready"};
  attempt.outside.at(1ms, [&] {
    attempt.outside.cage_says("failed", {{"why", "execve: no such file"}});
  });
  expect_end(attempt, "harness-error", "execve: no such file");
}

TEST(End, a_cage_that_is_never_ready) {
  StagedRun attempt;
  attempt.outside.lost = {"ready"};
  expect_end(attempt, "harness-error", "the cage was not ready within 10 s");
}

TEST(End, the_cages_own_deadline) {
  StagedRun attempt;
  attempt.outside.lost = {"settled t5"};
  attempt.outside.at(500ms, [&] { attempt.outside.cage_says("deadline", json::object()); });
  expect_end(attempt, "harness-error", "the cage's own deadline ended the attempt");
}

TEST(End, a_cage_that_cannot_be_emptied) {
  StagedRun attempt;
  attempt.outside.lost = {"healed", "gone"};
  expect_end(attempt, "harness-error", "the cage could not be emptied within 10 s");
}

TEST(End, a_cage_that_does_not_answer_is_our_own_fault) {
  const std::vector<std::pair<std::string, std::string>> answers = {
      {"pong", "the cage answered no ping within 10 s"},
      {"snapshot", "the cage took no snapshot within 10 s"}};
  for (const auto& [answer, why] : answers) {
    StagedRun attempt;
    attempt.outside.lost = {answer};
    expect_end(attempt, "harness-error", why);
  }
  const std::vector<std::pair<std::string, std::string>> of_limits = {
      {"limited", "the cage limited nothing within 10 s"},
      {"activity", "the cage did not say who moves within 10 s"},
      {"lifted", "the cage lifted no limit within 10 s"}};
  for (const auto& [answer, why] : of_limits) {
    StagedRun attempt;
    attempt.outside.lost = {answer};
    EXPECT_EQ(attempt.run("start/no_program_for_a_replacement"), "harness-error");
    EXPECT_EQ(attempt.why(), why);
  }
}

TEST(End, a_first_open_without_an_answer_is_the_adapters_fault_a_later_one_the_pools) {
  StagedRun first;
  first.outside.lost = {"opened"};
  expect_end(first, "harness-error", "the adapter did not answer its first `open` within 10 s");
  StagedRun second;
  second.outside.on_command = [&](const std::string& command) {
    if (command == "close drain") second.outside.lost = {"opened"};
  };
  expect_end(second, "stuck", "a step did not end");
  EXPECT_EQ(second.verdict().status, Status::kHangQuiet) << second.complaint();
}

TEST(End, of_stderr_the_beginning_and_the_end_are_kept) {
  StagedRun attempt;
  attempt.outside.at(5ms, [&] {
    attempt.outside.event("words", StderrCame{"first" + std::string(70'000, '.')});
    attempt.outside.event("words", StderrCame{std::string(70'000, '.') + "last"});
  });
  EXPECT_EQ(attempt.run(kKilled), "done");
  const json line = attempt.all("stderr").at(0);
  EXPECT_EQ(line.at("bytes"), 140'009);
  EXPECT_EQ(line.at("head").get<std::string>().substr(0, 5), "first");
  EXPECT_EQ(line.at("tail").get<std::string>().size(), 65'536u);
  EXPECT_TRUE(line.at("tail").get<std::string>().ends_with("last"));
}

class Ask : public testing::Test {
 protected:
  scenarios::PoolFacts ask() {
    Journal journal([](const Observation&) {}, outside.now(), "fake", 0,
                    [this] { return outside.now(); });
    return ask_adapter(outside, 1, journal);
  }
  std::string refusal() {
    try {
      ask();
    } catch (const AttemptOver& over) {
      last_words = over.last_words;
      return over.how + ": " + over.why;
    }
    return "";
  }
  FakeOutside outside;
  std::string last_words;
};

TEST_F(Ask, it_says_what_it_is_and_is_told_bye) {
  EXPECT_EQ(ask().capabilities, outside.facts.capabilities);
  EXPECT_EQ(outside.commands(), (std::vector<std::string>{"bye", "end"}));
}

TEST_F(Ask, it_may_stay_after_its_bye_for_a_while_only) {
  outside.lost = {"exit"};
  const auto begun = outside.now();
  EXPECT_EQ(ask().pool, "fake");
  EXPECT_LT(outside.now() - begun, 6s);
}

TEST_F(Ask, a_pool_that_is_not_here_says_why) {
  outside.lost = {"hello"};
  outside.at(1ms, [&] {
    outside.adapter_says({{"event", "refused"}, {"cmd", "hello"}, {"why", "no module pebble"}});
  });
  EXPECT_EQ(refusal(), "unavailable: no module pebble");
}

TEST_F(Ask, the_last_words_of_an_adapter_that_ends_at_once) {
  outside.lost = {"hello"};
  outside.at(1ms, [&] {
    outside.event("words", StderrCame{"1\n2\n3\n4\n5\nImportError: no module\n"}, 0ms);
    outside.adapter_ends({{"code", 1}});
  });
  EXPECT_EQ(refusal(), "harness-error: the adapter ended before its first `open` was answered");
  EXPECT_EQ(last_words, "\n2\n3\n4\n5\nImportError: no module");
}

}  // namespace
}  // namespace poolproof::conformance
