// What a thread waits for, told from its system call: the table of calls that are understood.
// A call that is not in the table is `unknown`, and nothing is ever proved of it.
#pragma once

#include <cstddef>

#include "conformance/observe/look.h"
#include "conformance/observe/proc_text.h"

namespace poolproof::hang {

class Memory {  // of the process that is looked at
 public:
  virtual ~Memory() = default;
  // Copies all `size` bytes, or says false.
  virtual bool read(std::uint64_t address, void* into, std::size_t size) const = 0;
};

// Takes the process's descriptors and maps from `process`; what only the kernel can tell of them
// (is it ready? who is its peer?) is asked later (ends.h).
Wait decode_wait(const CallText& call, const Memory& memory, const ProcessLook& process);

}  // namespace poolproof::hang
