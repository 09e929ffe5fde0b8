// Verdicts for machines (`--json`). The keys are stable: keys may be added, but never renamed.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "conformance/judge/verdict.h"

namespace poolproof::reports {

// A list of cells: {pool, scenario, status, weight, why, rate, parts, attempts}. An
// attempt: {attempt, status, why, parts, evidence, detect_ns or null}. A part: {name, status,
// level, expected, got}. Strings are as the pool sent them: dump() with error_handler_t::replace.
nlohmann::json to_json(const std::vector<conformance::CellVerdict>& cells);
nlohmann::json attempt_json(const conformance::AttemptVerdict& attempt);

std::string to_string(conformance::Weight weight);

}  // namespace poolproof::reports
