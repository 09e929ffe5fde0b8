// A control group of the cage's own: where the machine lets one be made, what it limits, and what
// the kernel counted in it. Version 1 and version 2 behind one face; they differ in where a group
// may be made and in the names of files, and in nothing that a caller sees.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "faults/cage/cgroup_place.h"

namespace poolproof::faults {

class Cgroup {
 public:
  // Makes one. Throws CallFailed or std::runtime_error: the call, the path, errno's text.
  explicit Cgroup(const std::string& controller);
  // The same at a given place, for tests of what this machine does not have.
  Cgroup(const std::string& controller, CgroupPlace place);
  Cgroup(const Cgroup&) = delete;  // removing it is its owner's decision: it must be empty
  Cgroup& operator=(const Cgroup&) = delete;

  const std::string& path() const { return path_; }
  std::string words() const;  // "the memory cgroup (version 1) /sys/fs/cgroup/memory/x"

  void take_in(int pid);  // the whole process, as this process numbers it
  // For the controllers memory (bytes), pids (processes and threads), cpu (thousandths of one
  // core); nothing: no limit.
  void limit(std::optional<long long> amount);
  // What the kernel counted: {"oom_kill": 1} of memory, {"refused": 3} of pids, {} else.
  nlohmann::json counters() const;
  // Memory that lies in it, in bytes; 0 of other controllers.
  long long usage() const;

 private:
  void write(const std::string& file, const std::string& text) const;
  std::string read(const std::string& file) const;

  std::string controller_;
  CgroupPlace place_;
  std::string path_;
};

// Removes a group in which nothing lives any more. The kernel may need a moment after the last
// process was reaped; true: it is gone (or never was).
bool remove_cgroup(const std::string& path);

}  // namespace poolproof::faults
