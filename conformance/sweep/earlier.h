// A record that a sweep left behind, whole or cut off: what of it stands, and what is still to do.
// Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "conformance/judge/verdict.h"
#include "conformance/record/observation.h"
#include "conformance/sweep/labels.h"
#include "conformance/sweep/workload.h"

namespace poolproof::conformance::sweep {

struct Earlier {
  std::vector<Observation> lines;               // without what belongs to runs that were cut off
  std::map<std::string, CellVerdict> verdicts;  // by scenario, of the cells that stand
  std::string pool;                             // whose sweep it is; empty: no sweep's record
  nlohmann::json facts;                         // of that pool
};

// A cell stands if its last attempt ended and the harness was not at fault.
Earlier earlier_of(const std::vector<Observation>& record);

// What the recorded runs of this workload taught, if all of them stand.
std::optional<Recording> recording_in(const Earlier& earlier, const Workload& workload,
                                      const scenarios::PoolFacts& facts, int runs);

}  // namespace poolproof::conformance::sweep
