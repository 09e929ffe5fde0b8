// What a pool may be able to do with its workers: initialize, replace and resize them. Does the
// adapter do what it declares, and refuse what it does not declare?
#pragma once

#include "conformance/cli/interview.h"

namespace poolproof::cli {

// With no pool open: the adapter must refuse what `hello` does not declare, and also invalid values
// for what it declares.
void refuse_lives(Interview& talk);

// With no pool open before and after: opens one with everything that `hello` declares. `how` closes
// it.
void try_life(Interview& talk, const std::string& how);

}  // namespace poolproof::cli
