// What limits a process's CPUs, read below any root folder, so that a test can make one up.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

namespace poolproof::os {

// What the control groups of this process, from its own up to the root, leave it: the smallest
// quota, in CPUs, rounded up. nullopt: they leave it all. Reads proc/self/{cgroup,mountinfo} and
// the files that they name.
std::optional<int> cpus_by_cgroup(const std::filesystem::path& root);

// How many cores these CPUs lie on, by sys/devices/system/cpu; nullopt: it is not told.
std::optional<int> cores_of(const std::vector<int>& cpus, const std::filesystem::path& root);

std::vector<int> cpus_by_affinity(int thread = 0);  // 0: of this one
// This thread, and what it starts, may run on these and no others. Without effect where none of
// them is allowed any more.
void use_cpus(const std::vector<int>& cpus);

struct CpuFacts {
  std::vector<int> affinity;
  std::filesystem::path root = "/";
  const char* cap = nullptr;  // as in the environment; what is no number from 1 up is passed over
  bool physical = false;
};
int count_cpus(const CpuFacts& facts);

}  // namespace poolproof::os
