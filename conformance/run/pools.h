// The pools that the command knows by name: adapters/pools.toml.
#pragma once

#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace poolproof::conformance {

class PoolsError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;  // "FILE:LINE:COLUMN: what is wrong; the mend"
};

struct Defect {  // of a broken pool: what it must be convicted of (L16)
  std::string scenario;
  std::string part;
  std::string status;
};

struct Pool {
  std::string name;                  // "loky", "broken/loses_task"
  std::vector<std::string> command;  // argv, places filled in
  std::string about;
  std::string install;
  std::optional<Defect> defect;
  // argv of the program that makes an environment with one version of the pool; versions.h
  std::vector<std::string> versions;

  // Why the pool cannot be judged: all of its cells are then unavailable (the machine or the pool
  // lacks something), or harness-error (what should have found out did not work). Empty: it can be.
  std::string unavailable;
  std::string error;

  bool broken() const { return name.rfind("broken/", 0) == 0; }
};

// What {python}, {adapters} and {bin} stand for in a command.
struct Places {
  std::filesystem::path python;
  std::filesystem::path adapters;
  std::filesystem::path bin;
};

std::vector<Pool> load_pools(const std::filesystem::path& file, const Places& places);

// The name most like `name`, if any is near enough to have been meant.
std::optional<std::string> nearest(const std::string& name, const std::vector<std::string>& names);

}  // namespace poolproof::conformance
