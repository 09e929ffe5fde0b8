// What limits a process's CPUs. Files are read below any root folder, so that a test can supply its
// own.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

namespace poolproof::os {

// The smallest quota of the control groups of this process, from its own group up to the root: in
// CPUs, rounded up. nullopt: no group has a quota. Reads proc/self/{cgroup,mountinfo} and the files
// that they name.
std::optional<int> cpus_by_cgroup(const std::filesystem::path& root);

// How many cores have these CPUs, from sys/devices/system/cpu; nullopt: the system does not report
// it.
std::optional<int> cores_of(const std::vector<int>& cpus, const std::filesystem::path& root);

std::vector<int> cpus_by_affinity(int thread = 0);  // 0: of this thread
// This thread, and threads and processes that it starts, may run only on these CPUs. No effect if
// none of them is allowed any more.
void use_cpus(const std::vector<int>& cpus);

struct CpuFacts {
  std::vector<int> affinity;
  std::filesystem::path root = "/";
  const char* cap = nullptr;  // POOLPROOF_MAX_CPU_COUNT; ignored unless it is a number from 1 up
  bool physical = false;
};
int count_cpus(const CpuFacts& facts);

}  // namespace poolproof::os
