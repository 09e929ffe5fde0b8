// A record that an earlier sweep left, complete or cut off: which part of it is still valid, and
// what remains to be done. Pure.
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
  std::vector<Observation> lines;               // without the lines of runs that were cut off
  std::map<std::string, CellVerdict> verdicts;  // by scenario, for the cells that are still valid
  // The pool that was swept; empty: not the record of a sweep.
  std::string pool;
  nlohmann::json facts;  // of that pool
};

// A cell is valid if its last attempt ended and the harness was not at fault.
Earlier earlier_of(const std::vector<Observation>& record);

// What was learnt from the recorded runs of this workload, if all of them are valid.
std::optional<Recording> recording_in(const Earlier& earlier, const Workload& workload,
                                      const scenarios::PoolFacts& facts, int runs);

}  // namespace poolproof::conformance::sweep
