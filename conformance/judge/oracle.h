// The judge. Pure: what was recorded in, verdicts out. No clock, no file, no process (design.md
// section 6).
#pragma once

#include <vector>

#include "conformance/judge/verdict.h"
#include "conformance/record/observation.h"

namespace poolproof::conformance {

// Judges one attempt. `attempt` holds its lines in order; the first `plan` line carries the plan
// and the machine factor. Never throws on what a pool or an adapter sent; lines that contradict the
// record's own form give kHarnessError.
AttemptVerdict judge(const scenarios::Plan& plan, const std::vector<Observation>& attempt);

// The same, with the plan that stands at the attempt's head; one without a plan is cut-off.
AttemptVerdict judge_attempt(const std::vector<Observation>& lines);

// Attempts of one cell: one passing attempt alone is pass; all failing is the worst of them ("3 of
// 3"); some failing and some passing is flaky with its rate; any inconclusive one with no failure
// is inconclusive. Blank ones count only where there is no other.
CellVerdict fold(std::string pool, std::string scenario, std::vector<AttemptVerdict> attempts);

// Every cell of a record, in the order of its `cell` lines: attempts split, judged and folded;
// declined and unavailable cells as such. A cell without an `ended` line in its last attempt is
// cut-off. Attempts may stand between each other, as they do when several are made at once. `check`
// and `judge` both call this.
std::vector<CellVerdict> judge_record(const std::vector<Observation>& record);

// Exit status of the command (design.md section 6): 1 a failure, 3 inconclusive or nothing matched,
// 77 all aside, 0. A failing part below `level` does not count.
int exit_status(const std::vector<CellVerdict>& cells, scenarios::Level level,
                bool record_is_whole);

}  // namespace poolproof::conformance
