#include "conformance/judge/verdict.h"

#include <array>

namespace poolproof::conformance {
namespace {

struct Row {
  Status status;
  std::string_view word;
  Weight weight;
};

// From the worst to the best: `worse` uses the order of the rows. A crash of the program is worse
// than a hang, a hang is worse than a wrong answer, and any failure is worse than "we do not know".
constexpr std::array<Row, 17> kRows = {{
    {Status::kParentCrash, "parent-crash", Weight::kFails},
    {Status::kHangProven, "hang-proven", Weight::kFails},
    {Status::kHangQuiet, "hang-quiet", Weight::kFails},
    {Status::kLostTask, "lost-task", Weight::kFails},
    {Status::kDuplicateRun, "duplicate-run", Weight::kFails},
    {Status::kTimeout, "timeout", Weight::kFails},
    {Status::kWrongError, "wrong-error", Weight::kFails},
    {Status::kLeak, "leak", Weight::kFails},
    // Unless a baseline lists it, which does not exist yet.
    {Status::kFlaky, "flaky", Weight::kFails},
    {Status::kHarnessError, "harness-error", Weight::kInconclusive},
    {Status::kCutOff, "cut-off", Weight::kInconclusive},
    {Status::kVacuous, "vacuous", Weight::kInconclusive},
    {Status::kUnavailable, "unavailable", Weight::kAside},
    {Status::kDeclined, "declined", Weight::kAside},
    {Status::kKnownFailure, "known-failure", Weight::kPasses},
    {Status::kPass, "pass", Weight::kPasses},
    {Status::kNotJudged, "not-judged", Weight::kAside},
}};

constexpr std::size_t row_of(Status status) {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (kRows[i].status == status) return i;
  }
  return kRows.size();
}

constexpr bool every_status_has_one_row() {
  for (int i = 0; i <= static_cast<int>(Status::kNotJudged); ++i) {
    if (row_of(static_cast<Status>(i)) == kRows.size()) return false;
  }
  return kRows.size() == static_cast<std::size_t>(Status::kNotJudged) + 1;
}
static_assert(every_status_has_one_row(), "a status has no row, or two");

}  // namespace

std::string to_string(Status status) { return std::string(kRows[row_of(status)].word); }

std::optional<Status> parse_status(std::string_view text) {
  for (const Row& row : kRows) {
    if (row.word == text) return row.status;
  }
  return std::nullopt;
}

Weight weight_of(Status status) { return kRows[row_of(status)].weight; }

bool worse(Status one, Status other) { return row_of(one) < row_of(other); }

}  // namespace poolproof::conformance
