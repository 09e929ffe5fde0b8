// Does what a pool tells of a death contradict what the kernel recorded of it? Silence never does,
// nor does what the record cannot show: a lie is convicted, a doubt is not (L15).
#pragma once

#include <optional>
#include <string>

#include "conformance/judge/obstacle.h"

namespace poolproof::conformance::judging {

// Each gives the truth, in words, if what was told is a lie; nothing otherwise.
std::optional<std::string> lie_in_cause(const Trial& trial, const TaskHistory& task,
                                        const Settled& settled);
std::optional<std::string> lie_in_blame(const Trial& trial, const TaskHistory& task,
                                        const Settled& settled);
std::optional<std::string> lie_in_certainty(const TaskHistory& task, const Settled& settled);

// The processes that a fault struck for this task; if none for it alone, all that were struck.
std::vector<ProcessId> struck_for(const Trial& trial, const TaskHistory& task);
std::vector<ProcessId> all_struck(const Trial& trial);

}  // namespace poolproof::conformance::judging
