// What one process may still take, by prlimit(2). Only the soft limit is moved, so that it can be
// given back by whoever has no privilege.
#pragma once

#include <functional>
#include <string>

#include "faults/cage/proc.h"

namespace poolproof::faults {

struct ProcessLimit {
  std::string by;        // "RLIMIT_AS"
  long long amount = 0;  // bytes, or a number of descriptors or processes
  std::function<void()> undo;
};

// `what`: address-space, data, files, file-size or processes. With `room` some more than it has
// now, else nothing more. Throws CallFailed, or std::runtime_error for a kind that is none.
ProcessLimit limit_one_process(const Identity& who, const std::string& what, bool room);

// RLIMIT_NPROC binds no one who is root or may exceed it.
bool births_are_limited_by_rlimit();

}  // namespace poolproof::faults
