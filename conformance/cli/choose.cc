#include "conformance/cli/choose.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>
#include <sstream>
#include <string_view>

#include "conformance/cli/home.h"
#include "conformance/run/versions.h"

namespace poolproof::cli {
namespace {

namespace fs = std::filesystem;
using conformance::Pool;
using scenarios::Scenario;

conformance::Places places_of(const Common& common) {
  const Home home = find_home();
  return {home.python, common.pools.parent_path(), home.programs};
}

// A package may have a hyphen where its pool's name has an underscore, so `jest-worker` is accepted
// too.
std::string as_registered(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

bool has(const std::vector<Pool>& pools, const std::string& name) {
  return std::any_of(pools.begin(), pools.end(),
                     [&](const Pool& pool) { return pool.name == name; });
}

Pool pool_named(const std::string& wanted, const std::vector<Pool>& all) {
  const auto [name, version] = conformance::split_version(wanted);
  const std::string& its_name = name;  // clang 14 lets no lambda see a structured binding
  std::vector<std::string> names;
  for (const Pool& pool : all) names.push_back(pool.name);
  const auto found = std::find_if(all.begin(), all.end(), [&](const Pool& pool) {
    return pool.name == its_name || pool.name == as_registered(its_name);
  });
  if (found == all.end())
    throw UsageError("there is no pool `" + name + "`; " +
                     did_you_mean(name, names, "`poolproof pools` lists them"));
  if (!version) return *found;
  if (found->versions.empty())
    throw UsageError("`" + name + "` comes in the one version that is here; write `" + name +
                     "` without @" + *version);
  if (!conformance::is_version(*version))
    throw UsageError("`" + *version + "` is no version; write it as in `" + name + "@1.2.3`");
  return conformance::in_version(*found, *version);
}

constexpr std::array<std::string_view, 12> kInterpreters = {"python", "python3", "node", "nodejs",
                                                            "deno",   "bun",     "ruby", "java",
                                                            "sh",     "bash",    "perl", "env"};

bool is_interpreter(const std::string& program) {
  std::string name = fs::path(program).filename();
  while (!name.empty() &&
         (std::isdigit(static_cast<unsigned char>(name.back())) != 0 || name.back() == '.'))
    name.pop_back();  // python3.11
  return std::find(kInterpreters.begin(), kInterpreters.end(), name) != kInterpreters.end();
}

bool can_run(const fs::path& file) {
  std::error_code error;
  return fs::is_regular_file(file, error) && ::access(file.c_str(), X_OK) == 0;
}

// If a program does not exist, the file name in its folder that was perhaps meant.
std::string near_file(const fs::path& program) {
  std::error_code error;
  std::vector<std::string> names;
  const fs::path folder = program.parent_path().empty() ? fs::path(".") : program.parent_path();
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (can_run(at->path())) names.push_back(at->path().filename());
  const auto meant = conformance::nearest(program.filename(), names);
  return meant ? "did you mean `" + (program.parent_path() / *meant).string() + "`?"
               : "name the program that drives the pool";
}

}  // namespace

std::string did_you_mean(const std::string& word, const std::vector<std::string>& words,
                         const std::string& list) {
  const auto meant = conformance::nearest(word, words);
  return meant ? "did you mean `" + *meant + "`?" : list;
}

std::vector<Pool> all_pools(const Common& common) {
  try {
    return conformance::load_pools(common.pools, places_of(common));
  } catch (const conformance::PoolsError& error) {
    throw UsageError(error.what());
  }
}

std::vector<Scenario> all_scenarios(const Common& common) {
  try {
    return scenarios::load_scenarios(common.scenarios);
  } catch (const scenarios::ScenarioError& error) {
    throw UsageError(error.what());
  }
}

scenarios::Level level_of(const std::string& word) {
  const auto level = scenarios::parse_level(word);
  if (!level) throw UsageError("there is no level `" + word + "`; it is must, should or informs");
  return *level;
}

std::vector<Pool> chosen_pools(const Common& common, const std::vector<std::string>& wanted) {
  const auto all = all_pools(common);
  std::vector<Pool> chosen;
  if (wanted.empty())
    std::copy_if(all.begin(), all.end(), std::back_inserter(chosen),
                 [](const Pool& pool) { return !pool.broken(); });
  for (const std::string& name : wanted)
    if (!has(chosen, name)) chosen.push_back(pool_named(name, all));
  return chosen;
}

void demand_program(const std::vector<std::string>& command) {
  if (command.empty())
    throw UsageError(
        "after `--` comes the command that starts the adapter, as in `poolproof check "
        "-- ./my_adapter`");
  const fs::path program = command.front();
  if (program.has_parent_path()) {
    if (can_run(program)) return;
    std::error_code error;
    if (fs::exists(program, error))
      throw UsageError("`" + program.string() +
                       "` cannot be run; make it executable, or name its "
                       "interpreter before it");
    throw UsageError("there is no program `" + program.string() + "`; " + near_file(program));
  }
  const char* path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "/usr/bin:/bin");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (can_run(fs::path(folder.empty() ? "." : folder) / program)) return;
  if (can_run(program))
    throw UsageError("`" + program.string() + "` is not in PATH; did you mean `./" +
                     program.string() + "`?");
  throw UsageError("there is no program `" + program.string() + "` in PATH; " + near_file(program));
}

std::string name_of_command(const std::vector<std::string>& command) {
  std::string word = command.front();
  if (is_interpreter(word))
    for (std::size_t i = 1; i < command.size(); ++i)
      if (!command[i].empty() && command[i].front() != '-') {
        word = command[i];
        break;
      }
  const fs::path file = fs::path(word).filename();
  constexpr std::size_t kLongestSuffix = 4;  // ".py", ".mjs": "my.pool" keeps its name
  const std::string suffix = file.extension();
  return suffix.size() <= kLongestSuffix && !file.stem().empty() ? file.stem().string()
                                                                 : file.string();
}

Pool pool_of_command(const std::vector<std::string>& command, const std::string& as,
                     const std::vector<Pool>& taken) {
  demand_program(command);
  Pool pool;
  pool.name = as.empty() ? name_of_command(command) : as;
  if (as.empty())  // a file may have the same name as a registered pool
    while (has(taken, pool.name)) pool.name = "./" + pool.name;
  if (has(taken, pool.name))
    throw UsageError("there is a pool `" + pool.name +
                     "` beside it; choose another name with --as");
  pool.command = command;
  pool.about = "the adapter given on the command line";
  return pool;
}

std::vector<Scenario> chosen_scenarios(const Common& common,
                                       const std::vector<std::string>& patterns) {
  std::vector<Scenario> chosen;
  std::vector<std::string> names;
  std::set<std::string> useful;  // patterns
  for (const Scenario& scenario : all_scenarios(common)) {
    names.push_back(scenario.name);
    bool matches = false;
    for (const std::string& pattern : patterns) {
      if (!scenarios::matches(pattern, scenario.name)) continue;
      matches = true;
      useful.insert(pattern);
    }
    if (matches) chosen.push_back(scenario);
  }
  for (const std::string& pattern : patterns)
    if (useful.count(pattern) == 0 && pattern.find_first_of("*?") == std::string::npos)
      throw UsageError("there is no scenario `" + pattern + "`; " +
                       did_you_mean(pattern, names, "`poolproof scenarios` lists them"));
  return chosen;
}

}  // namespace poolproof::cli
