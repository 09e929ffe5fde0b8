// A run in which nothing moves any more, in virtual time: when the hang proof is asked for, what
// its answer does, and when a step is given up.
#include "conformance/run/limits.h"
#include "conformance/run/staged_run.h"

namespace poolproof::conformance {
namespace {

constexpr const char* kKilled = "death/killed_while_running";
constexpr auto kWithin = 3s;  // of the victim in kKilled

StagedRun without_the_victims_end() {
  StagedRun attempt;
  attempt.outside.lost = {"settled t5"};
  return attempt;
}

TEST(Silence, a_proved_hang_ends_the_step_at_once) {
  StagedRun attempt = without_the_victims_end();
  attempt.outside.proof = hang::Verdict::hung;
  EXPECT_EQ(attempt.run(kKilled), "stuck");
  EXPECT_LT(attempt.took, 1s) << "not at the limit of the step";
  EXPECT_EQ(attempt.outside.questions, 1);
  EXPECT_EQ(attempt.all("proof").at(0).at("verdict"), "hung");
  EXPECT_TRUE(attempt.all("still").empty());
  EXPECT_EQ(attempt.all("taken").back().at("why"), "still");
}

TEST(Silence, any_other_answer_decides_nothing_and_is_asked_for_less_and_less_often) {
  StagedRun attempt = without_the_victims_end();
  EXPECT_EQ(attempt.run(kKilled), "stuck");
  EXPECT_EQ(attempt.verdict().status, Status::kHangQuiet) << attempt.complaint();
  EXPECT_GT(attempt.took, kWithin + limits::kPastTheLimit);
  EXPECT_LT(attempt.took, kWithin + limits::kPastTheLimit + 1s);
  EXPECT_EQ(attempt.all("still").at(0).at("moved"), json::array());
  // At 0.1, 0.25, 0.5, 0.95, 1.8 ... s: the pause doubles, up to 2 s.
  EXPECT_GE(attempt.outside.questions, 5);
  EXPECT_LE(attempt.outside.questions, 8);
}

TEST(Silence, while_something_comes_nobody_asks) {
  StagedRun attempt = without_the_victims_end();
  const std::function<void()> chatter = [&] {
    attempt.outside.cage_says(
        "ledger", {{"entry", {{"ev", "start"}, {"task", "t9"}, {"pid", 14}, {"t_ns", 1}}}});
    attempt.outside.at(50ms, chatter);
  };
  attempt.outside.at(100ms, chatter);
  EXPECT_EQ(attempt.run(kKilled), "stuck");
  EXPECT_EQ(attempt.outside.questions, 0);
  EXPECT_EQ(attempt.all("still").at(0).at("moved"), json::array({"ledger"}));
  EXPECT_EQ(attempt.verdict().status, Status::kTimeout) << attempt.complaint();
}

TEST(Silence, what_comes_during_the_proof_makes_it_void) {
  StagedRun attempt = without_the_victims_end();
  attempt.outside.proof = hang::Verdict::hung;
  const std::function<void()> chatter = [&] {
    attempt.outside.event("words", StderrCame{"."});
    attempt.outside.at(130ms, chatter);  // within the 50 ms between the two looks
  };
  attempt.outside.at(120ms, chatter);
  EXPECT_EQ(attempt.run(kKilled), "stuck");
  EXPECT_GT(attempt.took, kWithin) << "no proof held";
  for (const json& proof : attempt.all("proof")) EXPECT_NE(proof.at("verdict"), "hung");
}

TEST(Silence, what_was_on_its_way_during_the_proof_makes_it_void_too) {
  StagedRun attempt = without_the_victims_end();
  attempt.outside.proof = hang::Verdict::hung;
  attempt.outside.ping_takes = 10ms;
  attempt.outside.on_question = [&] {
    if (attempt.outside.questions > 1) return;
    // After the two looks, before the keeper has answered that all has arrived.
    attempt.outside.event("words", StderrCame{"."}, hang::kApart + 5ms);
  };
  EXPECT_EQ(attempt.run(kKilled), "stuck");
  EXPECT_EQ(attempt.outside.questions, 2);
  EXPECT_EQ(attempt.all("proof").size(), 1u) << "the first answer does not count";
}

TEST(Silence, nobody_asks_while_a_task_waits_for_the_harness) {
  StagedRun attempt;
  attempt.outside.proof = hang::Verdict::hung;
  attempt.outside.lost = {"met t2"};  // t1 waits at its rendezvous for it
  EXPECT_EQ(attempt.run(kKilled), "stuck");
  EXPECT_EQ(attempt.outside.questions, 0);
}

TEST(Silence, after_the_limit_a_pool_gets_its_own_longest_wait) {
  StagedRun late = without_the_victims_end();
  late.outside.lost.clear();
  late.outside.late["settled t5"] = 6s;
  late.outside.facts.longest_wait_s = 7;
  EXPECT_EQ(late.run(kKilled), "done");
  EXPECT_EQ(late.verdict().status, Status::kTimeout)
      << "too late all the same; " << late.complaint();
  StagedRun never = without_the_victims_end();
  never.outside.facts.longest_wait_s = 7;
  EXPECT_EQ(never.run(kKilled), "stuck");
  EXPECT_GT(never.took, 8s);
  EXPECT_LT(never.took, 9s);
}

TEST(Silence, a_thread_that_waits_with_a_limit_is_waited_for_once) {
  StagedRun attempt = without_the_victims_end();
  attempt.outside.lost.clear();
  attempt.outside.longest_time_limit = 9s;
  attempt.outside.late["settled t5"] = 8s;
  EXPECT_EQ(attempt.run(kKilled), "done");
  StagedRun again = without_the_victims_end();
  again.outside.longest_time_limit = 9s;  // at each look: it waits again and again
  EXPECT_EQ(again.run(kKilled), "stuck");
  EXPECT_GT(again.took, 11s);
  EXPECT_LT(again.took, 20s);
}

TEST(Silence, a_time_limit_of_more_than_half_a_minute_is_not_awaited) {
  StagedRun attempt = without_the_victims_end();
  attempt.outside.longest_time_limit = 40s;
  EXPECT_EQ(attempt.run(kKilled), "stuck");
  EXPECT_LT(attempt.took, 6s);
}

TEST(Silence, what_still_moves_at_the_limit_is_told) {
  const std::vector<std::pair<std::string, std::function<void(FakeOutside&)>>> ways = {
      {"message",
       [](FakeOutside& at) {
         at.adapter_says({{"event", "resized"}});
       }},
      {"rendezvous", [](FakeOutside& at) { at.meets("t99", "running", 14); }},
      {"exit",
       [](FakeOutside& at) {
         at.cage_says("exit", {{"pid", 77},
                               {"start", 1077},
                               {"status", {{"code", 0}}},
                               {"adapter", false},
                               {"source", "pidfd"}});
       }},
      {"bytes", [](FakeOutside& at) { at.io_bytes += 10; }},
      {"cpu", [](FakeOutside& at) { at.cpu_ticks += 100; }},
      {"processes", [](FakeOutside& at) { at.add_process(); }}};
  for (const auto& [word, move] : ways) {
    StagedRun attempt = without_the_victims_end();
    const std::function<void()> moves = [&, move = move] {
      move(attempt.outside);
      attempt.outside.at(400ms, moves);
    };
    attempt.outside.at(150ms, moves);
    EXPECT_EQ(attempt.run(kKilled), "stuck") << word;
    EXPECT_EQ(attempt.all("still").at(0).at("moved"), json::array({word})) << word;
    const bool asked = word != "message";  // `resized` breaks the protocol
    EXPECT_EQ(attempt.verdict().status, asked ? Status::kTimeout : Status::kHarnessError)
        << word << attempt.complaint();
  }
}

}  // namespace
}  // namespace poolproof::conformance
