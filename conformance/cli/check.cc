// `poolproof check`. Declared in commands.h.
#include "conformance/run/check.h"

#include <fmt/format.h>
#include <unistd.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "conformance/cli/choose.h"
#include "conformance/cli/commands.h"
#include "conformance/cli/home.h"
#include "conformance/cli/report_command.h"
#include "conformance/cli/watch.h"
#include "conformance/judge/oracle.h"
#include "reports/json.h"

namespace poolproof::cli {
namespace {

namespace fs = std::filesystem;
using conformance::CellVerdict;
using conformance::Pool;

// The named pools, and the pool of a command after `--`; only that one if no pool is named.
std::vector<Pool> pools_of(const Common& common, const CheckArguments& arguments) {
  std::vector<Pool> pools;
  if (!arguments.command || !arguments.pools.empty()) pools = chosen_pools(common, arguments.pools);
  if (arguments.command) {
    pools.push_back(pool_of_command(*arguments.command, arguments.as, pools));
  } else if (!arguments.as.empty()) {
    throw UsageError("--as names the pool of a command; give that command after `--`");
  }
  return pools;
}

}  // namespace

void demand_folder(const fs::path& out) {
  std::error_code refused;
  fs::create_directories(out, refused);
  if (refused)
    throw UsageError("cannot make the folder `" + out.string() + "`: " + refused.message() +
                     "; name another one with --out");
}

int check(const Common& common, const CheckArguments& arguments) {
  const scenarios::Level level = level_of(arguments.level);
  conformance::CheckOptions options;
  options.scenarios = chosen_scenarios(common, arguments.scenarios);
  demand_folder(arguments.out);
  options.session = {.jobs = arguments.jobs,
                     .repeat = arguments.repeat,
                     .level = level,
                     .out = arguments.out,
                     .cage_program = find_home().programs / "poolproof_cage",
                     .argv = arguments.argv,
                     .stop_fd = stop_descriptor()};
  options.pools = pools_of(common, arguments);

  reports::Look look = look_of(STDOUT_FILENO, common);
  if (arguments.command) {
    std::vector<std::string>& ending = look.commands[options.pools.back().name];
    if (!arguments.as.empty()) ending = {"--as", arguments.as};
    ending.push_back("--");
    ending.insert(ending.end(), arguments.command->begin(), arguments.command->end());
  }
  Progress progress(common);
  conformance::CheckHooks hooks;
  hooks.asks = [&](const std::string& pool) { progress.asks(pool); };
  hooks.begins = [&](int done, int total, const std::string& pool, const std::string& scenario,
                     int attempt) { progress.begins(done, total, pool, scenario, attempt); };
  hooks.cell = [&](const CellVerdict& cell) {
    progress.ends(cell.pool, cell.scenario);
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
    return leave_reports(status, arguments.out, level, look, false);
  }
  std::cout << reports::matrix(checked.cells, look);
  if (options.scenarios.empty())
    std::cout << "No scenario matches `"
              << fmt::format("{}", fmt::join(arguments.scenarios, "`, `"))
              << "`; `poolproof scenarios` lists them.\n";
  if (checked.interrupted) std::cout << "Interrupted: the matrix is partial.\n";
  return leave_reports(status, arguments.out, level, look, true);
}

}  // namespace poolproof::cli
