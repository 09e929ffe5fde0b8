// A sweep as text for people and as JSON for machines. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "conformance/sweep/tally.h"
#include "reports/console.h"

namespace poolproof::cli {

// The command that strikes only at this point.
std::string again_line(const std::string& pool, const conformance::sweep::Point& point,
                       const reports::Look& look);

// One line for a point that failed, printed when it happens; empty for all others.
std::string sweep_surprise(const conformance::CellVerdict& cell, const reports::Look& look);

// The summary: outcomes by phase, coverage, points that never fired, failures with their replay
// lines, and the speed.
std::string sweep_summary(const conformance::sweep::Swept& swept, const std::string& pool,
                          const reports::Look& look);

nlohmann::json sweep_json(const conformance::sweep::Swept& swept, const std::string& pool,
                          const reports::Look& look);

}  // namespace poolproof::cli
