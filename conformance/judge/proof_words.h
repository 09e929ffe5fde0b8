// How the evidence describes a hang proof of the record.
#pragma once

#include <string>
#include <vector>

#include "conformance/judge/history.h"

namespace poolproof::conformance::judging {

// For a step that was proved hung: that it was, what the proof found (an orphaned lock, a message
// that was read only in part ...), and for each thread which processes alone could wake it. For
// another step: why there is no proof. Empty if no proof was requested.
std::vector<std::string> words_of_proof(const History& history);

}  // namespace poolproof::conformance::judging
