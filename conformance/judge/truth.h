// Does what a pool reports about a death contradict the kernel's record? A missing report never
// contradicts it, and neither does a report that the record cannot check: a lie is convicted, a
// doubt is not (L15).
#pragma once

#include <optional>
#include <string>

#include "conformance/judge/obstacle.h"

namespace poolproof::conformance::judging {

// Each function returns the truth as text if the report is false; nullopt otherwise.
std::optional<std::string> lie_in_cause(const Trial& trial, const TaskHistory& task,
                                        const Settled& settled);
std::optional<std::string> lie_in_blame(const Trial& trial, const TaskHistory& task,
                                        const Settled& settled);
std::optional<std::string> lie_in_certainty(const TaskHistory& task, const Settled& settled);

// The processes that a fault struck for this task; if none was struck for it alone, all that were
// struck.
std::vector<ProcessId> struck_for(const Trial& trial, const TaskHistory& task);
std::vector<ProcessId> all_struck(const Trial& trial);

}  // namespace poolproof::conformance::judging
