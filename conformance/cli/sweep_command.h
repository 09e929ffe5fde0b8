// `poolproof sweep POOL`: strikes its workers at each of their calls.
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
  std::string at;                                                       // only this call
  std::string budget;                                                   // "60s"
  std::string level = "must";
  // More than one for each core, because they mostly wait.
  int jobs = 2 * std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  int repeat = 1;
  int measured = 0;
  bool anew = false;
  std::filesystem::path out;      // empty: poolproof-out/sweep-POOL
  std::vector<std::string> argv;  // recorded
};

const CLI::App* add_sweep(CLI::App& app, Common& common, SweepArguments& arguments);

int sweep(const Common& common, const SweepArguments& arguments);

}  // namespace poolproof::cli
