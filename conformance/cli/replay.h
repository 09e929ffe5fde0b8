// `poolproof replay [EVENTS] POOL:SCENARIO`: is the verdict still the same?
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "conformance/cli/commands.h"

namespace poolproof::cli {

struct ReplayArguments {
  std::vector<std::string> words;  // RUN, or EVENTS and RUN
  // Its events.ndjson is read; the new record goes to its folder `replay`.
  std::filesystem::path out = "poolproof-out";
  int repeat = 3;
  std::vector<std::string> argv;  // recorded
};

// 0: the same verdict, whatever it is; 1: a different one; 3: the replay is inconclusive; 130:
// interrupted.
int replay(const Common& common, const ReplayArguments& arguments);

}  // namespace poolproof::cli
