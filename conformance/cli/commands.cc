#include "conformance/cli/commands.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>

#include "conformance/check.h"
#include "conformance/cli/home.h"
#include "conformance/cli/report_command.h"
#include "conformance/oracle.h"
#include "conformance/pools.h"
#include "conformance/record.h"
#include "reports/console.h"
#include "reports/json.h"
#include "scenarios/scenario.h"

namespace poolproof::cli {
namespace {

namespace fs = std::filesystem;
using conformance::CellVerdict;
using conformance::Pool;
using scenarios::Scenario;

conformance::Places places_of(const Common& common) {
  const Home home = find_home();
  return {home.python, common.pools.parent_path(), home.programs};
}

std::vector<Pool> pools_of(const Common& common) {
  try {
    return conformance::load_pools(common.pools, places_of(common));
  } catch (const conformance::PoolsError& error) {
    throw UsageError(error.what());
  }
}

std::vector<Scenario> scenarios_of(const Common& common) {
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

std::string did_you_mean(const std::string& word, const std::vector<std::string>& words,
                         const char* list) {
  const auto meant = nearest_word(word, words);
  return meant ? "did you mean `" + *meant + "`?"
               : "`poolproof " + std::string(list) + "` lists them";
}

std::vector<Pool> chosen_pools(const Common& common, const std::vector<std::string>& wanted) {
  const auto all = pools_of(common);
  std::vector<Pool> chosen;
  std::vector<std::string> names;
  for (const Pool& pool : all) {
    names.push_back(pool.name);
    if (wanted.empty() && !pool.broken()) chosen.push_back(pool);
  }
  for (const std::string& name : wanted) {
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const Pool& pool) { return pool.name == name; });
    if (found == all.end())
      throw UsageError("there is no pool `" + name + "`; " + did_you_mean(name, names, "pools"));
    const bool twice = std::any_of(chosen.begin(), chosen.end(),
                                   [&](const Pool& pool) { return pool.name == name; });
    if (!twice) chosen.push_back(*found);
  }
  return chosen;
}

std::vector<Scenario> chosen_scenarios(const Common& common, const std::string& glob) {
  const auto all = scenarios_of(common);
  std::vector<Scenario> chosen;
  std::vector<std::string> names;
  for (const Scenario& scenario : all) {
    names.push_back(scenario.name);
    if (scenarios::matches(glob, scenario.name)) chosen.push_back(scenario);
  }
  // A pattern that matches nothing is an answer (exit 3); a plain name that does not exist is a
  // slip.
  if (chosen.empty() && glob.find_first_of("*?") == std::string::npos)
    throw UsageError("there is no scenario `" + glob + "`; " +
                     did_you_mean(glob, names, "scenarios"));
  return chosen;
}

reports::Look look_of(int fd, const Common& common) {
  reports::Look look;
  look.colour = ::isatty(fd) == 1 && std::getenv("NO_COLOR") == nullptr;
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) look.columns = size.ws_col;
  if (::isatty(fd) != 1) look.columns = 120;
  look.command = common.called_as;
  const Common usual = default_places();
  if (common.scenarios != usual.scenarios) look.places = {"--scenarios", common.scenarios.string()};
  if (common.pools != usual.pools)
    look.places.insert(look.places.end(), {"--pools", common.pools.string()});
  return look;
}

// Ctrl-C and SIGTERM become a readable descriptor; everything else stays in order.
int stop_pipe[2] = {-1, -1};

void on_stop(int) {
  const char byte = 1;
  [[maybe_unused]] const ssize_t written = ::write(stop_pipe[1], &byte, 1);
}

int stop_descriptor() {
  if (::pipe2(stop_pipe, O_CLOEXEC | O_NONBLOCK) != 0) throw std::runtime_error("pipe2 failed");
  struct sigaction action {};
  action.sa_handler = on_stop;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  return stop_pipe[0];
}

// The live line, on stderr: overwritten on a terminal, one line per cell elsewhere.
class Progress {
 public:
  explicit Progress(const Common& common) : look_(look_of(STDERR_FILENO, common)) {}
  void begins(int done, int total, const std::string& pool, const std::string& scenario,
              int attempt) {
    const std::string text = reports::progress(done, total, pool, scenario, attempt, look_);
    std::cerr << (terminal_ ? "\r\033[K" : "") << text << (terminal_ ? "" : "\n") << std::flush;
  }
  void clear() {
    if (terminal_) std::cerr << "\r\033[K" << std::flush;
  }

 private:
  bool terminal_ = ::isatty(STDERR_FILENO) == 1;
  reports::Look look_;
};

void print_json(const nlohmann::json& value) {
  std::cout << value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
}

}  // namespace

