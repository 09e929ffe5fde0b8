#include "conformance/judge/verdict.h"

#include <algorithm>

namespace poolproof::conformance {
namespace {

// A crash of the program is worse than a hang, a hang is worse than a wrong answer, and any failure
// is worse than "we do not know".
constexpr std::array kFromTheWorst = {
    Status::kParentCrash,  Status::kHangProven,   Status::kHangQuiet,    Status::kLostTask,
    Status::kDuplicateRun, Status::kTimeout,      Status::kWrongError,   Status::kLeak,
    Status::kFlaky,        Status::kHarnessError, Status::kCutOff,       Status::kVacuous,
    Status::kUnavailable,  Status::kDeclined,     Status::kKnownFailure, Status::kPass,
    Status::kNotJudged};

constexpr auto rank_of(Status status) {
  return std::find(kFromTheWorst.begin(), kFromTheWorst.end(), status) - kFromTheWorst.begin();
}

constexpr bool every_status_has_one_rank() {
  for (const Status status : words::all<Status>())
    if (std::count(kFromTheWorst.begin(), kFromTheWorst.end(), status) != 1) return false;
  return true;
}
static_assert(every_status_has_one_rank(), "a status has no rank, or two");

}  // namespace

std::string to_string(Status status) { return std::string(words::word_of(status)); }

std::optional<Status> parse_status(std::string_view text) { return words::find<Status>(text); }

Weight weight_of(Status status) {
  return words::kStatusesWeigh.at(static_cast<std::size_t>(status));
}

bool worse(Status one, Status other) { return rank_of(one) < rank_of(other); }

}  // namespace poolproof::conformance
