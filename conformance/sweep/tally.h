// A sweep in numbers: outcomes by phase, how much of the recording has been struck, and the
// failures, equal ones together. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "conformance/sweep/sweep.h"

namespace poolproof::conformance::sweep {

struct Coverage {  // of the recorded calls that are wanted and that can be struck this way
  int recorded = 0, struck = 0;
};

// A point that no run has struck: its call did not come in any of its attempts.
struct NeverFired {
  Point point;
  int attempts = 0;
  int recorded_in = 0;  // of kRecordings runs
};

struct Failure {
  Point point;
  CellVerdict verdict;
};

struct Tally {
  std::map<Phase, std::map<Status, int>> by_phase;  // points that were struck
  std::map<std::string, Coverage> by_moment;        // "before", "torn", "after"
  std::vector<NeverFired> never_fired;
  std::vector<std::vector<Failure>> failures;  // equal in status and part; the largest group first
  std::vector<Failure> inconclusive;           // the harness failed, or nothing can be said
  int left = 0;                                // points that are not yet struck
};

Tally tally_of(const Swept& swept);

// As in design.md section 6. A point that never fired is inconclusive only if its call came in
// every recorded run: a call that comes only sometimes cannot be struck reliably.
int exit_status(const Swept& swept, scenarios::Level level);

}  // namespace poolproof::conformance::sweep
