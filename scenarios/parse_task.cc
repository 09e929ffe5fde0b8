#include <cmath>
#include <nlohmann/json.hpp>

#include "scenarios/parse.h"

namespace poolproof::scenarios {
namespace {

using nlohmann::json;

constexpr std::size_t kLongestValue = 32'768;  // bytes as JSON: half of a message (protocol.md)

json json_of(const Section& task, const toml::node& node) {
  if (const auto* table = node.as_table()) {
    json object = json::object();
    for (const auto& [key, value] : *table) object[std::string(key.str())] = json_of(task, value);
    return object;
  }
  if (const auto* array = node.as_array()) {
    json list = json::array();
    for (const toml::node& value : *array) list.push_back(json_of(task, value));
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

// Names are shown in reports and used as keys: one form, and not a word that means something else.
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

void parse_value(const Section& task, TaskGroup& group) {
  if (group.body != "rendezvous")
    task.need("value", "value = ..., which the body " + group.body + " returns (any TOML value)");
  const toml::node* node = task.find("value");
  if (node == nullptr) return;
  group.value_json = json_of(task, *node).dump();
  if (group.value_json.size() > kLongestValue)
    task.fail_at(
        *node, "the value takes " + std::to_string(group.value_json.size()) + " bytes as JSON",
        "keep it within " + std::to_string(kLongestValue) + ", for it must fit into one message");
}

void parse_stage(const Section& task, TaskGroup& group) {
  const toml::node* node = task.find("stage");
  if (group.body != "carry") {
    if (node != nullptr)
      task.fail_at_key("stage", "the body " + group.body + " has no stage",
                       "leave `stage` out, or write body = \"carry\"");
    return;
  }
  group.stage =
      task.word(task.need("stage", "stage = one of " + listed(stages())), "stage", stages());
}

TaskGroup parse_group(const Section& task, const std::string& role) {
  task.allow_only({"body", "value", "count", "stage", "deadline_ms"});
  TaskGroup group;
  group.role = role;
  group.body = task.word(task.need("body", "body = one of " + listed(bodies())), "body", bodies());
  parse_value(task, group);
  parse_stage(task, group);
  group.count = task.number("count", 1, 1000, group.count);
  if (task.has("deadline_ms")) group.deadline_ms = task.number("deadline_ms", 1, 600'000, 0);
  return group;
}

}  // namespace

void parse_tasks(const Section& file, Scenario& scenario) {
  file.need("task", "a section [task.victim], or task.victim = { body = ... }");
  const Section tasks = file.section("task");
  for (const std::string& role : tasks.keys_in_order()) {
    check_role(tasks, role);
    scenario.tasks.push_back(parse_group(tasks.section(role), role));
  }
  if (scenario.tasks.empty())
    tasks.fail("there is no task", "add a section [task.victim], or task.victim = { body = ... }");
}

}  // namespace poolproof::scenarios
