// A small file as text.
#pragma once

#include <optional>
#include <string>

namespace poolproof::os {

// nullopt: it cannot be opened or read; errno says why.
std::optional<std::string> read_file(const char* path);

}  // namespace poolproof::os
