// What a worker was about when it made a call, told afterwards from the order of its calls and of
// the bodies that it ran. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "faults/call_strike.h"

namespace poolproof::conformance::sweep {

enum class Phase {
  kSpawn,    // it is no worker yet: what it comes of has not called exec
  kInit,     // up to the first time that it looks for a task
  kFetch,    // the task is read
  kDecode,   // from there to the task's body
  kRun,      // in the body
  kEncode,   // from the body's end to the first word of the result
  kSend,     // the result is written
  kIdle,     // it waits for what comes next
  kRecycle,  // from the end of its last task to its exit, though the pool was not told to close
  kShutdown,
};

// The phase of each of one worker's calls, which are given in the order in which they were made.
std::vector<Phase> phases_of(const std::vector<faults::CallLabel>& calls);

const std::vector<Phase>& all_phases();  // in the order of a worker's life
std::string to_string(Phase phase);      // "fetch"
std::optional<Phase> parse_phase(std::string_view text);

}  // namespace poolproof::conformance::sweep
