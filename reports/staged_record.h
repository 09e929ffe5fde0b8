// A record for the tests, line by line: one attempt in which a worker is killed and its task never
// settles. The adapter is process 10; worker 21 is struck.
#pragma once

#include <string>

#include "reports/placed.h"

namespace poolproof::reports::staged {

conformance::Observation line(const std::string& kind, nlohmann::json fields, double at_ms);
std::vector<conformance::Observation> hung_attempt();

// `hung_attempt`, with the verdict hung_cell(), and the record's lines before it.
Judged hung_record();

}  // namespace poolproof::reports::staged
