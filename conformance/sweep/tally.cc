#include "conformance/sweep/tally.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "conformance/judge/oracle.h"

namespace poolproof::conformance::sweep {
namespace {

bool is_blank(const CellVerdict& cell) {
  return cell.status == Status::kVacuous &&
         std::all_of(cell.attempts.begin(), cell.attempts.end(),
                     [](const AttemptVerdict& attempt) { return attempt.blank; });
}

std::string word_of(faults::Moment moment) {
  return faults::is_torn(moment) ? "torn" : faults::to_string(moment);
}

int recorded_in(const Swept& swept, const Point& point) {
  for (const KnownWorkload& known : swept.workloads)
    for (const RecordedCall& call : known.recording.calls)
      if (known.workload.name == point.workload && call.label == point.label) return call.runs;
  return 0;
}

// The part that decided, without the names of tasks and processes, which differ from run to run.
std::string deciding_part(const CellVerdict& cell) {
  for (const Part& part : cell.parts)
    if (weight_of(part.status) == Weight::kFails) return part.name;
  return "";
}

void add_coverage(const Swept& swept, Tally& tally) {
  using Struck = std::tuple<std::string, std::string, Label>;  // moment, workload, call
  std::set<Struck> recorded, struck;
  for (const SweptPoint& one : swept.points) {
    const Struck call{word_of(one.point.moment), one.point.workload, one.point.label};
    recorded.insert(call);
    if (one.verdict && !is_blank(*one.verdict)) struck.insert(call);
  }
  for (const Struck& call : recorded) ++tally.by_moment[std::get<0>(call)].recorded;
  for (const Struck& call : struck) ++tally.by_moment[std::get<0>(call)].struck;
}

}  // namespace

Tally tally_of(const Swept& swept) {
  Tally tally;
  std::map<std::pair<Status, std::string>, std::vector<Failure>> groups;
  for (const SweptPoint& one : swept.points) {
    if (!one.verdict) {
      ++tally.left;
      continue;
    }
    const CellVerdict& verdict = *one.verdict;
    if (is_blank(verdict)) {
      tally.never_fired.push_back(
          {one.point, static_cast<int>(verdict.attempts.size()), recorded_in(swept, one.point)});
      continue;
    }
    ++tally.by_phase[one.point.phase][verdict.status];
    if (weight_of(verdict.status) == Weight::kFails)
      groups[{verdict.status, deciding_part(verdict)}].push_back({one.point, verdict});
    else if (weight_of(verdict.status) != Weight::kPasses)
      tally.inconclusive.push_back({one.point, verdict});
  }
  for (auto& [key, group] : groups) tally.failures.push_back(std::move(group));
  std::stable_sort(tally.failures.begin(), tally.failures.end(),
                   [](const auto& a, const auto& b) { return a.size() > b.size(); });
  add_coverage(swept, tally);
  return tally;
}

int exit_status(const Swept& swept, scenarios::Level level) {
  constexpr int kInterrupted = 130;
  if (swept.interrupted) return kInterrupted;
  std::set<std::string> rare;
  for (const NeverFired& never : tally_of(swept).never_fired)
    if (never.recorded_in < kRecordings) rare.insert(scenario_of(never.point));
  std::vector<CellVerdict> cells = swept.cells;
  std::erase_if(cells, [&](const CellVerdict& cell) { return rare.count(cell.scenario) > 0; });
  return conformance::exit_status(cells, level, true);
}

}  // namespace poolproof::conformance::sweep
