// How a process finds out that it is a worker, and what must hold before any other code of it runs.
#pragma once

#include <optional>
#include <variant>

#include "executor/os/os.h"
#include "executor/os/worker_start.h"

namespace poolproof::os {

// Whether argv[0] has the marker. (Law L10: such a process serves or ends, and its main never
// runs.)
bool is_called_worker(int argc, char** argv);

// Makes this process a worker. It is bound to its parent's life, it has its limits, it has no right
// that the program has given up, and it knows its nesting depth. Or returns why it cannot be a
// worker (SysError::call is the reason): argv is not what an executor passes, the process has more
// rights than its caller (AT_SECURE), or fd 3 is not a socket that its parent made as our own user.
// Call it once, before any constructor of the program.
std::variant<WorkerStart, SysError> begin_as_worker(int argc, char** argv);

// The same, if another copy of this library has made this process a worker already: a shared
// library that has its own, linked statically, or one that a task has loaded. Else nullopt.
std::optional<WorkerStart> begun_by_another_copy(int argc, char** argv);

// Whether it may be told why this process cannot be a worker: the other end was made by our parent,
// or the kernel does not say by whom.
bool is_made_by_parent(int channel);

// From now on the kernel kills this process when the thread that spawned it ends. Ends the process
// at once if that has happened already. The kernel forgets this when the process changes its user
// or group; the lifeline still works then. Returns an error if the process cannot find out who its
// parent is.
std::optional<SysError> bind_to_parent(int parent);

// Sets descriptors, name and the terminal's signals for the rest of the worker's life. Call it
// after the program's constructors, and before the initializer and the first task.
void settle_in(const WorkerStart& start);

}  // namespace poolproof::os
