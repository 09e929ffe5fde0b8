#include "reports/story.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "reports/script.h"
#include "reports/staged_record.h"

namespace poolproof::reports {
namespace {

using conformance::Observation;
using nlohmann::json;
using staged::hung_attempt;
using staged::line;

json story(const std::vector<Observation>& lines, const StoryLimits& limits = {}) {
  std::vector<const Observation*> seen;
  for (const Observation& one : lines) seen.push_back(&one);
  return story_of(seen, limits);
}

json the(const json& list, const char* key, const json& value) {
  for (const json& item : list)
    if (item[key] == value) return item;
  return nullptr;
}

TEST(Story, times_count_from_the_first_line_and_the_second_round_is_marked) {
  const json told = story(hung_attempt());
  EXPECT_EQ(told["took"], 4'004'000'000);
  EXPECT_EQ(told["round"], 10'000'000);
  EXPECT_EQ(told["stuck"], 4'002'000'000);
  EXPECT_EQ(told["ended"]["how"], "stuck");
}

TEST(Story, a_process_is_born_when_its_ticks_say_so_and_dies_as_the_kernel_says) {
  const json told = story(hung_attempt());
  const json struck = the(told["processes"], "pid", 21);
  EXPECT_EQ(struck["role"], "worker");
  EXPECT_EQ(struck["struck"], true);
  EXPECT_EQ(struck["born"], 11'000'000);  // one tick after the adapter, which was seen at 1 ms
  EXPECT_EQ(struck["ended"], 17'000'000);
  EXPECT_EQ(struck["how"], "signal KILL");
  const json parent = the(told["processes"], "pid", 10);
  EXPECT_EQ(parent["role"], "parent");
  EXPECT_EQ(parent["name"], "python");
  EXPECT_TRUE(parent["ended"].is_null());
}

TEST(Story, a_run_that_its_process_did_not_survive_ends_with_it) {
  const json told = story(hung_attempt());
  const json victim = the(told["tasks"], "id", "t5");
  EXPECT_EQ(victim["role"], "victim");
  EXPECT_EQ(victim["runs"][0]["pid"], 21);
  EXPECT_EQ(victim["runs"][0]["end"], 17'000'000);
  EXPECT_EQ(victim["runs"][0]["how"], "died");
  EXPECT_TRUE(victim["settled"].empty());
  const json bystander = the(told["tasks"], "id", "t6");
  EXPECT_EQ(bystander["runs"][0]["how"], "ended");
  EXPECT_EQ(bystander["settled"][0]["kind"], "value");
}

TEST(Story, it_says_in_words_what_happened) {
  const json events = story(hung_attempt())["events"];
  EXPECT_EQ(the(events, "what", "fault")["text"],
            "process 21 is struck while it runs t5 (victim): kill the process (SIGKILL)");
  EXPECT_EQ(the(events, "what", "exit")["text"], "process 21 ended: signal KILL");
  EXPECT_EQ(the(events, "what", "value")["text"], "t6 (bystander) settled: value");
  EXPECT_EQ(the(events, "what", "met")["text"], "t5 (victim) stands at `running` in process 21");
}

TEST(Story, threads_that_wait_alike_stand_together) {
  const json waits = story(hung_attempt())["waits"];
  EXPECT_EQ(waits["since"], 1'004'000'000);
  ASSERT_EQ(waits["processes"].size(), 1u);
  const json& parent = waits["processes"][0];
  EXPECT_EQ(parent["role"], "the program that owns the pool");
  EXPECT_EQ(parent["threads"][0]["wait"], "futex, no time limit");
  EXPECT_EQ(parent["threads"][0]["tids"], (json{10, 12}));
  EXPECT_EQ(parent["threads"][1]["wait"], "read fd 5 pipe:[7]");
}

TEST(Story, a_proof_tells_who_waits_for_whom_and_who_for_the_harness) {
  auto lines = hung_attempt();
  const json waits = {{"tid", 10}, {"waits", "waits in read for input from socket:[2]"}};
  json locked = {{"tid", 22}, {"waits", "waits for a lock"}};
  locked["wakers"] = {{{"pid", 10}, {"fd", 7}}, {{"pid", 10}, {"fd", 8}}};
  const auto process = [](int pid, const json& thread) {
    return json{{"pid", pid}, {"parent", 1}, {"name", "p"}, {"threads", json::array({thread})}};
  };
  lines.push_back(line("proof",
                       {{"verdict", "hung"},
                        {"reason", "each waits"},
                        {"took_ns", 80'000'000},
                        {"line", "socket:[2]"},
                        {"provided", {"nobody sends a signal"}},
                        {"findings", json::array({{{"kind", "orphaned-lock"}, {"pid", 22}}})},
                        {"processes", {process(10, waits), process(22, locked)}}},
                       5001));
  const json proof = story(lines)["proof"];
  EXPECT_EQ(proof["took"], 80'000'000);
  EXPECT_EQ(proof["processes"][0]["threads"][0]["harness"], true);
  EXPECT_EQ(proof["processes"][1]["threads"][0]["harness"], false);
  EXPECT_EQ(proof["processes"][1]["threads"][0]["wakers"], json::array({10}));
  EXPECT_EQ(proof["findings"][0]["kind"], "orphaned-lock");
  EXPECT_EQ(story(lines, {.processes = 1})["proof"]["more_processes"], 1);
  EXPECT_TRUE(story(hung_attempt())["proof"].is_null());
}

TEST(Story, an_answer_that_is_no_proof_is_told_in_words_only) {
  auto lines = hung_attempt();
  lines.push_back(line("proof", {{"verdict", "quiet"}, {"reason", "it sleeps"}}, 4000));
  const json told = story(lines);
  EXPECT_TRUE(told["proof"].is_null());
  EXPECT_NE(told["events"].dump().find("no proof of a hang (quiet): it sleeps"), std::string::npos);
}

TEST(Story, a_flood_is_cut_its_routine_first_and_what_is_cut_is_counted) {
  auto lines = hung_attempt();
  const json flood = {{"message", {{"cmd", "submit"}, {"id", "t6"}}}};
  lines.insert(lines.begin() + 4, 50'000, line("sent", flood, 1010.5));
  const json noise = {{"text", std::string(5000, 'x')}, {"why", "no message"}};
  lines.insert(lines.begin() + 60, 50'000, line("invalid", noise, 1010.7));
  lines.push_back(line("stderr", {{"bytes", 99}, {"head", std::string(60'000, 'e')}}, 5004));
  const json told = story(lines, {.events = 100, .text_bytes = 50, .stderr_bytes = 1000});
  EXPECT_EQ(told["events"].size(), 200u);
  EXPECT_GT(told["left_out"], 99'000);
  EXPECT_LT(told.dump().size(), 60'000u);
  EXPECT_NE(told["stderr"]["head"].get<std::string>().find("(59000 more bytes)"),
            std::string::npos);
}

TEST(Story, however_much_routine_there_is_the_strike_and_the_death_are_told) {
  auto lines = hung_attempt();
  const json flood = {{"message", {{"cmd", "submit"}, {"id", "t6"}}}};
  lines.insert(lines.begin() + 4, 500, line("sent", flood, 1010.5));
  const json events = story(lines, {.events = 50})["events"];
  EXPECT_FALSE(the(events, "what", "fault").is_null());
  EXPECT_FALSE(the(events, "what", "exit").is_null());
}

TEST(Story, many_processes_and_tasks_are_bounded_too) {
  auto lines = hung_attempt();
  for (int i = 0; i < 2000; ++i) {
    const json entry = {{"ev", "start"}, {"task", "x" + std::to_string(i)}, {"pid", 100 + i}};
    lines.push_back(line("ledger", {{"entry", entry}}, 1018));
  }
  const json told = story(lines, {.processes = 5, .tasks = 7});
  EXPECT_EQ(told["processes"].size(), 5u);
  EXPECT_EQ(told["tasks"].size(), 7u);
  EXPECT_EQ(told["more_processes"], 2003 - 5);
  EXPECT_GT(told["more_tasks"], 1990);
}

TEST(Story, fields_of_the_wrong_kind_and_kinds_that_nobody_knows_harm_nothing) {
  const json shapes[] = {nullptr, 7, "text", json::array({1, "a"}), json::object()};
  for (const Observation& like : hung_attempt())
    for (const json& shape : shapes) {
      auto lines = hung_attempt();
      Observation odd = like;
      for (auto& [key, value] : odd.fields.items()) value = shape;
      lines.push_back(odd);
      odd.fields = shape;
      lines.push_back(odd);
      odd.kind = "what-comes-next-year";
      lines.push_back(odd);
      EXPECT_NO_THROW(story(lines)) << like.kind << " " << shape;
    }
  EXPECT_NO_THROW(story({}));
}

TEST(Script, each_step_is_a_sentence) {
  const json plan = hung_attempt().front().fields["plan"];
  const auto script = script_of(plan);
  ASSERT_EQ(script.size(), 9u);
  EXPECT_EQ(script[1],
            "Warm up: t1 and t2 meet, one in each worker, so that the workers are known.");
  EXPECT_EQ(script[3], "Open the pool with 2 workers. Now in earnest.");
  EXPECT_EQ(script[4],
            "Submit t5 (victim: rendezvous, deadline 1500 ms) and t6 to t8 (bystander: echo).");
  EXPECT_EQ(script[5],
            "When victim stands at `running`: kill the process (SIGKILL). t6 to t8 are held where "
            "they stand until it has struck.");
  EXPECT_EQ(script[7], "Submit t9, a plain echo: is the pool usable?");
}

TEST(Script, a_step_that_is_not_known_here_is_called_by_its_word) {
  const json plan = {{"steps", {{{"kind", "dance"}, {"tasks", {"t1"}}}, json::object(), 7}}};
  EXPECT_EQ(script_of(plan), (std::vector<std::string>{"`dance` t1", "A step without a name.",
                                                       "A step without a name."}));
  EXPECT_EQ(deed_of("grow:9"), "`grow:9`");
}

TEST(Script, each_part_has_its_promise) {
  const auto promises = promises_of(hung_attempt().front().fields["plan"]);
  EXPECT_EQ(promises.at("victim.outcome"), "worker-lost or pool-broken");
  EXPECT_EQ(promises.at("victim.within"), "3 s");
  EXPECT_EQ(promises.at("victim.cause"), "signal:KILL");
  EXPECT_EQ(promises.count("victim.blame"), 0u);
  EXPECT_EQ(promises.at("leftovers"), "none");
  EXPECT_EQ(promises.at("close"), "closes within 2500 ms, and the program ends");
}

}  // namespace
}  // namespace poolproof::reports
