// The two ways into a worker, and the proof that one of them is open.
#pragma once

#include "executor/os/child.h"

namespace poolproof::worker {

// Whether this program, started anew, would become a worker: the start hook ran in this process, or
// main called worker_entry. Asked in the parent before it spawns.
bool entry_is_proved();
void note_entry();

// The whole life of a worker: runs tasks until it is told to stop or its parent is gone.
[[noreturn]] void run(const os::WorkerStart& start);

}  // namespace poolproof::worker
