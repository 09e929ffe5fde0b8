// The judge. Pure: a record goes in, verdicts come out. No clock, no file, no process (design.md
// section 6).
#pragma once

#include <vector>

#include "conformance/judge/verdict.h"
#include "conformance/record/observation.h"

namespace poolproof::conformance {

// Judges one attempt. `attempt` holds its lines in order; the first `plan` line has the plan and
// the machine factor. Never throws because of what a pool or an adapter sent. Lines that contradict
// the record's own format give kHarnessError.
AttemptVerdict judge(const scenarios::Plan& plan, const std::vector<Observation>& attempt);

// The same, with the plan in the first line of the attempt; an attempt without a plan is cut-off.
AttemptVerdict judge_attempt(const std::vector<Observation>& lines);

// Combines the attempts of one cell. A single passing attempt is pass. If all fail, the worst of
// them ("3 of 3"). If some fail and some pass, flaky with its rate. If any is inconclusive and none
// fails, inconclusive. Blank attempts count only if there are no others.
CellVerdict fold(std::string pool, std::string scenario, std::vector<AttemptVerdict> attempts);

// Judges every cell of a record, in the order of its `cell` lines: attempts are separated, judged
// and folded; declined and unavailable cells are returned as such. A cell whose last attempt has no
// `ended` line is cut-off. The lines of several attempts may be mixed, because attempts run at the
// same time. `check` and `judge` both call this.
std::vector<CellVerdict> judge_record(const std::vector<Observation>& record);

// Exit status of the command (design.md section 6): 1 a failure; 3 inconclusive, or nothing
// matched; 77 all cells were set aside; 0 otherwise. A failing part below `level` does not count.
int exit_status(const std::vector<CellVerdict>& cells, scenarios::Level level,
                bool record_is_whole);

}  // namespace poolproof::conformance
