// The command that repeats a cell.
#pragma once

#include <string>
#include <string_view>

#include "reports/console.h"

namespace poolproof::reports {

// "poolproof check POOL --scenario NAME --repeat 3", as a shell accepts it, with the places of the
// look. For the cell of a sweep ("sweep/WORKLOAD/CALL@MOMENT:EFFECT"), the `sweep` that strikes
// there. Text of a pool or a file in it is not yet `escaped`.
std::string replay_line(const std::string& pool, const std::string& scenario, const Look& look);

std::string shell_word(std::string_view text);  // quoted unless it is a plain word

}  // namespace poolproof::reports
