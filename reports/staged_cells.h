// Cells for the reports' tests: three pools, ten scenarios, with results that such pools really
// gave.
#pragma once

#include <string>
#include <vector>

#include "conformance/judge/verdict.h"

namespace poolproof::reports::staged {

conformance::CellVerdict cell(const std::string& pool, const std::string& scenario,
                              conformance::Status status);
conformance::CellVerdict hung_cell();  // multiprocessing_pool, killed while running, 3 of 3
std::vector<conformance::CellVerdict> three_pools();

std::vector<std::string> lines_of(const std::string& text);

}  // namespace poolproof::reports::staged
