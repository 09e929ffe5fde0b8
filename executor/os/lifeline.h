// What ends a worker whose program is gone, whatever its task has done to itself: one end of a
// socket pair, which the kernel watches for it.
//
// When the last copy of the program's end is closed, the kernel sends SIGKILL to the worker: since
// the program has ended in any way, has become another one (exec), or wants the worker ended and
// may not send it a signal any more. The kernel compares the user of the worker when it was started
// with the user that it has then: root is always right, and any other user unless the worker has
// changed it (which takes CAP_SETUID).
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

}  // namespace poolproof::os
