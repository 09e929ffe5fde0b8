// Ends a worker whose program is gone, whatever its task has done to the worker. It is a socket
// pair, and the kernel watches the worker's end.
//
// When the last copy of the program's end is closed, the kernel sends SIGKILL to the worker. This
// happens when the program has ended in any way, has become another program (exec), or wants to end
// the worker and may no longer send it a signal. The kernel compares the user of the worker at its
// start with the user that it has at that time. It sends the signal if the worker started as root,
// or if it still has the user that it started with. Only a worker that has CAP_SETUID and is not
// the machine's root can change its user (the root of a rootless container, for example). Such a
// worker also has a thread that watches.
//
// The worker's end stays open if the worker closes its descriptor or calls exec, because a copy of
// it is in the queue of the program's end, and is never read.
#pragma once

#include <optional>
#include <variant>

#include "executor/os/os.h"

namespace poolproof::os {

// Both close on exec. Their numbers are above the descriptors that a worker gets by number.
struct Lifeline {
  int programs = -1;
  int workers = -1;
};

// In the program. If the program forks a child without exec, and the child stays alive, the child
// does not keep the workers alive: the fork closes its copy of `programs` (a raw clone system call
// does not).
std::variant<Lifeline, SysError> open_lifeline();

// In the worker: moves descriptor kWorkerLifeline to a high number and makes the kernel watch it.
// Ends the process if the program is gone already. Returns an error if the kernel does not watch
// it.
std::optional<SysError> hold_lifeline();

// In the worker, for another copy of this library in it: whether hold_lifeline was called in the
// first one. Then this one knows its descriptor, too.
bool find_held_lifeline();

// In the worker, before its first task, after hold_lifeline: starts that thread where it is needed.
// It sees nothing while the process is stopped, and ends with an exec.
void watch_lifeline_where_needed();

}  // namespace poolproof::os
