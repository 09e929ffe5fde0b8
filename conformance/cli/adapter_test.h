// `poolproof adapter test COMMAND`: does an adapter speak the protocol? Prints what is wrong.
#pragma once

#include <string>
#include <vector>

#include "conformance/cli/commands.h"

namespace poolproof::cli {

// 0: nothing is wrong; 1: findings, one on each line; 2: usage; 3: its pool is not installed; 130:
// interrupted.
int adapter_test(const Common& common, const std::vector<std::string>& command);

}  // namespace poolproof::cli
