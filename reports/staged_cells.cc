#include "reports/staged_cells.h"

#include <sstream>

namespace poolproof::reports::staged {

using conformance::AttemptVerdict;
using conformance::CellVerdict;
using conformance::Status;
using scenarios::Level;

CellVerdict cell(const std::string& pool, const std::string& scenario, Status status) {
  CellVerdict made{.pool = pool, .scenario = scenario, .status = status};
  AttemptVerdict attempt;
  attempt.status = status;
  if (weight_of(status) == conformance::Weight::kFails) {
    made.rate = "3 of 3";
    attempt.parts = {
        {"victim.outcome", status, Level::kMust, "worker-lost", "t5 (victim): value 1"}};
  }
  if (weight_of(status) == conformance::Weight::kAside) return made;
  made.parts = attempt.parts;
  made.attempts = {attempt};
  return made;
}

CellVerdict hung_cell() {
  AttemptVerdict attempt;
  attempt.status = Status::kHangQuiet;
  attempt.why = "victim.outcome: t5 (victim) never settled";
  attempt.parts = {
      {"open", Status::kPass, Level::kMust, "", ""},
      {"victim.outcome", Status::kHangQuiet, Level::kMust, "worker-lost within 3000 ms",
       "t5 (victim) never settled"},
      {"bystander.outcome", Status::kNotJudged, Level::kMust, "", "after what stopped the attempt"},
      {"after", Status::kNotJudged, Level::kMust, "", "after what stopped the attempt"},
      {"close", Status::kNotJudged, Level::kMust, "", "after what stopped the attempt"},
      {"leftovers", Status::kNotJudged, Level::kMust, "", "after what stopped the attempt"}};
  attempt.evidence = {
      ("fault `kill` was commanded on process 14 at task t5 at 412.3 ms; receipt: signal KILL, "
       "0.6 ms later"),
      "process 14 died by signal KILL, 0.6 ms after the strike; no outcome names it",
      "future t5 (victim) is open: submitted at 398.0 ms, its body started in process 14",
      "nothing moved for 1.004 s",
      ("process 10 `python3` (the adapter), 4 threads: futex, no time limit (10); poll of 2 fds, "
       "no time limit (17); read fd 5 pipe:[81312] (18, 19)")};
  CellVerdict made{.pool = "multiprocessing_pool", .scenario = "death/killed_while_running"};
  made.status = Status::kHangQuiet;
  made.why = attempt.why;
  made.parts = attempt.parts;
  made.rate = "3 of 3";
  made.attempts = {attempt, attempt, attempt};
  return made;
}

std::vector<CellVerdict> three_pools() {
  const std::vector<std::string> scenarios = {"death/killed_while_running",
                                              "death/segfault_in_a_task",
                                              "death/exit_0_in_a_task",
                                              "death/all_killed_while_idle",
                                              "payload/argument_cannot_be_encoded",
                                              "payload/result_cannot_be_encoded",
                                              "payload/argument_kills_its_worker_while_decoding",
                                              "hang/loop_with_a_deadline",
                                              "shutdown/kill_while_a_task_hangs",
                                              "parent/killed_with_busy_workers"};
  std::vector<CellVerdict> cells;
  for (const auto& name : scenarios) cells.push_back(cell("reference", name, Status::kPass));
  for (const auto& name : scenarios)
    cells.push_back(cell("concurrent_futures_fork", name, Status::kPass));
  cells[11].parts = {
      {"victim.cause", Status::kWrongError, Level::kShould, "signal:SEGV",
       "t5 (victim) tells nothing"},
      {"victim.blame", Status::kWrongError, Level::kShould, "victim", "t5 (victim) tells nothing"}};
  cells[11].attempts[0].parts = cells[11].parts;
  cells[17].status = Status::kDeclined;
  cells[19] = cell("concurrent_futures_fork", scenarios[9], Status::kLeak);
  for (const auto& name : scenarios)
    cells.push_back(cell("multiprocessing_pool", name, Status::kPass));
  cells[20] = hung_cell();
  cells[21] = cell("multiprocessing_pool", scenarios[1], Status::kFlaky);
  cells[22] = cell("multiprocessing_pool", scenarios[2], Status::kHangQuiet);
  cells[26].status = Status::kVacuous;
  cells[27].status = Status::kDeclined;
  cells[29].status = Status::kUnavailable;
  cells[29].why = "leftovers: a subreaper cannot tell what outlived its parent";
  return cells;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace poolproof::reports::staged
