// `poolproof explain SCENARIO`: what it claims, why, where the claim comes from, what it does, and
// how to meet it.
#pragma once

#include <string>

#include "conformance/cli/commands.h"

namespace poolproof::cli {

int explain(const Common& common, const std::string& name);

}  // namespace poolproof::cli
