// Files and descriptors: a small one as text, and what a descriptor is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace poolproof::os {

// nullopt: it cannot be opened or read; errno says why.
std::optional<std::string> read_file(const char* path);

// What a descriptor is, apart from its number; 0 if it is not open.
std::uint64_t identity_of(int fd);

// Whether a call failed as a seccomp filter makes it fail. Then a plainer one may still work.
bool is_refused(int error);

}  // namespace poolproof::os
