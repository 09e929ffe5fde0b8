// How many bytes a call of a traced process will move, and how to make it move fewer.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <optional>
#include <string>
#include <vector>

#include "faults/cage/syscall.h"
#include "faults/call_strike.h"

namespace poolproof::faults {

// At most `size` bytes at `address`; fewer if the memory ends, none if it may not be read.
std::string read_memory(pid_t pid, std::uint64_t address, std::size_t size);

// How many bytes the call asks for; nullopt for a call that moves none, or whose list cannot be
// read.
std::optional<long> bytes_of(pid_t pid, const std::string& call, const Syscall& syscall);

// How many of `bytes` the torn call moves; 0: there are too few to tear it.
long bytes_kept(Moment moment, long bytes);

// What must be restored once the call has returned.
struct Cut {
  int argument = -1;          // if a register was changed ...
  std::uint64_t value = 0;    // ... its original value
  std::uint64_t address = 0;  // if a list in memory was changed, its original value is below
  std::vector<iovec> list;
};

// The thread must have stopped before the call. Throws CallFailed.
Cut cut_call(pid_t tid, pid_t pid, const std::string& call, const Syscall& syscall, long kept);
void restore(const Cut& cut, pid_t tid, pid_t pid);

}  // namespace poolproof::faults
