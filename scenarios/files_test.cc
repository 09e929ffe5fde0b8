// The scenario files in this folder: each is valid, can be planned for every kind of pool, and is
// in the README's table.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>

#include "scenarios/scenario.h"
#include "scenarios/words.h"

namespace poolproof::scenarios {
namespace {

namespace fs = std::filesystem;

const fs::path kFolder = fs::path(POOLPROOF_SOURCE_DIR) / "scenarios";

const std::vector<Scenario>& shipped() {
  static const std::vector<Scenario> scenarios = load_scenarios(kFolder);
  return scenarios;
}

PoolFacts pool_that(Recovery recovers) {
  PoolFacts facts;
  facts.pool = "some_pool";
  facts.capabilities.assign(words::kCapabilities.begin(), words::kCapabilities.end());
  facts.recovers = recovers;
  return facts;
}

const Scenario& named(const std::string& name) {
  for (const Scenario& scenario : shipped())
    if (scenario.name == name) return scenario;
  throw std::runtime_error("no scenario is called " + name);
}

TEST(ScenarioFiles, make_these_claims) {
  const std::vector<std::string> wanted = {"death/all_killed_while_idle",
                                           "death/exit_zero_in_task",
                                           "death/killed_while_decoding_argument",
                                           "death/killed_while_running",
                                           "death/segfault_in_task",
                                           "hang/deadline_ends_a_loop",
                                           "parent/killed_while_busy",
                                           "payload/unencodable_argument",
                                           "payload/unencodable_result",
                                           "shutdown/kill_while_a_task_hangs"};
  std::vector<std::string> names;
  for (const Scenario& scenario : shipped()) names.push_back(scenario.name);
  for (const std::string& name : wanted)
    EXPECT_NE(std::find(names.begin(), names.end(), name), names.end()) << name;
}

TEST(ScenarioFiles, say_where_each_was_seen_in_words_that_can_be_looked_up) {
  for (const Scenario& scenario : shipped())
    for (const std::string& place : scenario.see) {
      const bool issue =
          place.find('#') != std::string::npos || place.find("gh-") != std::string::npos;
      const bool measured = place.starts_with("measured: ");
      const bool tests = place.find("tests: ") != std::string::npos;
      EXPECT_TRUE(issue || measured || tests) << scenario.name << ": " << place;
    }
}

TEST(ScenarioFiles, can_all_be_asked_of_a_pool_that_can_everything) {
  for (const Scenario& scenario : shipped())
    EXPECT_TRUE(missing_capabilities(scenario, pool_that(Recovery::kReplaces)).empty())
        << scenario.name;
}

TEST(ScenarioFiles, are_planned_alike_for_every_recovery_but_for_probes_and_expectations) {
  for (const Scenario& scenario : shipped())
    for (const Recovery recovers : {Recovery::kReplaces, Recovery::kBreaks, Recovery::kRecreate}) {
      SCOPED_TRACE(scenario.name + " for a pool that " + to_string(recovers));
      const Plan plan = make_plan(scenario, pool_that(recovers));
      std::map<std::string, int> submitted;
      std::set<int> struck;
      for (const Step& step : plan.steps) {
        if (step.kind == StepKind::kStrike) {
          EXPECT_TRUE(struck.insert(step.fault).second);
          continue;  // it names tasks that are there, and submits none
        }
        if (step.kind == StepKind::kCancel) continue;  // nor does this
        for (const std::string& id : step.tasks) ++submitted[id];
      }
      EXPECT_EQ(struck.size(), plan.faults.size());
      for (const PlannedTask& task : plan.tasks)  // a done-callback submits the others
        EXPECT_EQ(submitted[task.id], task.submitted_by.empty() ? 1 : 0) << task.id;
      const StepKind last = plan.steps.back().kind;
      EXPECT_TRUE(last == StepKind::kBye || last == StepKind::kAwaitParentEnd);
      for (const RoleExpectation& role : plan.expect.roles)
        EXPECT_FALSE(role.outcome.one_of.empty()) << role.role;
    }
}

TEST(ScenarioFiles, never_forgive_a_pool_that_replaces_the_loss_of_a_bystander) {
  for (const Scenario& scenario : shipped()) {
    if (scenario.close_when == CloseWhen::kStruck)
      continue;  // there the program itself gave them up
    const Plan plan = make_plan(scenario, pool_that(Recovery::kReplaces));
    for (const RoleExpectation& role : plan.expect.roles)
      if (role.role == "bystander") {
        EXPECT_EQ(role.outcome.one_of, std::vector<std::string>{"value"}) << scenario.name;
      }
  }
}

TEST(ScenarioFiles, never_demand_more_of_an_error_than_that_it_comes) {
  for (const Scenario& scenario : shipped())
    for (const RoleClaim& claim : scenario.roles) {
      EXPECT_EQ(claim.outcome_level, Level::kMust) << scenario.name;
      for (const auto& [detail, level] : {std::pair(claim.cause, claim.cause_level),
                                          std::pair(claim.certainty, claim.certainty_level),
                                          std::pair(claim.blame, claim.blame_level)})
        EXPECT_TRUE(!detail || level < Level::kMust) << scenario.name << " " << claim.role;
    }
}

TEST(ScenarioFiles, that_kill_a_worker_at_work_hold_their_bystanders_until_it_is_dead) {
  for (const char* name : {"death/killed_while_running", "death/segfault_in_task",
                           "death/exit_zero_in_task", "death/killed_while_decoding_argument"}) {
    const Plan plan = make_plan(named(name), pool_that(Recovery::kReplaces));
    const auto strike = std::find_if(plan.steps.begin(), plan.steps.end(), [](const Step& step) {
      return step.kind == StepKind::kStrike;
    });
    EXPECT_EQ(strike->tasks.size(), 6u) << name;
  }
}

std::string readme() {
  std::ifstream file(kFolder / "README.md");
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// What stands between two lines of the page.
std::string part_of_readme(const std::string& from, const std::string& to) {
  const std::string page = readme();
  const auto begin = page.find(from);
  if (begin == std::string::npos) throw std::runtime_error("the README has no line " + from);
  const auto start = begin + from.size();
  return page.substr(start, page.find(to, start) - start);
}

// Of each row, by the name in its first cell: the other cells.
std::map<std::string, std::vector<std::string>> table_of_claims() {
  std::map<std::string, std::vector<std::string>> rows;
  std::istringstream table(part_of_readme("## The claims\n", "\n## "));
  for (std::string line; std::getline(table, line);) {
    if (!line.starts_with("| `")) continue;
    std::vector<std::string>& cells = rows[line.substr(3, line.find('`', 3) - 3)];
    for (std::size_t bar = line.find(" | "); bar + 2 < line.size();) {
      const auto next = line.find(" |", bar + 2);
      cells.push_back(line.substr(bar + 3, next - bar - 3));
      bar = next;
    }
  }
  return rows;
}

std::string joined(const std::vector<std::string>& words, const std::string& between) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

TEST(ScenarioFiles, stand_in_the_table_of_the_readme_word_for_word) {
  std::map<std::string, std::vector<std::string>> wanted;
  PoolFacts poor;  // has nothing: what is missing is what is needed
  for (const Scenario& scenario : shipped()) {
    std::vector<std::string> needs = missing_capabilities(scenario, poor);
    needs.erase(std::remove(needs.begin(), needs.end(), "close_drain"), needs.end());
    wanted[scenario.name] = {scenario.claim, joined(needs, ", ")};
  }
  EXPECT_EQ(table_of_claims(), wanted);
}

TEST(ScenarioFiles, are_written_as_the_example_in_the_readme_which_is_sound_itself) {
  const std::string example = part_of_readme("```toml\n", "```");
  const Scenario scenario = parse_scenario(example, "death/example", "README.md");
  EXPECT_EQ(scenario.tasks.size(), 2u);
  EXPECT_EQ(scenario.close_when, CloseWhen::kStruck);
}

}  // namespace
}  // namespace poolproof::scenarios
