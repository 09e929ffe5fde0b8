// What a pool leaves behind. After its close, no more than after a first round without a strike.
// After the end of its program, nothing.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "conformance/judge/history.h"
#include "conformance/judge/obstacle.h"

namespace poolproof::conformance::judging {

// Each as text: "process 14 `python3` (S, child of 12)", "zombie 14 `python3` of 12", "fd 9 ->
// pipe:[77]", "fd 9 -> socket:[77] (listens on tcp port 4000)", "thread 15 (futex, no time limit)",
// "/dev/shm/psm_1", "named semaphore /dev/shm/sem.x", "file /tmp/x", "folder /tmp/y/".
using Leftovers = std::vector<std::string>;

// What `after` has in addition to `before`, for the same adapter. Compared by kind and count, so a
// pipe with a new number, or a helper process that was started again, is not a leak. Zombies that
// the keeper itself will reap do not count.
Leftovers beyond(const Snapshot& before, const Snapshot& after, const ProcessId& adapter);

// Everything that is left once the program has ended. `before`: what existed anyway, if /dev/shm is
// not private. `own_paths`: the harness's files.
Leftovers all_of(const Snapshot& end, int keeper_pid, const std::set<std::string>& shm_before,
                 const std::set<std::string>& own_paths);

// The part "leftovers". Throws FormError if the record lacks a required snapshot.
Part leftovers_part(const Trial& trial);

}  // namespace poolproof::conformance::judging
