#include <climits>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "scenarios/plan.h"

namespace poolproof::scenarios {
namespace {

using faults::Fault;
using nlohmann::json;

// One object of a stored plan, read together with its path, so that an error names the key.
class Object {
 public:
  Object(const json& value, std::string path) : value_(value), path_(std::move(path)) {
    if (!value.is_object()) throw std::runtime_error(path_ + ": must be an object");
  }

  const json& at(const char* key) const {
    const auto found = value_.find(key);
    if (found == value_.end()) throw std::runtime_error(path_ + "." + key + ": is missing");
    return *found;
  }
  bool has(const char* key) const { return value_.contains(key); }

  std::string text(const char* key) const {
    if (!at(key).is_string()) wrong(key, "must be a string");
    return at(key).get<std::string>();
  }
  int integer(const char* key) const {
    const json& number = at(key);
    // A number that does not fit into an int means a damaged plan; it must not be read as another
    // number.
    const bool fits = number.is_number_unsigned()
                          ? number.get<std::uint64_t>() <= INT_MAX
                          : number.is_number_integer() && number.get<std::int64_t>() >= INT_MIN &&
                                number.get<std::int64_t>() <= INT_MAX;
    if (!fits) wrong(key, "must be an integer of 32 bits");
    return number.get<int>();
  }
  bool boolean(const char* key) const {
    if (!at(key).is_boolean()) wrong(key, "must be true or false");
    return at(key).get<bool>();
  }
  double number(const char* key) const {
    if (!at(key).is_number()) wrong(key, "must be a number");
    return at(key).get<double>();
  }
  std::vector<std::string> texts(const char* key) const {
    const json& list = at(key);
    if (!list.is_array()) wrong(key, "must be a list of strings");
    for (const json& text : list)
      if (!text.is_string()) wrong(key, "must be a list of strings");
    return list.get<std::vector<std::string>>();
  }
  Object object(const char* key) const { return Object(at(key), path_ + "." + key); }
  std::vector<Object> objects(const char* key) const {
    const json& list = at(key);
    if (!list.is_array()) wrong(key, "must be a list");
    std::vector<Object> all;
    for (std::size_t i = 0; i < list.size(); ++i)
      all.emplace_back(list[i], path_ + "." + key + "[" + std::to_string(i) + "]");
    return all;
  }
  template <typename Parse>
  auto word(const char* key, Parse parse) const {
    const auto value = parse(text(key));
    if (!value) wrong(key, "\"" + text(key) + "\" is an unknown word");
    return *value;
  }

 private:
  [[noreturn]] void wrong(const char* key, const std::string& why) const {
    throw std::runtime_error(path_ + "." + key + ": " + why);
  }

