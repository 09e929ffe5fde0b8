// How many CPUs this process may use.
#pragma once

#include "poolproof/export.h"

namespace poolproof {

struct CpuCountOptions {
  // Count each core once, even if it runs several threads.
  bool physical = false;
};

// The smallest of three numbers: the CPUs of this thread's affinity; the CPU time that its control
// group, or any group above it, may use (v1 cpu.cfs_quota_us, v2 cpu.max; a part of a CPU counts as
// one); and the environment variable POOLPROOF_MAX_CPU_COUNT. At least 1. With `physical`, the
// cores that the affinity touches are counted instead of its CPUs (its CPUs, if the system does not
// report cores). Reads the system again in each call. Any thread may call it.
POOLPROOF_EXPORT int cpu_count(const CpuCountOptions& options = {});

}  // namespace poolproof
