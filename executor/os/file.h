// Files and descriptors: read a small file as text, and identify what a descriptor refers to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace poolproof::os {

// nullopt: it cannot be opened or read; errno says why.
std::optional<std::string> read_file(const char* path);

// Identifies the open file behind a descriptor, independent of its number; 0 if it is not open.
std::uint64_t identity_of(int fd);

// Whether a call failed in the way in which a seccomp filter makes it fail. A simpler call may then
// still work.
bool is_refused(int error);

}  // namespace poolproof::os
