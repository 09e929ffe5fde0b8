#include "scenarios/scenario.h"

#include <fnmatch.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace poolproof::scenarios {
namespace {

using nlohmann::json;

std::string read_whole_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  if (!file)
    throw ScenarioError(path.string() + ":1:1: cannot be read: " + std::strerror(errno) +
                        "; make it a readable file");
  return text.str();
}

json json_of(const std::optional<Accepted>& accepted, Level level) {
  if (!accepted) return nullptr;
  json by = json::object();
  for (const auto& [recovery, words] : accepted->of) by[to_string(recovery)] = words;
  return {{"if", by}, {"level", to_string(level)}};
}

std::string word_of(CloseWhen when) {
  if (when == CloseWhen::kStruck) return "struck";
  return when == CloseWhen::kStriking ? "striking" : "end";
}

json json_of(const TaskGroup& group) {
  json task = {{"role", group.role},
               {"body", group.body},
               {"value", json::parse(group.value_json)},
               {"count", group.count}};
  if (!group.stage.empty()) task["stage"] = group.stage;
  if (group.bytes != 0) task["bytes"] = group.bytes;
  if (group.deadline_ms) task["deadline_ms"] = *group.deadline_ms;
  if (group.cancel) task["cancel"] = true;
  if (!group.submitted_by.empty()) task["submitted_by"] = group.submitted_by;
  return task;
}

json as_written(const faults::Fault& fault) {
  return {{"at", faults::to_string(fault.point) + (fault.role.empty() ? "" : ":" + fault.role)},
          {"do", faults::to_string(fault.effect)},
          {"target", faults::to_string(fault.target)},
          {"nth", fault.trigger.nth}};
}

json json_of(const RoleClaim& claim) {
  json role = {{"role", claim.role}, {"within_ms", claim.within_ms}};
  role["outcome"] = json_of(claim.outcome, claim.outcome_level);
  role["cause"] = json_of(claim.cause, claim.cause_level);
  role["certainty"] = json_of(claim.certainty, claim.certainty_level);
  role["blame"] = json_of(claim.blame, claim.blame_level);
  return role;
}

}  // namespace

std::vector<Scenario> load_scenarios(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  std::error_code error;
  std::vector<fs::path> files;
  auto entry = fs::recursive_directory_iterator(folder, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error))
    if (entry->path().extension() == ".toml") files.push_back(entry->path());
  if (error)
    throw ScenarioError(folder.string() + ":1:1: the folder of scenarios cannot be read: " +
                        error.message() + "; name a folder that holds FOLDER/NAME.toml files");
  std::vector<Scenario> scenarios;
  for (const fs::path& path : files) {
    const std::string name = path.lexically_relative(folder).replace_extension().generic_string();
    scenarios.push_back(parse_scenario(read_whole_file(path), name, path.string()));
  }
  std::sort(scenarios.begin(), scenarios.end(),
            [](const Scenario& a, const Scenario& b) { return a.name < b.name; });
  return scenarios;
}

bool matches(const std::string& glob, const std::string& name) {
  return fnmatch(glob.c_str(), name.c_str(), FNM_NOESCAPE) == 0;
}

void to_json(json& out, const Scenario& scenario) {
  out = {{"name", scenario.name},
         {"claim", scenario.claim},
         {"see", scenario.see},
         {"needs", scenario.needs},
         {"workers", scenario.workers},
         {"close",
          {{"how", scenario.close.empty() ? json(nullptr) : json(scenario.close)},
           {"when", word_of(scenario.close_when)}}}};
  out["tasks"] = json::array();
  for (const TaskGroup& group : scenario.tasks) out["tasks"].push_back(json_of(group));
  out["faults"] = json::array();
  for (const faults::Fault& fault : scenario.faults) out["faults"].push_back(as_written(fault));
  json& expect = out["expect"];
  expect["roles"] = json::array();
  for (const RoleClaim& claim : scenario.roles) expect["roles"].push_back(json_of(claim));
  expect["after"] = {{"is", scenario.after_usable ? "usable" : "any"},
                     {"level", to_string(scenario.after_level)}};
  expect["leftovers"] = {{"is", scenario.leftovers_none ? "none" : "any"},
                         {"level", to_string(scenario.leftovers_level)}};
  expect["closes_within_ms"] = scenario.closes_within_ms;
}

}  // namespace poolproof::scenarios
