// The evidence for a verdict: sentences from the record, each number with its unit.
#pragma once

#include <string>
#include <vector>

#include "conformance/judge/obstacle.h"

namespace poolproof::conformance::judging {

// The receipts; each death after the first strike, and whether the pool reported it; the open
// futures; whether anything still ran; what each thread of each process waits for; the last lines
// of stderr if the program itself died. If `failed` is false: only receipts and deaths.
std::vector<std::string> evidence_of(const Trial& trial, bool failed);

// The last lines of the adapter's stderr, in one line; empty if it wrote nothing.
std::string last_words(const History& history);

}  // namespace poolproof::conformance::judging
