// What the kernel says about memory: of this process, and of its cgroup.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace poolproof::os {

// How much memory without a file this process holds, in bytes. 0 if the system does not report it.
std::size_t anonymous_memory();

// From now on this process may map at most so much for writing (RLIMIT_DATA).
void limit_memory(std::size_t bytes);

// The out-of-memory kills in this process's cgroup so far; nullopt if the kernel does not count.
std::optional<std::uint64_t> count_out_of_memory_kills();

}  // namespace poolproof::os
