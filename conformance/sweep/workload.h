// The tasks that a pool gets while its workers are struck, and what is claimed about every such
// run. Pure.
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
  bool whole_life = false;  // also recycling, resize and initializer, if the pool has them
};

inline constexpr int kWorkers = 2;

// The part of a workload that a pool can do.
struct Course {
  scenarios::Opening opening{};
  int tasks = 0;         // submitted at once, in the pool that is struck
  bool resizes = false;  // then one worker and one more task, then all workers and one task each
  bool operator==(const Course&) const = default;
};
Course course_of(const Workload& workload, const scenarios::PoolFacts& facts);

// The number of tasks that some worker has in every run, however they are distributed.
int share_of(const Workload& workload, const scenarios::PoolFacts& facts);

const std::vector<Workload>& workloads();
const Workload* find_workload(std::string_view name);  // nullptr: there is none

// What a pool lacks to be swept; empty if it can be swept.
std::string missing_for_sweep(const scenarios::PoolFacts& facts);

// A freeze is noticed only if a deadline is set: the pool must have deadlines for tasks, and a
// close that ends frozen workers.
bool can_be_frozen(const scenarios::PoolFacts& facts);

// The plan of one run: a round without a strike, then the workload in a pool that is traced from
// its opening on. Without a trace: the same, untraced. The claims follow from the strike: see
// README.md.
scenarios::Plan plan_of(const Workload& workload, const scenarios::PoolFacts& facts,
                        const std::string& scenario, std::optional<faults::Trace> trace);

}  // namespace poolproof::conformance::sweep
