// The parts of the parser, in the order in which they run. Each reads one part of the file, checks
// it against the parts before it, and throws ScenarioError. The way in is parse_scenario
// (scenario.h).
#pragma once

#include "scenarios/scenario.h"
#include "scenarios/toml_section.h"

namespace poolproof::scenarios {

void parse_tasks(const Section& file, Scenario& scenario);         // [task.ROLE]
void parse_faults(const Section& file, Scenario& scenario);        // fault = [...]; knows the tasks
void parse_close(const Section& file, Scenario& scenario);         // close; knows the faults
void parse_expectations(const Section& file, Scenario& scenario);  // [expect...]; knows them all

bool strikes_parent(const Scenario& scenario);

}  // namespace poolproof::scenarios
