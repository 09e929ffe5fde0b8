// `check`: runs every matched scenario on every named pool, writes a record, and judges only that
// record.
#pragma once

#include <vector>

#include "conformance/run/pools.h"
#include "conformance/run/session.h"
#include "scenarios/scenario.h"

namespace poolproof::conformance {

struct CheckOptions {
  std::vector<Pool> pools;
  std::vector<scenarios::Scenario> scenarios;  // the scenarios that matched
  SessionOptions session;
};

// Throws RecordError, faults::CageError (no cage at all), std::filesystem::filesystem_error.
Checked check(const CheckOptions& options, const CheckHooks& hooks);

}  // namespace poolproof::conformance
