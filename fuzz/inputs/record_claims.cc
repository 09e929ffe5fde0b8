#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "conformance/judge/oracle.h"
#include "conformance/record/record.h"
#include "executor/check.h"
#include "fuzz/inputs/claims.h"
#include "fuzz/inputs/record_input.h"

namespace poolproof::fuzz {
namespace {

using namespace conformance;  // NOLINT: records and their judge are all that this file is about

// A damaged record is refused with a RecordError, and with nothing else.
std::optional<Record> read(const std::string& text) {
  const MemoryFile file(text);
  try {
    return read_record(file.path());
  } catch (const RecordError& error) {
    POOLPROOF_CHECK(std::string(error.what()).find(": damaged: ") != std::string::npos,
                    "a damaged record is refused for another reason");
    return std::nullopt;
  }
}

// What was read and is written again, reads as the same record.
void writes_again(const Record& record) {
  const MemoryFile file("");
  RecordWriter writer(file.path());
  for (const Observation& line : record.observations) writer.append(line);
  writer.finish();
  const Record again = read_record(file.path());
  POOLPROOF_CHECK(again.cut_off.empty(), "a record that was written is not whole");
  POOLPROOF_CHECK(again.observations == record.observations,
                  "a record that is written again is another record");
}

bool has(const std::vector<Observation>& lines, const char* kind) {
  return std::any_of(lines.begin(), lines.end(),
                     [&](const Observation& line) { return line.kind == kind; });
}

// Nothing is said of a pool before its attempt has a plan and an end.
void is_fair(const AttemptVerdict& verdict, const std::vector<Observation>& lines) {
  const bool judged = has(lines, "plan") && has(lines, "ended");
  POOLPROOF_CHECK(
      judged || verdict.status == Status::kCutOff || verdict.status == Status::kHarnessError,
      "an attempt without a plan or without an end is judged");
  const bool convicts = weight_of(verdict.status) == Weight::kFails;
  POOLPROOF_CHECK(!convicts || !verdict.parts.empty(), "a conviction names no part");
}

std::vector<CellVerdict> judge_all(const Record& record) {
  RecordJudge judge;
  judge.judged = is_fair;
  for (const Observation& line : record.observations) judge.take(line);
  return judge.finish();
}

void is_consistent(const CellVerdict& cell) {
  const auto passes = [](const AttemptVerdict& attempt) {
    return weight_of(attempt.status) == Weight::kPasses;
  };
  POOLPROOF_CHECK(weight_of(cell.status) != Weight::kPasses ||
                      std::any_of(cell.attempts.begin(), cell.attempts.end(), passes),
                  "a cell passes without an attempt that passes");
}

}  // namespace

void claims_of_records_hold(Input input) {
  const auto record = read(record_of(input));
  if (!record) return;
  writes_again(*record);
  const std::vector<CellVerdict> cells = judge_all(*record);
  POOLPROOF_CHECK(cells == judge_record(record->observations), "a second verdict is another one");
  for (const CellVerdict& cell : cells) is_consistent(cell);
  const int status = exit_status(cells, scenarios::Level::kMust, record->cut_off.empty());
  POOLPROOF_CHECK(record->cut_off.empty() || status == 1 || status == 3,
                  "a record that is not whole counts as a success");
}

}  // namespace poolproof::fuzz
