#include "conformance/cli/commands.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "conformance/cli/choose.h"
#include "conformance/cli/home.h"
#include "conformance/cli/report_command.h"
#include "conformance/cli/watch.h"
#include "conformance/judge/oracle.h"
#include "conformance/record/record.h"
#include "conformance/run/pools.h"
#include "reports/console.h"
#include "reports/json.h"
#include "scenarios/scenario.h"

namespace poolproof::cli {

namespace fs = std::filesystem;
using conformance::CellVerdict;
using conformance::Pool;
using scenarios::Scenario;

std::optional<std::string> nearest_word(const std::string& word,
                                        const std::vector<std::string>& words) {
  return conformance::nearest(word, words);
}

Common default_places() {
  const Home home = find_home();
  return {home.scenarios, home.adapters / "pools.toml"};
}

int list_pools(const Common& common) {
  const auto pools = all_pools(common);
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

int list_scenarios(const Common& common, const std::vector<std::string>& patterns) {
  const auto scenarios = chosen_scenarios(common, patterns);
  if (common.json) {
    print_json(scenarios);
    return 0;
  }
  for (const Scenario& scenario : scenarios)
    std::cout << scenario.name << "\n    " << scenario.claim << "\n";
  return 0;
}

int judge(const Common& common, const fs::path& events, const std::string& level_word) {
  const scenarios::Level level = level_of(level_word);
  if (!fs::is_regular_file(events))
    throw UsageError("there is no file `" + events.string() +
                     "`; `poolproof check --out DIR` writes DIR/events.ndjson");
  conformance::RecordJudge judge;
  const std::string cut_off = conformance::for_each_line(
      events, [&](conformance::Observation line) { judge.take(std::move(line)); });
  const std::vector<CellVerdict> cells = judge.finish();
  const int status = conformance::exit_status(cells, level, cut_off.empty());
  if (common.json) {
    print_json({{"cells", reports::to_json(cells)}, {"cut_off", cut_off}, {"exit", status}});
    return status;
  }
  const reports::Look look = look_of(STDOUT_FILENO, common);
  for (const CellVerdict& cell : cells) std::cout << reports::surprise(cell, look);
  std::cout << reports::matrix(cells, look);
  if (!cut_off.empty()) std::cout << "The record was cut off: " << cut_off << "\n";
  return status;
}

int report(const Common& common, const ReportArguments& arguments) {
  return write_reports(arguments, look_of(STDOUT_FILENO, common));
}

}  // namespace poolproof::cli
