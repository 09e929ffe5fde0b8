// The judge. Pure: a record goes in, verdicts come out. No clock, no file, no process (design.md
// section 6).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
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

// Judges a record while it is read. Each attempt is judged when its `ended` line comes, so that
// only the attempts that have not ended are in memory. The lines of several attempts may be mixed.
class RecordJudge {
 public:
  // Called for each attempt when it has been judged, with all its lines.
  std::function<void(const AttemptVerdict&, std::vector<Observation>)> judged =
      [](const AttemptVerdict&, const std::vector<Observation>&) {};

  void take(Observation line);  // in the order of the record
  // After the last line: every cell, in the order of the `cell` lines. Declined and unavailable
  // cells are returned as such. A cell whose last attempt has no `ended` line is cut-off.
  std::vector<CellVerdict> finish();

 private:
  using Key = std::pair<std::string, int>;  // run and attempt
  void judge_lines(const Key& key, std::vector<Observation> lines);

  std::vector<Observation> cells_;                   // the `cell` lines
  std::map<std::string, std::string> broken_pools_;  // by pool: why it could not be used
  std::map<Key, std::vector<Observation>> open_;     // attempts that have not ended
  std::map<std::string, std::vector<AttemptVerdict>> by_run_;
};

// The same for a record in memory. `check` and `judge` both judge in this way.
std::vector<CellVerdict> judge_record(const std::vector<Observation>& record);

// Exit status of the command (design.md section 6): 1 a failure; 3 inconclusive, or nothing
// matched; 77 all cells were set aside; 0 otherwise. A failing part below `level` does not count.
int exit_status(const std::vector<CellVerdict>& cells, scenarios::Level level,
                bool record_is_whole);

}  // namespace poolproof::conformance
