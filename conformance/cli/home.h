// Where the command finds what it needs: in its source tree while it lies in a build folder, below
// its prefix once it is installed. Always told from where its own file lies, so that both can move.
#pragma once

#include <filesystem>

namespace poolproof::cli {

struct Home {
  std::filesystem::path programs;   // folder of the cage and of the adapters that are programs
  std::filesystem::path scenarios;  // folder of claims
  std::filesystem::path adapters;   // folder of pools.toml and of what it names
  std::filesystem::path python;     // runs adapters in Python
};

// Throws std::runtime_error that names the place if it cannot be found.
Home find_home();

}  // namespace poolproof::cli
