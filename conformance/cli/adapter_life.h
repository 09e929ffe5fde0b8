// What a pool may be able to do with its workers' lives: initialize, replace and resize them. Does
// the adapter do what it says that it can, and refuse what it says that it cannot?
#pragma once

#include "conformance/cli/interview.h"

namespace poolproof::cli {

// With no pool open: what `hello` does not name is refused, and so is nonsense in what it names.
void refuse_lives(Interview& talk);

// With no pool open, and none left open: one is opened with all that `hello` names. `how` closes
// it.
void try_life(Interview& talk, const std::string& how);

}  // namespace poolproof::cli
