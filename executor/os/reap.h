// The kernel's record of how a child ended: the only calls of waitid (law L3).
#pragma once

#include <optional>

#include "poolproof/error.h"

namespace poolproof::os {

// By its process handle; nullopt: there is none yet.
std::optional<ExitStatus> try_reap_by_handle(int handle);
ExitStatus reap_by_handle(int handle);  // blocks until there is one

// Of a child whose pid is certainly still its own. Blocks.
void reap_by_pid(int pid);
// Kills and reaps it, if it is an unreaped child of ours: only then can its pid be nobody else's.
// Where the kernel refuses the kill, it waits for its end for about a second.
void end_by_pid(int pid);

// 0, or the error of waitid with a process handle here: the kernel is too old, or it is refused.
int missing_for_reaping();

}  // namespace poolproof::os
