// How many bytes a call of a traced process is about to move, and how it is made to move fewer.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <optional>
#include <string>
#include <vector>

#include "faults/cage/syscall.h"
#include "faults/call_strike.h"

namespace poolproof::faults {

// At most `size` bytes at `address`; fewer where the memory ends, none where it may not be read.
std::string read_memory(pid_t pid, std::uint64_t address, std::size_t size);

// What the call asks for; nothing for a call that moves none, or whose list cannot be read.
std::optional<long> bytes_of(pid_t pid, const std::string& call, const Syscall& syscall);

// How many of `bytes` are moved then; 0: they are too few for it.
long bytes_kept(Moment moment, long bytes);

// What is to be put back once the call has returned.
struct Cut {
  int argument = -1;          // its value was changed in a register ...
  std::uint64_t value = 0;    // ... and this stood there
  std::uint64_t address = 0;  // or a list in memory was, and this stood there
  std::vector<iovec> list;
};

// The thread stands before the call. Throws CallFailed.
Cut cut_call(pid_t tid, pid_t pid, const std::string& call, const Syscall& syscall, long kept);
void mend(const Cut& cut, pid_t tid, pid_t pid);

}  // namespace poolproof::faults