  const json& value_;
  std::string path_;
};

json json_of(const PlannedTask& task) {
  json out = {{"id", task.id}, {"role", task.role}, {"body", task.body}};
  out["value"] = json::parse(task.value_json);
  if (!task.stage.empty()) out["stage"] = task.stage;
  if (task.bytes != 0) out["bytes"] = task.bytes;
  if (task.deadline_ms) out["deadline_ms"] = *task.deadline_ms;
  if (!task.submitted_by.empty()) out["submitted_by"] = task.submitted_by;
  if (task.meets_when_done) out["meets_when_done"] = true;
  return out;
}

PlannedTask task_of(const Object& in) {
  PlannedTask task;
  task.id = in.text("id");
  task.role = in.text("role");
  task.body = in.text("body");
  task.value_json = in.at("value").dump();
  if (in.has("stage")) task.stage = in.text("stage");
  if (in.has("bytes")) task.bytes = in.integer("bytes");
  if (in.has("deadline_ms")) task.deadline_ms = in.integer("deadline_ms");
  if (in.has("submitted_by")) task.submitted_by = in.text("submitted_by");
  if (in.has("meets_when_done")) task.meets_when_done = in.boolean("meets_when_done");
  return task;
}

json json_of(const Fault& fault) {
  return {{"point", faults::to_string(fault.point)},
          {"role", fault.role},
          {"nth", fault.trigger.nth},
          {"target", faults::to_string(fault.target)},
          {"effect", faults::to_string(fault.effect)}};
}

Fault fault_of(const Object& in) {
  Fault fault;
  fault.point = in.word("point", faults::parse_point);
  fault.role = in.text("role");
  fault.trigger.nth = in.integer("nth");
  fault.target = in.word("target", faults::parse_target);
  fault.effect = in.word("effect", faults::parse_effect);
  return fault;
}

faults::Trace trace_of(const Object& plan) {
  try {
    return plan.at("trace").get<faults::Trace>();
  } catch (const std::exception& error) {
    throw std::runtime_error(std::string("plan.trace.") + error.what());
  }
}

json json_of(const Step& step) {
  json out = {{"kind", to_string(step.kind)}};
  if (!step.tasks.empty()) out["tasks"] = step.tasks;
  if (step.fault != -1) out["fault"] = step.fault;
  if (!step.how.empty()) out["how"] = step.how;
  if (step.workers != 0) out["workers"] = step.workers;
  return out;
}

Step step_of(const Object& in) {
  Step step;
  step.kind = in.word("kind", parse_step_kind);
  if (in.has("tasks")) step.tasks = in.texts("tasks");
  if (in.has("fault")) step.fault = in.integer("fault");
  if (in.has("how")) step.how = in.text("how");
  if (in.has("workers")) step.workers = in.integer("workers");
  return step;
}

json json_of(const Claim& claim) {
  return {{"one_of", claim.one_of}, {"level", to_string(claim.level)}};
}

Claim claim_of(const Object& in) { return {in.texts("one_of"), in.word("level", parse_level)}; }

json json_of(const RoleExpectation& role) {
  return {{"role", role.role},
          {"outcome", json_of(role.outcome)},
          {"cause", json_of(role.cause)},
          {"certainty", json_of(role.certainty)},
          {"blame", json_of(role.blame)},
          {"within_ms", role.within_ms}};
}

RoleExpectation role_of(const Object& in) {
  RoleExpectation role;
  role.role = in.text("role");
  role.outcome = claim_of(in.object("outcome"));
  role.cause = claim_of(in.object("cause"));
  role.certainty = claim_of(in.object("certainty"));
  role.blame = claim_of(in.object("blame"));
  role.within_ms = in.integer("within_ms");
  return role;
}

Expectation expectation_of(const Object& in) {
  Expectation expect;
  for (const Object& role : in.objects("roles")) expect.roles.push_back(role_of(role));
  expect.after = claim_of(in.object("after"));
  expect.leftovers = claim_of(in.object("leftovers"));
  expect.closes_within_ms = in.integer("closes_within_ms");
  if (in.has("lost_at_most")) expect.lost_at_most = in.integer("lost_at_most");
  return expect;
}

PoolFacts facts_of(const Object& in) {
  PoolFacts facts;
  facts.pool = in.text("pool");
  facts.version = in.text("version");
  facts.capabilities = in.texts("capabilities");
  facts.recovers = in.word("recovers", parse_recovery);
  facts.longest_wait_s = in.number("longest_wait_s");
  facts.longest_wait_source = in.text("longest_wait_source");
  return facts;
}

template <typename T>
json list_of(const std::vector<T>& values) {
  json list = json::array();
  for (const T& value : values) list.push_back(json_of(value));
  return list;
}

}  // namespace

void to_json(json& out, const PoolFacts& facts) {
  out = {{"pool", facts.pool},
         {"version", facts.version},
         {"capabilities", facts.capabilities},
         {"recovers", to_string(facts.recovers)},
         {"longest_wait_s", facts.longest_wait_s},
         {"longest_wait_source", facts.longest_wait_source}};
}

void from_json(const json& in, PoolFacts& facts) { facts = facts_of(Object(in, "facts")); }

void to_json(json& out, const Plan& plan) {
  out = {{"scenario", plan.scenario},
         {"claim", plan.claim},
         {"pool", plan.pool},
         {"workers", plan.workers},
         {"tasks", list_of(plan.tasks)},
         {"faults", list_of(plan.faults)},
         {"steps", list_of(plan.steps)}};
  out["expect"] = {{"roles", list_of(plan.expect.roles)},
                   {"after", json_of(plan.expect.after)},
                   {"leftovers", json_of(plan.expect.leftovers)},
                   {"closes_within_ms", plan.expect.closes_within_ms}};
  if (plan.expect.lost_at_most) out["expect"]["lost_at_most"] = *plan.expect.lost_at_most;
  if (plan.trace) out["trace"] = *plan.trace;
  if (plan.opening.tasks_per_worker) out["tasks_per_worker"] = *plan.opening.tasks_per_worker;
  if (plan.opening.initializer) out["initializer"] = true;
}

void from_json(const json& in, Plan& plan) {
  const Object object(in, "plan");
  Plan read;
  read.scenario = object.text("scenario");
  read.claim = object.text("claim");
  read.pool = facts_of(object.object("pool"));
  read.workers = object.integer("workers");
  for (const Object& task : object.objects("tasks")) read.tasks.push_back(task_of(task));
  for (const Object& fault : object.objects("faults")) read.faults.push_back(fault_of(fault));
  if (object.has("tasks_per_worker"))
    read.opening.tasks_per_worker = object.integer("tasks_per_worker");
  if (object.has("initializer")) read.opening.initializer = object.boolean("initializer");
  if (object.has("trace")) read.trace = trace_of(object);
  for (const Object& step : object.objects("steps")) read.steps.push_back(step_of(step));
  read.expect = expectation_of(object.object("expect"));
  plan = std::move(read);  // only when everything was understood
}

}  // namespace poolproof::scenarios
