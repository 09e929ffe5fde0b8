#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <csignal>
#include <functional>
#include <nlohmann/json.hpp>

#include "scenarios/plan.h"

namespace poolproof::scenarios {
namespace {

using faults::EffectKind;
using faults::Fault;
using nlohmann::json;

// Any ASCII bytes, including quotes, backslashes, control characters and the empty string.
std::string any_text() { return *rc::gen::container<std::string>(rc::gen::inRange<char>(0, 127)); }
std::vector<std::string> any_texts() {
  return *rc::gen::container<std::vector<std::string>>(
      rc::gen::container<std::string>(rc::gen::inRange<char>(0, 127)));
}
int any_int() { return *rc::gen::arbitrary<int>(); }

template <typename T>
T one_of(std::initializer_list<T> values) {
  return *rc::gen::elementOf(std::vector<T>(values));
}

template <typename T>
std::vector<T> some(const std::function<T()>& make) {
  std::vector<T> values;
  for (int n = *rc::gen::inRange(0, 4); n > 0; --n) values.push_back(make());
  return values;
}

Level any_level() { return one_of({Level::kInforms, Level::kShould, Level::kMust}); }
Claim any_claim() { return {any_texts(), any_level()}; }

PlannedTask any_task() {
  PlannedTask task;
  task.id = any_text();
  task.role = any_text();
  task.body = any_text();
  task.value_json =
      one_of<json>({nullptr, 7, -1, 0.1, 1e300, true, "text", any_text(), any_int(),
                    json::array({1, "two", nullptr}), json::object({{"a", 1}, {"b", any_text()}}),
                    json::array(), json::object(), 18446744073709551615ull})
          .dump();
  task.stage = any_text();
  if (*rc::gen::arbitrary<bool>()) task.deadline_ms = any_int();
  task.bytes = any_int();
  task.submitted_by = any_text();
  task.meets_when_done = *rc::gen::arbitrary<bool>();
  return task;
}

Fault any_fault() {
  using faults::Point;
  using faults::Target;
  Fault fault;
  fault.point =
      one_of({Point::kIdle, Point::kRunning, Point::kEncodeArgs, Point::kDecodeArgs,
              Point::kEncodeResult, Point::kDecodeResult, Point::kSending, Point::kCallback});
  fault.role = any_text();
  fault.trigger.nth = any_int();
  fault.target = one_of({Target::kWorker, Target::kAllWorkers, Target::kParent, Target::kGroup});
  fault.effect.kind =
      one_of({EffectKind::kSignal, EffectKind::kRaise, EffectKind::kExit, EffectKind::kLoop,
              EffectKind::kSleep, EffectKind::kThrow, EffectKind::kThrowUndecodable,
              EffectKind::kFork, EffectKind::kCloseFds, EffectKind::kReturn});
  const bool by_signal =
      fault.effect.kind == EffectKind::kSignal || fault.effect.kind == EffectKind::kRaise;
  if (by_signal) fault.effect.signal = *rc::gen::inRange(1, NSIG);
  if (fault.effect.kind == EffectKind::kExit) fault.effect.code = *rc::gen::inRange(0, 256);
  return fault;
}

Step any_step() {
  Step step;
  step.kind = one_of({StepKind::kOpen, StepKind::kWarmUp, StepKind::kSubmit, StepKind::kStrike,
                      StepKind::kAwaitSettled, StepKind::kClose, StepKind::kAwaitParentEnd,
                      StepKind::kProbe, StepKind::kResize, StepKind::kArm, StepKind::kBye});
  step.tasks = any_texts();
  step.fault = *rc::gen::inRange(-1, 100);
  step.how = any_text();
  step.workers = any_int();
  return step;
}

RoleExpectation any_role() {
  return {any_text(), any_claim(), any_claim(), any_claim(), any_claim(), any_int()};
}

PoolFacts any_facts() {
  PoolFacts facts;
  facts.pool = any_text();
  facts.version = any_text();
  facts.capabilities = any_texts();
  facts.recovers = one_of({Recovery::kReplaces, Recovery::kBreaks, Recovery::kRecreate});
  facts.longest_wait_s = one_of({0.0, 0.1, 5.0, 1.0 / 3, 1e-9, 60.0});
  facts.longest_wait_source = any_text();
  return facts;
}

faults::Trace any_trace() {
  using faults::Moment;
  faults::Trace trace;
  trace.calls = one_of<std::vector<std::string>>({{}, {"read"}, {"write", "futex"}});
  trace.tells_calls = *rc::gen::arbitrary<bool>();
  if (!*rc::gen::arbitrary<bool>()) return trace;
  const auto at = faults::parse_call_label(
      one_of<std::string>({"write:pipe#2 in after-1", "write:socket#1 in shutdown"}));
  const auto effect = faults::parse_call_effect(one_of<std::string>({"signal:KILL", "freeze"}));
  trace.strike = {any_texts(), *at, one_of({Moment::kBefore, Moment::kAfter, Moment::kTornHalf}),
                  *effect};
  return trace;
}

Plan any_plan() {
  Plan plan;
  plan.scenario = any_text();
  plan.claim = any_text();
  plan.pool = any_facts();
  plan.workers = any_int();
  if (*rc::gen::arbitrary<bool>()) plan.opening.tasks_per_worker = any_int();
  plan.opening.initializer = *rc::gen::arbitrary<bool>();
  plan.tasks = some<PlannedTask>(any_task);
  plan.faults = some<Fault>(any_fault);
  if (*rc::gen::arbitrary<bool>()) plan.trace = any_trace();
  plan.steps = some<Step>(any_step);
  plan.expect.roles = some<RoleExpectation>(any_role);
  plan.expect.after = any_claim();
  plan.expect.leftovers = any_claim();
  plan.expect.closes_within_ms = any_int();
  if (*rc::gen::arbitrary<bool>()) plan.expect.lost_at_most = any_int();
  return plan;
}

RC_GTEST_PROP(PlanJson, reads_back_as_the_same_plan, ()) {
  const Plan plan = any_plan();
  const json written = plan;
  RC_ASSERT(json::parse(written.dump()).get<Plan>() == plan);
}

RC_GTEST_PROP(PlanJson, reads_the_facts_of_a_pool_back_as_the_same_facts, ()) {
  const PoolFacts facts = any_facts();
  const json written = facts;
  RC_ASSERT(json::parse(written.dump()).get<PoolFacts>() == facts);
}

// A complete plan with every part, for the error messages.
json whole_plan() {
  Plan plan;
  plan.scenario = "death/x";
  plan.pool.pool = "some_pool";
  plan.tasks = {{"t1", "victim", "carry", "1", "encode-args", 100}};
  plan.faults = {Fault{}};
  plan.faults[0].effect.signal = SIGKILL;
  plan.steps = {{StepKind::kStrike, {"t1"}, 0, "drain"}};
  plan.expect.roles = {RoleExpectation{}};
  return plan;
}

std::string complaint(const json& stored) {
  try {
    stored.get<Plan>();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "no complaint";
}

// Every key of the object and of what is in it, as "/tasks/0/id".
void collect(const json& value, const std::string& at, std::vector<std::string>& all) {
  if (!value.is_structured()) return;
  for (const auto& [key, below] : value.items()) {
    if (value.is_object()) all.push_back(at + "/" + key);
    collect(below, at + "/" + key, all);
  }
}

TEST(PlanJson, names_whichever_key_is_missing) {
  const json good = whole_plan();
  ASSERT_EQ(complaint(good), "no complaint");
  std::vector<std::string> keys;
  collect(good, "", keys);
  ASSERT_GT(keys.size(), 40u);
  for (const std::string& key : keys) {
    const json::json_pointer pointer(key);
    const std::string& last = pointer.back();
    const bool optional =
        key.starts_with("/steps/0/") ? last != "kind" : last == "stage" || last == "deadline_ms";
    json broken = good;
    broken[pointer.parent_pointer()].erase(last);
    if (optional)
      EXPECT_EQ(complaint(broken), "no complaint") << key;
    else
      EXPECT_NE(complaint(broken).find("." + last + ": is missing"), std::string::npos)
          << key << ": " << complaint(broken);
  }
}

TEST(PlanJson, names_whichever_key_has_a_value_of_the_wrong_type) {
  const json good = whole_plan();
  std::vector<std::string> keys;
  collect(good, "", keys);
  for (const std::string& key : keys) {
    const json::json_pointer pointer(key);
    if (pointer.back() == "value") continue;  // any JSON is a value
    json broken = good;
    broken[pointer] = true;  // no key holds a boolean
    EXPECT_NE(complaint(broken).find("." + pointer.back() + ": "), std::string::npos)
        << key << ": " << complaint(broken);
  }
}

TEST(PlanJson, names_the_place_of_an_unknown_word_and_of_a_number_out_of_range) {
  json plan = whole_plan();
  plan["steps"][0]["kind"] = "leap";
  EXPECT_EQ(complaint(plan), "plan.steps[0].kind: \"leap\" is an unknown word");
  plan = whole_plan();
  plan["workers"] = 5'000'000'000;
  EXPECT_EQ(complaint(plan), "plan.workers: must be an integer of 32 bits");
  plan["workers"] = 1.5;
  EXPECT_EQ(complaint(plan), "plan.workers: must be an integer of 32 bits");
  EXPECT_EQ(complaint(json::array()), "plan: must be an object");
  plan = whole_plan();
  plan["trace"] = {{"calls", {"read", "leap"}}};
  EXPECT_EQ(complaint(plan), "plan.trace.calls: `leap` is no call that can be struck");
}

TEST(PlanJson, ignores_keys_that_a_later_version_may_add) {
  json plan = whole_plan();
  plan["later"] = 1;
  plan["tasks"][0]["later"] = 1;
  EXPECT_EQ(plan.get<Plan>(), whole_plan().get<Plan>());
}

TEST(PlanJson, leaves_the_plan_alone_when_it_cannot_be_read) {
  Plan plan;
  plan.scenario = "death/x";
  const Plan before = plan;
  json stored = whole_plan();
  stored["expect"].erase("leftovers");
  EXPECT_THROW(stored.get_to(plan), std::runtime_error);
  EXPECT_EQ(plan, before);
}

}  // namespace
}  // namespace poolproof::scenarios
