// `check`: every matched scenario on every named pool, into a record, and judged from that record
// alone.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "conformance/oracle.h"
#include "conformance/pools.h"
#include "conformance/run.h"
#include "scenarios/scenario.h"

namespace poolproof::conformance {

struct CheckOptions {
  std::vector<Pool> pools;
  std::vector<scenarios::Scenario> scenarios;  // those that matched
  int repeat = 3;                              // attempts of a failing cell
  scenarios::Level level =
      scenarios::Level::kMust;  // recorded; what counts as failing is the caller's
  std::filesystem::path out;    // folder for events.ndjson; made if absent
  std::filesystem::path cage_program;
  std::vector<std::string> argv;  // recorded
  int stop_fd = -1;               // readable: interrupted
};

// What the one who watches is told, from the calling thread.
struct CheckHooks {
  std::function<void(int done, int total, const std::string& pool, const std::string& scenario,
                     int attempt)>
      begins;
  std::function<void(const CellVerdict&)> cell;
};

struct Checked {
  std::vector<CellVerdict> cells;
  bool interrupted = false;
};

// Throws RecordError, faults::CageError (no cage at all), std::filesystem::filesystem_error.
Checked check(const CheckOptions& options, const CheckHooks& hooks);

}  // namespace poolproof::conformance
