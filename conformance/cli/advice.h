// How a pool can meet a scenario's claim: what those pools do that meet it.
#pragma once

#include <string>
#include <vector>

#include "scenarios/scenario.h"

namespace poolproof::cli {

// Sentences, the most to the point first; never empty. Told by what the scenario does, so that a
// new scenario has its advice too.
std::vector<std::string> advice_for(const scenarios::Scenario& scenario);

}  // namespace poolproof::cli
