// Prevents the start of any program, if the attempt has its own mounts.
#pragma once

#include <functional>
#include <string>

#include "faults/cage/places.h"
#include "faults/cage/proc.h"

namespace poolproof::faults {

// Remounts everything with `noexec`, and checks that the program of `who` can no longer be
// executed, not even by /proc/self/exe. Returns a function that undoes it. Throws CallFailed or
// std::runtime_error.
std::function<void()> limit_exec(const Places& places, const Identity& who);

// "" if limit_exec works here; otherwise why not.
std::string why_no_exec_limit(const Places& places);

}  // namespace poolproof::faults
