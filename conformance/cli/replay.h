// `poolproof replay [EVENTS] POOL:SCENARIO`: is the verdict the same today?
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "conformance/cli/commands.h"

namespace poolproof::cli {

struct ReplayArguments {
  std::vector<std::string> words;               // RUN, or EVENTS and RUN
  std::filesystem::path out = "poolproof-out";  // its events.ndjson is read; the new record goes
                                                // into its folder `replay`
  int repeat = 3;
  std::vector<std::string> argv;  // recorded
};

// 0: the same verdict, whatever it is; 1: another one; 3: the replay is inconclusive; 130.
int replay(const Common& common, const ReplayArguments& arguments);

}  // namespace poolproof::cli
