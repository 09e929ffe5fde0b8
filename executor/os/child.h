// A worker's view of its own start: how it was called, and how it is bound to its parent.
#pragma once

#include <cstdint>
#include <optional>

#include "executor/os/os.h"

namespace poolproof::os {

// argv[0] of a worker; then its parent's pid, its place in the pool, the longest message it may
// send, how much memory it may map, how often it tells what it holds, whether an initializer is
// sent to it, its name, how deep in workers of workers it is, and whether it is to wait until its
// parent has put it where it belongs. No environment variable marks a worker, so what a task starts
// sees nothing of it.
inline constexpr char kWorkerMarker[] = "poolproof-worker";
inline constexpr int kWorkerChannel = 3;  // its descriptor in the worker
inline constexpr char kGo = 'g';          // the first byte to a worker that waits; then frames

// Plain, since it is filled in before constructors run.
struct WorkerStart {
  int parent = 0;
  int index = 0;
  std::size_t max_payload = 0;
  std::size_t memory_limit = 0;
  std::int64_t memory_interval_ms = 0;
  int has_initializer = 0;
  const char* name = "";
  int depth = 0;
  int waits = 0;
};

// What this process was started as: a worker only if argv[0] has the marker, the program is not
// privileged (AT_SECURE), and fd 3 is a socket that argv's parent made as our own user. Anything
// else is an ordinary program. Allocates nothing: it runs before the program's constructors.
std::optional<WorkerStart> read_worker_start(int argc, char** argv);

// Whether a worker of this process would know itself as one: its real and effective user and group
// are the same, and it was not started with more rights than its caller's (AT_SECURE).
bool may_have_workers();

// From now on the kernel kills this process when the thread that spawned it ends. Ends the process
// at once if that has happened already.
void bind_to_parent(int parent);

// What must hold before anything else of a worker runs: the bond, the limit of its memory, and that
// it is in its own cgroup if it is to have one. Ends the process if its parent does not see to
// that.
void begin_as_worker(const WorkerStart& start);

// Descriptors and name, as the rest of a worker's life expects them, and its depth. Before the
// first task.
void settle_in(const WorkerStart& start);

// 0: no worker, or one that has not settled in.
int nesting_depth();

}  // namespace poolproof::os
