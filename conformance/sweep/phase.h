// What a worker was doing when it made a call. Derived afterwards from the order of its calls and
// of the bodies that it ran. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "faults/call_strike.h"

namespace poolproof::conformance::sweep {

enum class Phase {
  kSpawn,    // it is not a worker yet: its process has not called exec
  kInit,     // until it looks for a task for the first time
  kFetch,    // the task is read
  kDecode,   // from the read task to its body
  kRun,      // in the body
  kEncode,   // from the end of the body to the first byte of the result
  kSend,     // the result is written
  kIdle,     // it waits for the next message
  kRecycle,  // from the end of its last task to its exit, although the pool was not told to close
  kShutdown,
};

// The phase of each call of one worker; the calls are given in the order in which they were made.
std::vector<Phase> phases_of(const std::vector<faults::CallLabel>& calls);

const std::vector<Phase>& all_phases();  // in the order of a worker's life
std::string to_string(Phase phase);      // "fetch"
std::optional<Phase> parse_phase(std::string_view text);

}  // namespace poolproof::conformance::sweep
