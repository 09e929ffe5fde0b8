// The kernel's record of how a child ended. The only calls of waitid are here (law L3).
#pragma once

#include <optional>

#include "poolproof/error.h"

namespace poolproof::os {

// By its process handle; nullopt: there is no record yet.
std::optional<ExitStatus> try_reap_by_handle(int handle);
ExitStatus reap_by_handle(int handle);  // blocks until there is a record

// For a child whose pid certainly still belongs to it. Blocks.
void reap_by_pid(int pid);
// Kills and reaps it, if it is an unreaped child of ours; only then can its pid not belong to
// another process. If the kernel refuses the kill, waits about a second for its end.
void end_by_pid(int pid);

// 0, or the error of waitid with a process handle on this system: the kernel is too old, or it
// refuses the call.
int missing_for_reaping();

}  // namespace poolproof::os
