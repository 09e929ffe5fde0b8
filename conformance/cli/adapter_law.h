// Checks the kit's rule from outside: where the line is in the adapter, and that no task can reach
// it.
#pragma once

#include "conformance/cli/interview.h"

namespace poolproof::cli {

// After `hello`: the line is on a private descriptor with CLOEXEC, fd 0 is /dev/null, fd 1 is fd 2.
void look_at_the_line(Interview& talk);

// While tasks wait in workers: neither fd 0 nor fd 1 of a worker is a socket, so what a task prints
// or reads cannot be the line.
void look_at_the_workers(Interview& talk);

}  // namespace poolproof::cli
