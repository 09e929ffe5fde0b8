#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "conformance/protocol/protocol.h"
#include "conformance/record/nesting.h"
#include "executor/check.h"
#include "fuzz/inputs/claims.h"
#include "generated/words.h"
#include "scenarios/scenario.h"
#include "scenarios/words.h"

namespace poolproof::fuzz {
namespace {

using namespace scenarios;  // NOLINT: they are all that this file is about
using nlohmann::json;

// "FILE:LINE:COLUMN: what is wrong; what to write instead"
bool helps(const std::string& complaint) {
  std::size_t at = std::string("x.toml").size();
  if (complaint.compare(0, at, "x.toml") != 0) return false;
  for (int part = 0; part < 2; ++part) {
    if (complaint[at] != ':') return false;
    const std::size_t end = complaint.find_first_not_of("0123456789", ++at);
    if (end == std::string::npos || end == at || complaint[at] == '0') return false;
    at = end;
  }
  return complaint.compare(at, 2, ": ") == 0 && complaint.find("; ", at) != std::string::npos;
}

std::optional<Scenario> parse(const std::string& text) {
  try {
    return parse_scenario(text, "death/x", "x.toml");
  } catch (const ScenarioError& error) {
    POOLPROOF_CHECK(helps(error.what()), "a complaint does not say where, what and how to fix it");
    return std::nullopt;
  }
}

PoolFacts facts_of_a_pool(Recovery recovers, bool can_all) {
  PoolFacts facts{"pool", "1", {}, recovers, 1, "a test"};
  if (can_all)
    for (const std::string_view capability : words::kCapabilities)
      facts.capabilities.emplace_back(capability);
  return facts;
}

// It is recorded inside a line of the record, and each of its tasks is sent in one message.
void can_be_run(const Plan& plan) {
  const json line = {{"plan", plan}};
  POOLPROOF_CHECK(!conformance::nests_too_deep(line.dump(), conformance::kDeepestLine),
                  "a plan nests deeper than a record may");
  for (const PlannedTask& task : plan.tasks) {
    const json command = conformance::submit_command(task, nullptr, {"/ledger", "/meet"});
    POOLPROOF_CHECK(command.dump().size() < conformance::kLongestMessage,
                    "a task does not fit into a message");
    json heard;
    const json outcome = {{"kind", "value"}, {"value", json::parse(task.value_json)}};
    const json settled = {{"event", "settled"}, {"id", task.id}, {"outcome", outcome}};
    const auto wrong = conformance::read_message(settled.dump(), heard);
    POOLPROOF_CHECK(!wrong, "a pool may not say the value that is planned");
  }
  for (const Step& step : plan.steps)
    POOLPROOF_CHECK(
        step.kind != StepKind::kStrike || static_cast<std::size_t>(step.fault) < plan.faults.size(),
        "a step strikes with a fault that the plan does not hold");
}

}  // namespace

void claims_of_scenarios_hold(Input input) {
  const auto scenario = parse({input.begin(), input.end()});
  if (!scenario) return;
  POOLPROOF_CHECK(json(*scenario).is_object(), "a scenario is told as one object");
  for (const Recovery recovers : {Recovery::kReplaces, Recovery::kBreaks, Recovery::kRecreate})
    for (const bool can_all : {true, false}) {
      const PoolFacts facts = facts_of_a_pool(recovers, can_all);
      POOLPROOF_CHECK(!can_all || missing_capabilities(*scenario, facts).empty(),
                      "a pool that can do all cannot do this");
      const Plan plan = make_plan(*scenario, facts);
      POOLPROOF_CHECK(json::parse(json(plan).dump()).get<Plan>() == plan,
                      "a plan does not survive its own encoding");
      can_be_run(plan);
    }
}

}  // namespace poolproof::fuzz
