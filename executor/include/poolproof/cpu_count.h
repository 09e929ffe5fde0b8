// How many CPUs this process may use.
#pragma once

#include "poolproof/export.h"

namespace poolproof {

struct CpuCountOptions {
  // Count each core once, though it runs several threads.
  bool physical = false;
};

// The least of: the CPUs of this thread's affinity; the CPU time that its control group, or any
// group above it, may use (v1 cpu.cfs_quota_us, v2 cpu.max; a part of a CPU counts as one); and the
// environment variable POOLPROOF_MAX_CPU_COUNT. At least 1. With `physical`, the cores that the
// affinity touches take the place of its CPUs (CPUs, where the system does not tell its cores).
// Reads the system anew in each call; any thread.
POOLPROOF_EXPORT int cpu_count(const CpuCountOptions& options = {});

}  // namespace poolproof
