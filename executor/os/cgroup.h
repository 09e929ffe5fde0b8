// A cgroup for one worker, made in a cgroup where the user allows this. It limits the worker's
// memory. The kernel counts kills in it, and each of them concerns this worker. Processes that are
// left in it can be found and ended. Supports both versions of cgroups, wherever they are mounted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "executor/os/os.h"

namespace poolproof::os {

// Tests whether cgroups work: makes one in `parent`, sets the limit, and removes it. Returns a
// sentence that says what is missing and how to fix it; empty if nothing is missing. Only a worker
// can show whether a process may be moved there.
std::string missing_for_cgroups(const std::string& parent, std::size_t memory_limit);

// Makes one with this limit, for memory and swap together, and returns its path.
std::variant<std::string, SysError> make_cgroup(const std::string& parent,
                                                std::size_t memory_limit);
std::optional<SysError> limit_memory_in(const std::string& cgroup, std::size_t memory_limit);
std::optional<SysError> move_into(const std::string& cgroup, int pid);

// nullopt: it cannot be read.
std::optional<std::uint64_t> out_of_memory_kills_in(const std::string& cgroup);

// Kills what is left in it, and removes it if it is empty. Waits for nothing. False: it still
// exists, because something in it has not died yet; try again.
bool remove_cgroup(const std::string& cgroup);

}  // namespace poolproof::os
