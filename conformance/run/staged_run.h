// For the runner's tests: one attempt, run from its plan to its `ended` line against a fake
// outside, and judged.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "conformance/judge/oracle.h"
#include "conformance/judge/staged_attempt.h"
#include "conformance/run/fake_outside.h"
#include "conformance/run/run.h"
#include "scenarios/scenario.h"

namespace poolproof::conformance {

using namespace std::chrono_literals;
using nlohmann::json;

struct StagedRun {
  explicit StagedRun(scenarios::Recovery recovers = scenarios::Recovery::kReplaces)
      : outside(recovers) {}

  // A shipped scenario, for the fake's own facts.
  static const scenarios::Scenario& scenario(const std::string& name) {
    static const auto all = scenarios::load_scenarios(POOLPROOF_SOURCE_DIR "/scenarios");
    return *std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.name == name; });
  }
  scenarios::Plan plan_of(const std::string& name) const {
    return scenarios::make_plan(scenario(name), outside.facts);
  }

  std::string run(const std::string& name) { return run(plan_of(name)); }
  // Returns `ended.how`.
  std::string run(const scenarios::Plan& plan) {
    const auto begun = outside.now();
    const auto append = [this](Observation line) {
      line.seq = static_cast<std::int64_t>(lines.size()) + 1;
      lines.push_back(std::move(line));
    };
    Journal journal(append, begun, "fake:" + plan.scenario, 1, [this] { return outside.now(); });
    const std::string how = run_attempt(plan, outside, crowd, journal);
    took = outside.now() - begun;
    return how;
  }

  std::string why() const { return lines.back().fields.value("why", ""); }
  AttemptVerdict verdict() const { return judge_attempt(lines); }
  bool passes() const { return verdict().status == Status::kPass; }
  std::string complaint() const { return verdict().why + " " + staged::statuses(verdict()); }

  std::vector<json> all(const std::string& kind) const {
    std::vector<json> found;
    for (const Observation& line : lines)
      if (line.kind == kind) found.push_back(line.fields);
    return found;
  }
  // Where a command of the run stands; -1: never given.
  int place(const std::string& command, int after = -1) const {
    const auto& all = outside.commands();
    const auto found = std::find(all.begin() + after + 1, all.end(), command);
    return found == all.end() ? -1 : static_cast<int>(found - all.begin());
  }

  FakeOutside outside;
  double crowd = 1;
  std::vector<Observation> lines;
  Clock::duration took{};
};

}  // namespace poolproof::conformance
