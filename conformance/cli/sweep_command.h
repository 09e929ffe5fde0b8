// `poolproof sweep POOL`: strike its workers at every call of theirs.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "conformance/cli/commands.h"

namespace CLI {
class App;
}

namespace poolproof::cli {

struct SweepArguments {
  std::string pool;
  std::vector<std::string> workloads, effects, phases, roles, moments;  // empty: all; the usual
  std::string at;                                                       // one call alone
  std::string budget;                                                   // "60s"
  std::string level = "must";
  int jobs = 2 * std::max(1, static_cast<int>(std::thread::hardware_concurrency()));  // they wait
  int repeat = 1;
  int measured = 0;
  bool anew = false;
  std::filesystem::path out;      // empty: poolproof-out/sweep-POOL
  std::vector<std::string> argv;  // recorded
};

const CLI::App* add_sweep(CLI::App& app, Common& common, SweepArguments& arguments);

int sweep(const Common& common, const SweepArguments& arguments);

}  // namespace poolproof::cli
