// The guard: the process that the harness starts, outside of what is contained. It lives as long as
// the attempt. However the harness ends, the guard ends only when nothing is left inside.
#pragma once

namespace poolproof::faults {

struct GuardOptions {
  int parent = 0;          // pid of the harness
  bool namespaces = true;  // false: the subreaper, as on a machine that allows no more
};

// Returns the exit status: 0, or 70 if the keeper failed by itself.
int stand_guard(const GuardOptions& options);

}  // namespace poolproof::faults
