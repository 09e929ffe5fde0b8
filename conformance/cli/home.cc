#include "conformance/cli/home.h"

#include <fstream>
#include <stdexcept>
#include <string>

namespace poolproof::cli {
namespace {

namespace fs = std::filesystem;

const fs::path kDebianPython = "/usr/bin/python3";

// The build writes this beside the command; it is not installed.
constexpr char kSourceNote[] = "poolproof.source";

Home in_build(const fs::path& programs, const fs::path& source) {
  // Adapters of pools that are packages use the tree's own environment; those of the standard
  // library need none.
  const fs::path own_python = source / ".venv/bin/python";
  return {programs, source / "scenarios", source / "conformance/adapters",
          fs::exists(own_python) ? own_python : kDebianPython};
}

}  // namespace

Home find_home() {
  const fs::path folder = fs::read_symlink("/proc/self/exe").parent_path();
  std::string source;
  if (std::ifstream note(folder / kSourceNote); std::getline(note, source))
    return in_build(folder, source);
  const fs::path share = (folder / POOLPROOF_TO_SHARE).lexically_normal();
  const Home home = {(folder / POOLPROOF_TO_PROGRAMS).lexically_normal(), share / "scenarios",
                     share / "adapters", kDebianPython};
  for (const fs::path& place : {home.programs, home.scenarios, home.adapters})
    if (!fs::is_directory(place))
      throw std::runtime_error("the folder " + place.string() +
                               " is missing: this installation is not whole; install it again "
                               "with cmake --install");
  return home;
}

}  // namespace poolproof::cli
