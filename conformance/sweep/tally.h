// A sweep in numbers: what came of it by phase, how much of what was recorded has been struck, and
// the failures, equal ones together. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "conformance/sweep/sweep.h"

namespace poolproof::conformance::sweep {

struct Coverage {  // of recorded calls, as far as they are wanted and can be struck so
  int recorded = 0, struck = 0;
};

// A point that no run has struck: the call that it strikes at did not come in any of its attempts.
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
  std::vector<std::vector<Failure>> failures;  // alike in status and part; the most first
  std::vector<Failure> inconclusive;           // the harness failed, or nothing can be said
  int left = 0;                                // points whose turn has not come
};

Tally tally_of(const Swept& swept);

// As design.md section 6 has it. A point that never fired is inconclusive only if its call came in
// every recorded run: what comes only now and then cannot be struck at will.
int exit_status(const Swept& swept, scenarios::Level level);

}  // namespace poolproof::conformance::sweep
