// What a pool is given to do while its workers are struck, and what is claimed of every such run.
// Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "faults/call_strike.h"
#include "scenarios/plan.h"

namespace poolproof::conformance::sweep {

struct Workload {
  std::string name;  // "big_results"
  std::string about;
  std::string body;  // of each task
  int tasks = 0;
  int bytes = 0;            // of each result; 0: a number
  bool whole_life = false;  // recycling, resize and initializer join it where a pool has them
};

inline constexpr int kWorkers = 2;

// What of a workload a pool can be given.
struct Course {
  scenarios::Opening opening{};
  int tasks = 0;         // submitted at once, in the pool that is struck
  bool resizes = false;  // then it has one worker and a task more, then all workers and one each
  bool operator==(const Course&) const = default;
};
Course course_of(const Workload& workload, const scenarios::PoolFacts& facts);

// So many tasks some worker has in every run, however they are shared out.
int share_of(const Workload& workload, const scenarios::PoolFacts& facts);

const std::vector<Workload>& workloads();
const Workload* find_workload(std::string_view name);  // nullptr: there is none

// What a pool must have to be swept, and has not: empty if it can be.
std::string missing_for_sweep(const scenarios::PoolFacts& facts);

// A freeze is noticed only where a deadline is armed: the pool must have deadlines for tasks, and a
// close that ends what is frozen.
bool can_be_frozen(const scenarios::PoolFacts& facts);

// The plan of one run: a round that nothing strikes, then the workload in a pool that is traced
// from its opening on. Without a trace: the same, and nobody looks. The claims follow from the
// strike: see README.md.
scenarios::Plan plan_of(const Workload& workload, const scenarios::PoolFacts& facts,
                        const std::string& scenario, std::optional<faults::Trace> trace);

}  // namespace poolproof::conformance::sweep
