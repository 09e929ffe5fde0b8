// What a worker does: the initializer, hello, and then claim, decode, run, encode, reply, one task
// at a time.
#pragma once

#include "executor/os/child.h"

namespace poolproof::worker {

// Serves the channel `fd` until it is told to stop.
[[noreturn]] void serve(int fd, const os::WorkerStart& start);

}  // namespace poolproof::worker
