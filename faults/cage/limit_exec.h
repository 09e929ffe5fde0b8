// No program can be started any more, where the mounts are the attempt's own.
#pragma once

#include <functional>
#include <string>

#include "faults/cage/places.h"
#include "faults/cage/proc.h"

namespace poolproof::faults {

// Remounts all that is mounted with `noexec`, and sees that the program of `who` can no longer be
// executed, not even by /proc/self/exe. Gives what undoes it. Throws CallFailed or
// std::runtime_error.
std::function<void()> limit_exec(const Places& places, const Identity& who);

// "" if limit_exec can do it here.
std::string why_no_exec_limit(const Places& places);

}  // namespace poolproof::faults
