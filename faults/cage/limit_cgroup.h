// A control group of the cage: where this machine allows one, what it limits, and what the kernel
// counted in it. One interface for version 1 and version 2. They differ in where a group may be
// made and in the names of files, but not in anything that a caller sees.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "faults/cage/cgroup_place.h"

namespace poolproof::faults {

class Cgroup {
 public:
  // Makes one. Throws CallFailed or std::runtime_error with the call, the path and errno's text.
  explicit Cgroup(const std::string& controller);
  // The same at a given place: for tests of what this machine does not have.
  Cgroup(const std::string& controller, CgroupPlace place);
  Cgroup(const Cgroup&) = delete;  // its owner decides when to remove it: it must be empty
  Cgroup& operator=(const Cgroup&) = delete;

  const std::string& path() const { return path_; }
  std::string words() const;  // "the memory cgroup (version 1) /sys/fs/cgroup/memory/x"

  void take_in(int pid);  // the whole process; the number is the one that this process sees
  // For the controllers memory (bytes), pids (processes and threads), cpu (thousandths of one
  // core). nullopt: no limit.
  void limit(std::optional<long long> amount);
  // What the kernel counted: {"oom_kill": 1} for memory, {"refused": 3} for pids, {} otherwise.
  nlohmann::json counters() const;
  // How much memory is charged to it, in bytes; 0 for other controllers.
  long long usage() const;

 private:
  void write(const std::string& file, const std::string& text) const;
  std::string read(const std::string& file) const;

  std::string controller_;
  CgroupPlace place_;
  std::string path_;
};

// Removes a group in which no process lives any more. The kernel may need a moment after the last
// process was reaped. True: it is gone (or never existed).
bool remove_cgroup(const std::string& path);

}  // namespace poolproof::faults
