// `poolproof explain SCENARIO`: what is claimed, why, whence, what is done, and how to meet it.
#pragma once

#include <string>

#include "conformance/cli/commands.h"

namespace poolproof::cli {

int explain(const Common& common, const std::string& name);

}  // namespace poolproof::cli
