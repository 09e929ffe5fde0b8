// The command that repeats a cell.
#pragma once

#include <string>
#include <string_view>

#include "reports/console.h"

namespace poolproof::reports {

// "poolproof check POOL --scenario NAME --repeat 3", as a shell takes it; with the places that the
// look has. Of a sweep's cell ("sweep/WORKLOAD/CALL@MOMENT:EFFECT") the `sweep` that strikes there.
// What a pool or a file said in it is not yet `escaped`.
std::string replay_line(const std::string& pool, const std::string& scenario, const Look& look);

std::string shell_word(std::string_view text);  // what is not plainly a word is quoted

}  // namespace poolproof::reports
