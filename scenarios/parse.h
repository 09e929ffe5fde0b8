// The parts of the parser, in the order in which they run. Each reads one part of the file, checks
// it against the parts before it, and throws ScenarioError. parse_scenario calls them (scenario.h).
#pragma once

#include "scenarios/scenario.h"
#include "scenarios/toml_section.h"

namespace poolproof::scenarios {

void parse_tasks(const Section& file, Scenario& scenario);         // [task.ROLE]
void parse_faults(const Section& file, Scenario& scenario);        // fault = [...]; uses the tasks
void parse_close(const Section& file, Scenario& scenario);         // close; uses the faults
void parse_expectations(const Section& file, Scenario& scenario);  // [expect...]; uses all of them

bool strikes_parent(const Scenario& scenario);

}  // namespace poolproof::scenarios
