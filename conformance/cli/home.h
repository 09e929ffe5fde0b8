// Where the command finds its files: in its source tree while it is in a build folder, below its
// prefix once it is installed. The location is always derived from the command's own file, so the
// tree and the prefix can be moved.
#pragma once

#include <filesystem>

namespace poolproof::cli {

struct Home {
  // Folder of the cage, and of the adapters that are compiled programs.
  std::filesystem::path programs;
  std::filesystem::path scenarios;  // folder of claims
  std::filesystem::path adapters;   // folder of pools.toml and of the files that it names
  std::filesystem::path python;     // runs adapters in Python
};

// Throws std::runtime_error that names a place that was not found.
Home find_home();

}  // namespace poolproof::cli
