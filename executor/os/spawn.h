// Starts this program anew, as vfork and exec do, with exactly the descriptors of a worker.
//
// Not posix_spawn: clone gives the process handle by itself (CLONE_PIDFD), so that it works where a
// seccomp profile refuses pidfd_open, and every call that fails in the child is told by its name.
#pragma once

#include <optional>
#include <variant>

#include "executor/os/os.h"

namespace poolproof::os {

// All descriptors lie above those that the child gets.
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
// blocked and what this process ignores ignored; stdin reads nothing; stdout is inherited. If that
// thread ends, the kernel kills the child as soon as it has asked for that.
std::variant<Launched, SysError> launch(const Launch& what);

// Moves it above the descriptors that a worker gets by number; closes the lower one. -1: errno.
int lifted(int fd);

// What this kernel, or what restricts this program, lacks for the executor to work at all: a
// sentence; empty if nothing. Asked once.
std::string missing_calls();

// If this program was started through the dynamic loader (ld.so PROGRAM), which /proc/self/exe is
// then: a sentence that says so. Empty if not.
std::string started_by_loader();

}  // namespace poolproof::os
