#include "scenarios/plan.h"

#include <algorithm>
#include <array>
#include <utility>

#include "scenarios/scenario.h"
#include "scenarios/words.h"

namespace poolproof::scenarios {
namespace {

using faults::Fault;
using faults::Point;

bool has(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string capability_to_close(std::string_view how) { return "close_" + std::string(how); }

// The capabilities that the scenario's parts need, in the order of the closed list.
std::vector<std::string> implied_needs(const Scenario& scenario) {
  std::vector<std::string> needs = scenario.needs;
  for (const TaskGroup& group : scenario.tasks) {
    if (group.deadline_ms) needs.push_back("task_deadline");
    if (group.stage.ends_with("-args")) needs.push_back("arguments_cross");
    if (group.stage.ends_with("-result")) needs.push_back("results_cross");
    if (group.cancel) needs.push_back("cancel");
    if (!group.submitted_by.empty()) needs.push_back("done_callback");
  }
  for (const Fault& fault : scenario.faults) {
    // An exception affects only its task; every other effect ends or stops the whole process.
    const bool throws = fault.effect.kind == faults::EffectKind::kThrow ||
                        fault.effect.kind == faults::EffectKind::kThrowUndecodable;
    if (!throws && !faults::strikes_program(fault)) needs.push_back("worker_processes");
    if (fault.effect.kind == faults::EffectKind::kThrowUndecodable ||
        fault.point == Point::kSending)
      needs.push_back("results_cross");
    if (fault.point == Point::kCallback) needs.push_back("done_callback");
  }
  if (!scenario.close.empty()) needs.push_back(capability_to_close(scenario.close));
  std::vector<std::string> ordered;
  for (const std::string_view capability : words::kCapabilities)
    if (has(needs, capability)) ordered.emplace_back(capability);
  return ordered;
}

// Builds the steps of one plan. The ids are numbered through the whole plan, so their order tells a
// pool nothing about roles.
class Builder {
 public:
  Builder(const Scenario& scenario, const PoolFacts& facts) : scenario_(scenario) {
    plan_.scenario = scenario.name;
    plan_.claim = scenario.claim;
    plan_.pool = facts;
    plan_.workers = scenario.workers;
    plan_.faults = scenario.faults;
    gentle_ = gentlest_close(facts);
    final_ = scenario.close.empty() ? gentle_ : scenario.close;
  }

  Plan build() {
    round_that_nothing_strikes();
    open();
    strike(true);
    if (!scenario_.tasks.empty()) submit();
    if (scenario_.close_when == CloseWhen::kStriking) step(StepKind::kBeginClose).how = final_;
    strike(false);
    if (ends_parent()) {
      step(StepKind::kAwaitParentEnd);
      return std::move(plan_);
    }
    // This close is hard only if tasks are still open.
    if (scenario_.close_when == CloseWhen::kStruck) close(final_);
    step(StepKind::kAwaitSettled);
    if (scenario_.close_when == CloseWhen::kStriking) step(StepKind::kAwaitClosed);
    finish();
    return std::move(plan_);
  }

 private:
  Step& step(StepKind kind) {
    plan_.steps.emplace_back();
    plan_.steps.back().kind = kind;
    return plan_.steps.back();
  }

  std::string task(std::string role, std::string body, std::string value_json) {
    PlannedTask planned;
    planned.id = "t" + std::to_string(plan_.tasks.size() + 1);
    planned.role = std::move(role);
    planned.body = std::move(body);
    planned.value_json = std::move(value_json);
    plan_.tasks.push_back(std::move(planned));
    return plan_.tasks.back().id;
  }

  void open() {
    step(StepKind::kOpen);
    Step& warm_up = step(StepKind::kWarmUp);
    for (int worker = 0; worker < scenario_.workers; ++worker)
      warm_up.tasks.push_back(task("warm-up", "rendezvous", "null"));
  }

  void close(const std::string& how) { step(StepKind::kClose).how = how; }

  void round_that_nothing_strikes() {
    open();
    close(gentle_);
  }

  void submit() {
    std::vector<std::string> now, cancelled;
    for (const TaskGroup& group : scenario_.tasks)
      for (int n = 0; n < group.count; ++n) {
        const std::string id = task(group.role, group.body, group.value_json);
        PlannedTask& planned = plan_.tasks.back();
        planned.stage = group.stage;
        planned.bytes = group.bytes;
        planned.deadline_ms = group.deadline_ms;
        planned.meets_when_done = strikes_callback_of(group.role);
        if (!group.submitted_by.empty())
          planned.submitted_by = nth_of_role(group.submitted_by, n);
        else
          now.push_back(id);
        if (group.cancel) cancelled.push_back(id);
      }
    step(StepKind::kSubmit).tasks = now;
    if (!cancelled.empty()) step(StepKind::kCancel).tasks = cancelled;
  }

  std::string nth_of_role(const std::string& role, int n) const {
    for (const PlannedTask& planned : plan_.tasks)
      if (planned.role == role && n-- == 0) return planned.id;
    return "";  // the parser has checked that there is one
  }

  bool strikes_callback_of(const std::string& role) const {
    return std::any_of(plan_.faults.begin(), plan_.faults.end(), [&](const Fault& fault) {
      return fault.point == Point::kCallback && fault.role == role;
    });
  }

  // Faults at idle come between the warm-up and the submit; all others after it, in file order.
  void strike(bool at_idle) {
    for (std::size_t index = 0; index < plan_.faults.size(); ++index) {
      if ((plan_.faults[index].point == Point::kIdle) != at_idle) continue;
      Step& strike = step(StepKind::kStrike);
      strike.fault = static_cast<int>(index);
      if (!at_idle) strike.tasks = bystanders_that_meet();
    }
  }

  std::vector<std::string> bystanders_that_meet() const {
    std::vector<std::string> ids;
    for (const PlannedTask& planned : plan_.tasks) {
      const bool struck =
          std::any_of(plan_.faults.begin(), plan_.faults.end(),
                      [&](const Fault& fault) { return fault.role == planned.role; });
      if (planned.body == "rendezvous" && planned.role != "warm-up" && !struck)
        ids.push_back(planned.id);
    }
    return ids;
  }

  bool ends_parent() const {
    return std::any_of(plan_.faults.begin(), plan_.faults.end(), faults::strikes_program);
  }

  // The probe comes before the last close, because the pool that was struck must be usable. If the
  // pool was closed right after the strike, it is opened again for the probe: then the probe tests
  // the program.
  void finish() {
    const bool closed = scenario_.close_when != CloseWhen::kEnd;
    if (scenario_.after_usable) {
      if (closed) step(StepKind::kOpen);
      probe();
    }
    if (!closed) close(final_);
    if (closed && scenario_.after_usable) close(gentle_);
    step(StepKind::kBye);
  }

  void probe() {
    const int tasks = plan_.pool.recovers == Recovery::kReplaces ? 1 : 2;
    Step& probe = step(StepKind::kProbe);
    if (plan_.pool.recovers == Recovery::kBreaks) probe.how = gentle_;
    for (int n = 0; n < tasks; ++n) probe.tasks.push_back(task("probe", "echo", "\"probe\""));
  }

  const Scenario& scenario_;
  Plan plan_;
  std::string gentle_;  // how a round without a strike is closed
  std::string final_;   // how the pool that was struck is closed
};

Claim resolve(const std::optional<Accepted>& accepted, Level level, Recovery recovers) {
  Claim claim;
  if (!accepted) return claim;
  claim.level = level;
  const auto own = accepted->of.find(recovers);
  const auto breaks = accepted->of.find(Recovery::kBreaks);
  if (own != accepted->of.end())
    claim.one_of = own->second;
  else if (recovers == Recovery::kRecreate && breaks != accepted->of.end())
    claim.one_of = breaks->second;
  return claim;
}

Expectation resolve_expectation(const Scenario& scenario, Recovery recovers) {
  Expectation expect;
  for (const RoleClaim& claim : scenario.roles) {
    RoleExpectation role;
    role.role = claim.role;
    role.outcome = resolve(claim.outcome, claim.outcome_level, recovers);
    role.cause = resolve(claim.cause, claim.cause_level, recovers);
    role.certainty = resolve(claim.certainty, claim.certainty_level, recovers);
    role.blame = resolve(claim.blame, claim.blame_level, recovers);
    role.within_ms = claim.within_ms;
    expect.roles.push_back(std::move(role));
  }
  if (scenario.after_usable) expect.after = {{"usable"}, scenario.after_level};
  if (scenario.leftovers_none) expect.leftovers = {{"none"}, scenario.leftovers_level};
  expect.closes_within_ms = scenario.closes_within_ms;
  return expect;
}

constexpr std::array<std::pair<StepKind, std::string_view>, 14> kStepKinds = {
    {{StepKind::kOpen, "open"},
     {StepKind::kWarmUp, "warm-up"},
     {StepKind::kSubmit, "submit"},
     {StepKind::kCancel, "cancel"},
     {StepKind::kStrike, "strike"},
     {StepKind::kAwaitSettled, "await-settled"},
     {StepKind::kClose, "close"},
     {StepKind::kBeginClose, "begin-close"},
     {StepKind::kAwaitClosed, "await-closed"},
     {StepKind::kAwaitParentEnd, "await-parent-end"},
     {StepKind::kProbe, "probe"},
     {StepKind::kResize, "resize"},
     {StepKind::kArm, "arm"},
     {StepKind::kBye, "bye"}}};

}  // namespace

std::string gentlest_close(const PoolFacts& facts) {
  for (const std::string_view how : words::kClosings)
    if (has(facts.capabilities, capability_to_close(how))) return std::string(how);
  return "drain";
}

std::vector<std::string> missing_capabilities(const Scenario& scenario, const PoolFacts& facts) {
  std::vector<std::string> missing;
  for (const std::string& need : implied_needs(scenario))
    if (!has(facts.capabilities, need)) missing.push_back(need);
  // Each plan closes a pool, at least its first one, so there must be a way to close it.
  if (!has(facts.capabilities, capability_to_close(gentlest_close(facts))) &&
      !has(missing, "close_drain"))
    missing.push_back("close_drain");
  return missing;
}

Plan make_plan(const Scenario& scenario, const PoolFacts& facts) {
  Plan plan = Builder(scenario, facts).build();
  plan.expect = resolve_expectation(scenario, facts.recovers);
  return plan;
}

std::string to_string(Level level) { return std::string(words::word_of(level)); }
std::string to_string(Recovery recovery) { return std::string(words::word_of(recovery)); }
std::string to_string(StepKind kind) {
  for (const auto& [known, word] : kStepKinds)
    if (known == kind) return std::string(word);
  return "?";  // a value outside the enum: printed so that it cannot be taken for a word
}
std::optional<Level> parse_level(std::string_view text) { return words::find<Level>(text); }
std::optional<Recovery> parse_recovery(std::string_view text) {
  return words::find<Recovery>(text);
}
std::optional<StepKind> parse_step_kind(std::string_view text) {
  for (const auto& [kind, known] : kStepKinds)
    if (known == text) return kind;
  return std::nullopt;
}

}  // namespace poolproof::scenarios
