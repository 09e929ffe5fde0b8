// A cgroup for one worker alone, made in one that the user lets us divide: its memory is limited
// there, the kernel's count of kills in it is about nobody else, and whatever is left in it can be
// found and ended. Both versions of cgroups; nothing here goes by where they are mounted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "executor/os/os.h"

namespace poolproof::os {

// Makes one in `parent`, puts the limit on it, and removes it: what is missing, as a sentence with
// its cure; empty if nothing is. That a process may be moved there only a worker can show.
std::string missing_for_cgroups(const std::string& parent, std::size_t memory_limit);

// The path of a new one with this limit, of memory and swap together.
std::variant<std::string, SysError> make_cgroup(const std::string& parent,
                                                std::size_t memory_limit);
std::optional<SysError> limit_memory_in(const std::string& cgroup, std::size_t memory_limit);
std::optional<SysError> move_into(const std::string& cgroup, int pid);

// nullopt: it cannot be read.
std::optional<std::uint64_t> out_of_memory_kills_in(const std::string& cgroup);

// Kills what is left in it, and removes it if nothing is. Waits for nothing. False: it is still
// there, since something in it has not died yet; to be tried again.
bool remove_cgroup(const std::string& cgroup);

}  // namespace poolproof::os
