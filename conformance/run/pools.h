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
  using std::runtime_error::runtime_error;  // "FILE:LINE:COLUMN: what is wrong; how to fix it"
};

struct Defect {  // of a broken pool: how it must be convicted (L16)
  std::string scenario;
  std::string part;
  std::string status;
};

struct Pool {
  std::string name;                  // "loky", "broken/loses_task"
  std::vector<std::string> command;  // argv, with the places filled in
  std::string about;
  std::string install;
  std::optional<Defect> defect;
  // argv of the program that makes an environment with one version of the pool; see versions.h
  std::vector<std::string> versions;

  // Why the pool cannot be judged. `unavailable`: its cells are then unavailable (the machine or
  // the pool lacks something). `error`: they are harness-error (the check for this failed). Empty:
  // it can be judged.
  std::string unavailable;
  std::string error;

  bool broken() const { return name.rfind("broken/", 0) == 0; }
};

// The values of {python}, {adapters} and {bin} in a command.
struct Places {
  std::filesystem::path python;
  std::filesystem::path adapters;
  std::filesystem::path bin;
};

std::vector<Pool> load_pools(const std::filesystem::path& file, const Places& places);

// The most similar name, if one is similar enough to have been meant.
std::optional<std::string> nearest(const std::string& name, const std::vector<std::string>& names);

}  // namespace poolproof::conformance
