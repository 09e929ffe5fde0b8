// A worker's view of its own start: whether it is one, and what must hold before anything else of
// it runs.
#pragma once

#include <optional>
#include <variant>

#include "executor/os/os.h"
#include "executor/os/worker_start.h"

namespace poolproof::os {

// Whether argv[0] has the marker (law L10: then this process serves or ends, and main never runs).
bool is_called_worker(int argc, char** argv);

// Makes this process a worker: it is bound to its parent's life, has its limits and no right that
// the program has given up, and knows how deep it is. Or says why it cannot be one (SysError::call
// is that reason): argv is not what an executor passes, it has more rights than its caller
// (AT_SECURE), or fd 3 is not a socket that its parent made as our own user. Call it once, before
// any constructor of the program.
std::variant<WorkerStart, SysError> begin_as_worker(int argc, char** argv);

// The same, if another copy of this library has made this process a worker already: a shared library
// that has its own, linked statically, or one that a task has loaded. Else nullopt.
std::optional<WorkerStart> begun_by_another_copy(int argc, char** argv);

// Whether it may be told why this process cannot be a worker: the other end was made by our parent,
// or the kernel does not say by whom.
bool is_made_by_parent(int channel);

// From now on the kernel kills this process when the thread that spawned it ends. Ends the process
// at once if that has happened already. The kernel forgets it when the process changes its user or
// group; the lifeline it does not forget. An error: it cannot be asked who the parent is.
std::optional<SysError> bind_to_parent(int parent);

// Descriptors, name and the terminal's signals, as the rest of a worker's life expects them. After
// the program's constructors, before the initializer and the first task.
void settle_in(const WorkerStart& start);

}  // namespace poolproof::os
