// How a pool can meet a scenario's claim: what pools do that meet it.
#pragma once

#include <string>
#include <vector>

#include "scenarios/scenario.h"

namespace poolproof::cli {

// Sentences, the most relevant first; never empty. They depend on what the scenario does, so a new
// scenario gets advice too.
std::vector<std::string> advice_for(const scenarios::Scenario& scenario);

}  // namespace poolproof::cli
