// What a thread waits for, derived from its system call: the table of calls that are understood. A
// call that is not in the table is `unknown`, and nothing is ever proved about it.
#pragma once

#include <cstddef>

#include "conformance/observe/look.h"
#include "conformance/observe/proc_text.h"

namespace poolproof::hang {

class Memory {  // the memory of the examined process
 public:
  virtual ~Memory() = default;
  // Copies all `size` bytes, or returns false.
  virtual bool read(std::uint64_t address, void* into, std::size_t size) const = 0;
};

// Uses the process's descriptors and maps from `process`. Facts that only the kernel can report (is
// it ready? what is its peer?) are asked later (ends.h).
Wait decode_wait(const CallText& call, const Memory& memory, const ProcessLook& process);

}  // namespace poolproof::hang
