// A sweep for people and for machines. Pure: text and JSON out of what was swept.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "conformance/sweep/tally.h"
#include "reports/console.h"

namespace poolproof::cli {

// The command that strikes at this point alone.
std::string again_line(const std::string& pool, const conformance::sweep::Point& point,
                       const reports::Look& look);

// One line for a point that failed, as it happens; empty for all others.
std::string sweep_surprise(const conformance::CellVerdict& cell, const reports::Look& look);

// The end of it: outcomes by phase, coverage, what never fired, the failures with their replay
// lines, and how fast it went.
std::string sweep_summary(const conformance::sweep::Swept& swept, const std::string& pool,
                          const reports::Look& look);

nlohmann::json sweep_json(const conformance::sweep::Swept& swept, const std::string& pool,
                          const reports::Look& look);

}  // namespace poolproof::cli
