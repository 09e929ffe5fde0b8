#include "conformance/sweep/earlier.h"

#include <algorithm>
#include <set>

#include "conformance/judge/oracle.h"
#include "conformance/sweep/points.h"

namespace poolproof::conformance::sweep {
namespace {

bool stands(const CellVerdict& cell) {
  return cell.status != Status::kCutOff && cell.status != Status::kHarnessError &&
         cell.status != Status::kUnavailable;
}

}  // namespace

Earlier earlier_of(const std::vector<Observation>& record) {
  Earlier earlier;
  for (const CellVerdict& cell : judge_record(record)) {
    if (cell.scenario.rfind("sweep/", 0) == 0) earlier.pool = cell.pool;
    if (stands(cell)) earlier.verdicts[cell.scenario] = cell;
  }
  std::set<std::string> runs;  // of cells that are not valid
  for (const Observation& line : record) {
    if (line.kind == "pool") earlier.facts = line.fields.value("facts", nlohmann::json());
    if (line.kind == "cell" && earlier.verdicts.count(line.fields.value("scenario", "")) == 0)
      runs.insert(line.run);
  }
  for (const Observation& line : record)
    if (runs.count(line.run) == 0) earlier.lines.push_back(line);
  return earlier;
}

std::optional<Recording> recording_in(const Earlier& earlier, const Workload& workload,
                                      const scenarios::PoolFacts& facts, int runs) {
  std::vector<std::vector<Observation>> recorded(static_cast<std::size_t>(runs));
  for (int run = 0; run < runs; ++run) {
    const auto verdict = earlier.verdicts.find(recording_of(workload.name, run + 1));
    if (verdict == earlier.verdicts.end()) return std::nullopt;
    const std::string name = verdict->second.pool + ":" + verdict->first;
    for (const Observation& line : earlier.lines)
      if (line.run == name && line.attempt == 1)
        recorded[static_cast<std::size_t>(run)].push_back(line);
  }
  return learn(recorded, share_of(workload, facts));
}

}  // namespace poolproof::conformance::sweep
