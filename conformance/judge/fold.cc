// From attempts to cells, and from cells to the command's exit status. Declared in oracle.h.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "conformance/judge/oracle.h"

namespace poolproof::conformance {
namespace {

using scenarios::Level;

bool fails(const AttemptVerdict& attempt) { return weight_of(attempt.status) == Weight::kFails; }

bool has_failing_part(const AttemptVerdict& attempt) {
  return std::any_of(attempt.parts.begin(), attempt.parts.end(),
                     [](const Part& part) { return weight_of(part.status) == Weight::kFails; });
}

// The worst attempt. Of failing ones, the most frequent status: a status of one in three would not
// be repeated by another run. Of passing ones, the first in which a should or informs part fails.
const AttemptVerdict& deciding(const std::vector<AttemptVerdict>& attempts) {
  std::map<Status, int> count;
  for (const AttemptVerdict& attempt : attempts) ++count[attempt.status];
  return *std::min_element(attempts.begin(), attempts.end(), [&](const auto& a, const auto& b) {
    if (fails(a) && fails(b) && count[a.status] != count[b.status])
      return count[a.status] > count[b.status];
    if (a.status != b.status) return worse(a.status, b.status);
    return has_failing_part(a) && !has_failing_part(b);
  });
}

// "" if it is missing or not text.
std::string text_in(const Observation& line, const char* key) {
  const auto found = line.fields.find(key);
  return found != line.fields.end() && found->is_string() ? found->get<std::string>() : "";
}

CellVerdict aside(const Observation& cell, const std::string& pool, const std::string& scenario) {
  CellVerdict verdict{.pool = pool, .scenario = scenario};
  const auto status = parse_status(text_in(cell, "status"));
  verdict.why = text_in(cell, "why");
  if (!status || (*status != Status::kDeclined && *status != Status::kUnavailable)) {
    verdict.why = fmt::format("line {}: a cell is declined or unavailable, not `{}`", cell.seq,
                              text_in(cell, "status"));
    verdict.status = Status::kHarnessError;
  } else {
    verdict.status = *status;
  }
  return verdict;
}

}  // namespace

AttemptVerdict judge_attempt(const std::vector<Observation>& lines) {
  AttemptVerdict verdict;
  verdict.attempt = lines.front().attempt;
  const auto head = std::find_if(lines.begin(), lines.end(),
                                 [](const Observation& line) { return line.kind == "plan"; });
  if (head == lines.end()) {
    verdict.status = Status::kCutOff;
    verdict.why = "the record stops before the attempt's plan";
    return verdict;
  }
  try {
    return judge(head->fields.at("plan").get<scenarios::Plan>(), lines);
  } catch (const std::exception& error) {  // the plan is ours: an error in it is no pool's fault
    verdict.status = Status::kHarnessError;
    verdict.why = fmt::format("line {}: the plan cannot be read: {}", head->seq, error.what());
    return verdict;
  }
}

CellVerdict fold(std::string pool, std::string scenario, std::vector<AttemptVerdict> attempts) {
  CellVerdict cell{.pool = std::move(pool), .scenario = std::move(scenario)};
  cell.attempts = std::move(attempts);
  if (cell.attempts.empty() || cell.attempts.back().status == Status::kCutOff) {
    cell.status = Status::kCutOff;
    cell.why = cell.attempts.empty() ? "no attempt was made" : cell.attempts.back().why;
    if (!cell.attempts.empty()) cell.parts = deciding(cell.attempts).parts;
    return cell;
  }
  std::vector<AttemptVerdict> weighed = cell.attempts;
  std::erase_if(weighed, [](const AttemptVerdict& attempt) { return attempt.blank; });
  if (weighed.empty()) weighed = cell.attempts;
  const AttemptVerdict& decides = deciding(weighed);
  cell.status = decides.status;
  cell.why = decides.why;
  cell.parts = decides.parts;
  const auto failing = std::count_if(weighed.begin(), weighed.end(), fails);
  if (failing == 0) return cell;
  cell.rate = fmt::format("{} of {}", failing, weighed.size());
  const bool mixed = std::any_of(weighed.begin(), weighed.end(), [](const auto& a) {
    return weight_of(a.status) == Weight::kPasses;
  });
  if (mixed) {
    cell.why =
        fmt::format("{} in {} attempts: {}", to_string(decides.status), cell.rate, decides.why);
    cell.status = Status::kFlaky;
  }
  return cell;
}

void RecordJudge::take(Observation line) {
  if (line.attempt != 0) {
    const Key key{line.run, line.attempt};
    const bool ends = line.kind == "ended";
    open_[key].push_back(std::move(line));
    if (ends) judge_lines(key, std::move(open_.extract(key).mapped()));
  } else if (line.kind == "cell") {
    cells_.push_back(std::move(line));
  } else if (line.kind == "pool" && line.fields.contains("error")) {
    const std::string words = text_in(line, "stderr");
    broken_pools_[text_in(line, "name")] =
        text_in(line, "error") +
        (words.empty() ? "; it said nothing on stderr" : "; last on stderr: " + words);
  }
}

void RecordJudge::judge_lines(const Key& key, std::vector<Observation> lines) {
  AttemptVerdict verdict = judge_attempt(lines);
  judged(verdict, std::move(lines));
  by_run_[key.first].push_back(std::move(verdict));
}

std::vector<CellVerdict> RecordJudge::finish() {
  for (auto& [key, lines] : open_) judge_lines(key, std::move(lines));
  open_.clear();
  std::vector<CellVerdict> verdicts;
  for (const Observation& line : cells_) {
    const std::string pool = text_in(line, "pool");
    const std::string scenario = text_in(line, "scenario");
    const auto broken = broken_pools_.find(pool);
    if (pool.empty() || scenario.empty()) {
      verdicts.push_back({.pool = pool, .scenario = scenario, .status = Status::kHarnessError});
      verdicts.back().why = fmt::format("line {}: a cell names its pool and scenario", line.seq);
    } else if (line.fields.contains("status")) {
      verdicts.push_back(aside(line, pool, scenario));
    } else if (broken != broken_pools_.end()) {
      verdicts.push_back({.pool = pool, .scenario = scenario, .status = Status::kHarnessError});
      verdicts.back().why = fmt::format("adapter `{}`: {}", pool, broken->second);
    } else {
      std::vector<AttemptVerdict> attempts = by_run_[line.run];
      std::sort(attempts.begin(), attempts.end(),
                [](const auto& one, const auto& other) { return one.attempt < other.attempt; });
      verdicts.push_back(fold(pool, scenario, std::move(attempts)));
    }
  }
  return verdicts;
}

std::vector<CellVerdict> judge_record(const std::vector<Observation>& record) {
  RecordJudge judge;
  for (const Observation& line : record) judge.take(line);
  return judge.finish();
}

int exit_status(const std::vector<CellVerdict>& cells, Level level, bool record_is_whole) {
  bool failure = false, inconclusive = !record_is_whole || cells.empty(), judged = false;
  for (const CellVerdict& cell : cells) {
    const Weight weight = weight_of(cell.status);
    failure = failure || weight == Weight::kFails;
    inconclusive = inconclusive || weight == Weight::kInconclusive;
    judged = judged || weight != Weight::kAside;
    for (const Part& part : cell.parts)
      failure = failure || (weight_of(part.status) == Weight::kFails && part.level >= level);
  }
  if (failure) return 1;
  if (inconclusive) return 3;
  return judged ? 0 : 77;
}

}  // namespace poolproof::conformance
