// Starts this program again, like vfork and exec, with exactly the descriptors of a worker.
//
// Why not posix_spawn: clone returns the process handle itself (CLONE_PIDFD), so it works where a
// seccomp profile refuses pidfd_open. It also reports the name of every call that fails in the
// child.
#pragma once

#include <optional>
#include <variant>

#include "executor/os/os.h"

namespace poolproof::os {

// All descriptors must have numbers above those that the child gets.
struct Launch {
  char* const* arguments = nullptr;    // argv[0] included; ends with null
  char* const* environment = nullptr;  // ends with null
  int channel = -1;                    // becomes kWorkerChannel
  int lifeline = -1;                   // becomes kWorkerLifeline
  int errors = -1;                     // becomes stderr; -1: that is inherited
};
struct Launched {
  int pid = 0;
  int handle = -1;  // a pidfd, which closes on exec
};

// Blocks the calling thread until the program has been loaded. The child starts with every signal
// blocked, and ignores the signals that this process ignores. stdin reads nothing; stdout is
// inherited. Once the child has asked for it, the kernel kills the child when the calling thread
// ends.
std::variant<Launched, SysError> launch(const Launch& what);

// Moves a descriptor above those that a worker gets by number, and closes the lower one. -1: see
// errno.
int lifted(int fd);

// What this kernel, or a restriction of this program, lacks so that the executor cannot work: a
// sentence; empty if nothing is missing. Tested once.
std::string missing_calls();

// If this program was started through the dynamic loader (ld.so PROGRAM), /proc/self/exe is the
// loader: a sentence that says so. Empty otherwise.
std::string started_by_loader();

}  // namespace poolproof::os
