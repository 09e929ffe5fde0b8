// What ends a worker whose program is gone, whatever its task has done to itself: one end of a
// socket pair, which the kernel watches for it.
//
// When the last copy of the program's end is closed, the kernel sends SIGKILL to the worker: since
// the program has ended in any way, has become another one (exec), or wants the worker ended and
// may not send it a signal any more. The kernel compares the user of the worker when it was started
// with the user that it has then: root is always right, and any other user unless the worker has
// changed it. Only a worker that has CAP_SETUID and is not the machine's root can do that (the root
// of a rootless container, say). It has a thread that watches, too.
//
// The worker's end stays open although the worker closes its descriptor or calls exec, since a copy
// of it lies unread in the queue of the program's end.
#pragma once

#include <optional>
#include <variant>

#include "executor/os/os.h"

namespace poolproof::os {

// Both close on exec, and lie above the descriptors that a worker gets by number.
struct Lifeline {
  int programs = -1;
  int workers = -1;
};

// In the program. A child that it forks without exec, and that lives on, does not keep the workers
// alive: its copy of `programs` is closed by the fork (not by a raw clone system call).
std::variant<Lifeline, SysError> open_lifeline();

// In the worker: descriptor kWorkerLifeline becomes a watched one, with a high number. Ends the
// process if the program is gone already. An error: the kernel does not watch it.
std::optional<SysError> hold_lifeline();

// In the worker, for another copy of this library in it: whether hold_lifeline was called in the
// first one. Then this one knows its descriptor, too.
bool find_held_lifeline();

// In the worker, before its first task, after hold_lifeline: starts that thread where it is needed.
// It sees nothing while the process is stopped, and ends with an exec.
void watch_lifeline_where_needed();

}  // namespace poolproof::os