std::optional<std::string> nearest_word(const std::string& word,
                                        const std::vector<std::string>& words) {
  return conformance::nearest(word, words);
}

Common default_places() {
  const Home home = find_home();
  return {home.scenarios, home.adapters / "pools.toml"};
}

int list_pools(const Common& common) {
  const auto pools = pools_of(common);
  if (common.json) {
    nlohmann::json list = nlohmann::json::array();
    for (const Pool& pool : pools) {
      nlohmann::json entry = {{"name", pool.name},
                              {"about", pool.about},
                              {"install", pool.install},
                              {"command", pool.command},
                              {"broken", pool.broken()}};
      if (pool.defect)
        entry["defect"] = {{"scenario", pool.defect->scenario},
                           {"part", pool.defect->part},
                           {"status", pool.defect->status}};
      list.push_back(std::move(entry));
    }
    print_json(list);
    return 0;
  }
  std::size_t width = 0;
  for (const Pool& pool : pools) width = std::max(width, pool.name.size());
  bool broken = false;
  for (const Pool& pool : pools) {
    if (pool.broken() && !broken)
      std::cout << "\nBroken on purpose; each must be convicted of its one defect:\n";
    broken = pool.broken();
    std::cout << pool.name << std::string(width + 2 - pool.name.size(), ' ') << pool.about << "\n";
  }
  return 0;
}

int list_scenarios(const Common& common, const std::string& glob) {
  const auto scenarios = chosen_scenarios(common, glob);
  if (common.json) {
    print_json(scenarios);
    return 0;
  }
  for (const Scenario& scenario : scenarios)
    std::cout << scenario.name << "\n    " << scenario.claim << "\n";
  return 0;
}

int check(const Common& common, const CheckArguments& arguments) {
  const scenarios::Level level = level_of(arguments.level);
  conformance::CheckOptions options;
  options.pools = chosen_pools(common, arguments.pools);
  options.scenarios = chosen_scenarios(common, arguments.scenario);
  options.repeat = arguments.repeat;
  options.level = level;
  options.out = arguments.out;
  options.cage_program = find_home().programs / "poolproof_cage";
  options.argv = arguments.argv;
  options.stop_fd = stop_descriptor();

  std::error_code refused;
  fs::create_directories(options.out, refused);
  if (refused)
    throw UsageError("cannot make the folder `" + options.out.string() + "`: " + refused.message() +
                     "; name another one with --out");

  const reports::Look look = look_of(STDOUT_FILENO, common);
  Progress progress(common);
  conformance::CheckHooks hooks;
  hooks.begins = [&](int done, int total, const std::string& pool, const std::string& scenario,
                     int attempt) { progress.begins(done, total, pool, scenario, attempt); };
  hooks.cell = [&](const CellVerdict& cell) {
    const std::string text = reports::surprise(cell, look);
    if (text.empty() || common.json) return;
    progress.clear();
    std::cout << text << std::flush;
  };
  const conformance::Checked checked = conformance::check(options, hooks);
  progress.clear();
  const int status =
      checked.interrupted ? kInterrupted : conformance::exit_status(checked.cells, level, true);
  if (common.json) {
    print_json({{"cells", reports::to_json(checked.cells)},
                {"interrupted", checked.interrupted},
                {"exit", status}});
    return leave_reports(status, options.out, level, look, false);
  }
  std::cout << reports::matrix(checked.cells, look);
  if (options.scenarios.empty())
    std::cout << "No scenario matches `" << arguments.scenario
              << "`; `poolproof scenarios` lists them.\n";
  if (checked.interrupted) std::cout << "Interrupted: the matrix is partial.\n";
  return leave_reports(status, options.out, level, look, true);
}

int judge(const Common& common, const fs::path& events, const std::string& level_word) {
  const scenarios::Level level = level_of(level_word);
  if (!fs::is_regular_file(events))
    throw UsageError("there is no file `" + events.string() +
                     "`; `poolproof check --out DIR` writes DIR/events.ndjson");
  const conformance::Record record = conformance::read_record(events);
  const auto cells = conformance::judge_record(record.observations);
  const int status = conformance::exit_status(cells, level, record.whole);
  if (common.json) {
    print_json({{"cells", reports::to_json(cells)}, {"cut_off", record.cut_off}, {"exit", status}});
    return status;
  }
  const reports::Look look = look_of(STDOUT_FILENO, common);
  for (const CellVerdict& cell : cells) std::cout << reports::surprise(cell, look);
  std::cout << reports::matrix(cells, look);
  if (!record.whole) std::cout << "The record was cut off: " << record.cut_off << "\n";
  return status;
}

int report(const Common& common, const ReportArguments& arguments) {
  return write_reports(arguments, look_of(STDOUT_FILENO, common));
}

}  // namespace poolproof::cli
