// Limits what one process may still take, by prlimit(2). Only the soft limit is changed, so that it
// can be restored without any privilege.
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

// `what`: address-space, data, files, file-size or processes. With `room` a little more than it has
// now; otherwise nothing more. Throws CallFailed, or std::runtime_error for an unknown kind.
ProcessLimit limit_one_process(const Identity& who, const std::string& what, bool room);

// Whether RLIMIT_NPROC works: it does not limit root or a process that may exceed it.
bool births_are_limited_by_rlimit();

}  // namespace poolproof::faults
