// A scenario: one claim about any pool, as written in a file. People write TOML; to_json gives the
// same model to machines.
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "faults/fault.h"
#include "scenarios/plan.h"

namespace poolproof::scenarios {

// Says "FILE:LINE:COLUMN: what is wrong; what to write instead". The command turns it into exit
// status 2.
class ScenarioError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct TaskGroup {   // [task.ROLE]
  std::string role;  // "victim", "bystander"
  std::string body;  // of the closed list in conformance/protocol/protocol.md
  std::string value_json = "null";
  std::string stage;  // carry only
  int count = 1;
  std::optional<int> deadline_ms{};
  int bytes = 0;               // large only
  bool cancel = false;         // cancelled right after all tasks were submitted
  std::string submitted_by{};  // a role whose done-callbacks submit these tasks, one each
};

enum class CloseWhen {
  kEnd,       // when everything has been seen
  kStruck,    // right after the strike, before any task settles
  kStriking,  // it is in progress when the fault strikes
};

// A value for every pool, or one for each way to recover: "worker-lost" or {if.replaces = ...,
// if.breaks = [...]}.
struct Accepted {
  std::map<Recovery, std::vector<std::string>>
      of;  // set for all three; recreate uses the value of breaks if it has none
};

struct RoleClaim {  // [expect.ROLE]
  std::string role;
  std::optional<Accepted> outcome, cause, certainty, blame;
  Level outcome_level = Level::kMust, cause_level = Level::kMust, certainty_level = Level::kMust,
        blame_level = Level::kMust;
  int within_ms = 5000;
};

struct Scenario {
  std::string name;                // "death/killed_while_running", from its path
  std::string claim;               // one sentence
  std::vector<std::string> see;    // where the problem was seen
  std::vector<std::string> needs;  // capabilities, in addition to those that its parts imply
  int workers = 2;
  // How to close the pool: one of words::kClosings, which is then a capability that the pool needs.
  // Empty: the gentlest way that it has.
  std::string close;
  CloseWhen close_when = CloseWhen::kEnd;
  std::vector<TaskGroup> tasks;  // in file order
  std::vector<faults::Fault> faults;
  std::vector<RoleClaim> roles;
  bool after_usable = true;
  Level after_level = Level::kMust;
  bool leftovers_none = true;
  Level leftovers_level = Level::kMust;
  int closes_within_ms = 5000;
};

// Parses one file's text; `name` is the path below scenarios/ without .toml. Throws ScenarioError.
Scenario parse_scenario(const std::string& text, const std::string& name, const std::string& file);

// All *.toml below `folder`, sorted by name. Throws ScenarioError for the first malformed one.
std::vector<Scenario> load_scenarios(const std::filesystem::path& folder);

// Like in a shell: '*' within and across '/', '?', '[ab]'. "death/*" matches all of death/.
bool matches(const std::string& glob, const std::string& name);

void to_json(nlohmann::json& out, const Scenario& scenario);

}  // namespace poolproof::scenarios
