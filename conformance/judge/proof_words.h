// How a hang proof of the record is told in the evidence.
#pragma once

#include <string>
#include <vector>

#include "conformance/judge/history.h"

namespace poolproof::conformance::judging {

// Of a step that was proved hung: that it was, what the proof found (an orphaned lock, a message
// read by half ...), and for each thread who alone could wake it. Of another: why there is no
// proof. Nothing if none was asked for.
std::vector<std::string> words_of_proof(const History& history);

}  // namespace poolproof::conformance::judging
