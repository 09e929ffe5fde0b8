#include <cmath>
#include <nlohmann/json.hpp>

#include "scenarios/parse.h"

namespace poolproof::scenarios {
namespace {

using nlohmann::json;

// Bytes as JSON; for longer strings the length is used.
constexpr std::size_t kLongestValue = 4'096;
// A plan, a message and a record have the value in them, and a reader of these accepts 64 levels.
constexpr int kDeepestValue = 16;
constexpr int kPipeHolds = 65'536;  // bytes; a large result must be larger
constexpr int kLargest = 1 << 30;

json json_of(const Section& task, const toml::node& node, int depth = 0) {
  if (depth == kDeepestValue && !node.is_value())
    task.fail_at(node, "the value nests deeper than " + std::to_string(kDeepestValue) + " levels",
                 "write it with fewer arrays and tables inside each other");
  if (const auto* table = node.as_table()) {
    json object = json::object();
    for (const auto& [key, value] : *table)
      object[std::string(key.str())] = json_of(task, value, depth + 1);
    return object;
  }
  if (const auto* array = node.as_array()) {
    json list = json::array();
    for (const toml::node& value : *array) list.push_back(json_of(task, value, depth + 1));
    return list;
  }
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* integer = node.as_integer()) return integer->get();
  if (const auto* boolean = node.as_boolean()) return boolean->get();
  if (const auto* number = node.as_floating_point(); number && std::isfinite(number->get()))
    return number->get();
  task.fail_at(node,
               "this value cannot be written as JSON: it is " +
                   (node.is_floating_point() ? "not a finite number" : type_of(node)),
               "write a string, a finite number, a boolean, an array or a table");
}

// Reports show names and use them as keys. So they have one form, and must not be a word with
// another meaning.
void check_role(const Section& tasks, const std::string& role) {
  constexpr std::string_view kTaken[] = {"warm-up", "probe", "after", "leftovers", "closes_within"};
  if (contains(kTaken, role))
    tasks.fail_at_key(role, "the role `" + role + "` has a meaning of its own",
                      "take another name, like `victim` or `bystander`");
  if (role.empty() ||
      role.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") != std::string::npos)
    tasks.fail_at_key(role, "\"" + role + "\" cannot name a role",
                      "use small letters, digits and -, like `victim` or `bystander`");
}

// The expected return value is described only by its length.
void parse_bytes(const Section& task, TaskGroup& group) {
  if (group.body != "large") {
    if (task.has("bytes"))
      task.fail_at_key("bytes", "the body " + group.body + " has no size",
                       "leave `bytes` out, or write body = \"large\"");
    return;
  }
  if (task.has("value"))
    task.fail_at_key("value", "the body large returns letters, and no value of ours",
                     "leave `value` out");
  task.need("bytes", "bytes = 104857600: how long the result is");
  group.bytes = task.number("bytes", kPipeHolds + 1, kLargest, 0);
  group.value_json = json{{"length", group.bytes}}.dump();
}

void parse_value(const Section& task, TaskGroup& group) {
  if (group.body == "large") return;
  if (group.body != "rendezvous")
    task.need("value", "value = ..., which the body " + group.body + " returns (any TOML value)");
  const toml::node* node = task.find("value");
  if (node == nullptr) return;
  group.value_json = json_of(task, *node).dump();
  if (group.value_json.size() > kLongestValue)
    task.fail_at(*node,
                 "the value takes " + std::to_string(group.value_json.size()) + " bytes as JSON",
                 "keep it within " + std::to_string(kLongestValue) +
                     "; longer results are for body = \"large\"");
}

void parse_stage(const Section& task, TaskGroup& group) {
  const toml::node* node = task.find("stage");
  if (group.body != "carry") {
    if (node != nullptr)
      task.fail_at_key("stage", "the body " + group.body + " has no stage",
                       "leave `stage` out, or write body = \"carry\"");
    return;
  }
  group.stage = task.word(task.need("stage", "stage = one of " + listed(words::kStages)), "stage",
                          words::kStages);
}

bool parse_cancel(const Section& task) {
  const toml::node* node = task.find("cancel");
  if (node == nullptr) return false;
  const auto* yes = node->as_boolean();
  if (yes == nullptr)
    task.fail_at(*node, "`cancel` is " + type_of(*node), "write cancel = true, or leave it out");
  return yes->get();
}

// The role whose done-callback submits these tasks: it must be defined above, with one task for
// each of these.
void parse_submitted_by(const Section& task, const std::vector<TaskGroup>& above,
                        TaskGroup& group) {
  const toml::node* node = task.find("submitted_by");
  if (node == nullptr) return;
  std::vector<std::string_view> roles;
  for (const TaskGroup& other : above)
    if (other.submitted_by.empty()) roles.push_back(other.role);
  if (roles.empty())
    task.fail_at(*node, "no task above this one is submitted by the harness itself",
                 "put the task whose callback submits this one above it");
  group.submitted_by = task.word(*node, "role above this one", roles);
  for (const TaskGroup& other : above) {
    if (other.submitted_by == group.submitted_by)
      task.fail_at(*node, "the done-callback of " + group.submitted_by + " submits " + other.role,
                   "let each callback submit one task");
    if (other.role == group.submitted_by && other.count != group.count)
      task.fail_at(*node,
                   std::to_string(other.count) + " tasks of the role " + other.role +
                       " cannot submit " + std::to_string(group.count),
                   "set `count` to " + std::to_string(other.count) + ": each callback submits one");
  }
  if (group.deadline_ms)
    task.fail_at(*node, "a task that a callback submits has no deadline",
                 "leave `deadline_ms` out");
  if (group.cancel)
    task.fail_at(*node, "a task that a callback submits comes too late to be cancelled with others",
                 "leave `cancel` out");
}

TaskGroup parse_group(const Section& task, const std::string& role,
                      const std::vector<TaskGroup>& above) {
  task.allow_only(
      {"body", "value", "bytes", "count", "stage", "deadline_ms", "cancel", "submitted_by"});
  TaskGroup group;
  group.role = role;
  group.body = task.word(task.need("body", "body = one of " + listed(words::kBodies)), "body",
                         words::kBodies);
  parse_value(task, group);
  parse_bytes(task, group);
  parse_stage(task, group);
  group.count = task.number("count", 1, 1000, group.count);
  if (task.has("deadline_ms")) group.deadline_ms = task.number("deadline_ms", 1, 600'000, 0);
  group.cancel = parse_cancel(task);
  parse_submitted_by(task, above, group);
  return group;
}

// Does the file strike the program before anything is submitted? Then it needs no task.
bool strikes_idle_program(const Section& file) {
  const toml::node* node = file.find("fault");
  const auto* list = node != nullptr ? node->as_array() : nullptr;
  const auto* first = list != nullptr && !list->empty() ? list->front().as_table() : nullptr;
  if (first == nullptr) return false;
  const auto target = first->get_as<std::string>("target");
  const auto at = first->get_as<std::string>("at");
  return at && target && at->get() == "idle" &&
         (target->get() == "parent" || target->get() == "group");
}

}  // namespace

void parse_tasks(const Section& file, Scenario& scenario) {
  if (strikes_idle_program(file)) {
    if (file.has("task"))
      file.fail_at_key("task", "the fault ends the program before any task is submitted",
                       "leave [task] out, or strike at running:ROLE");
    return;
  }
  file.need("task", "a section [task.victim], or task.victim = { body = ... }");
  const Section tasks = file.section("task");
  for (const std::string& role : tasks.keys_in_order()) {
    check_role(tasks, role);
    scenario.tasks.push_back(parse_group(tasks.section(role), role, scenario.tasks));
  }
  if (scenario.tasks.empty())
    tasks.fail("there is no task", "add a section [task.victim], or task.victim = { body = ... }");
}

}  // namespace poolproof::scenarios
