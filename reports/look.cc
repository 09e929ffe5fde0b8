#include "reports/look.h"

#include <fmt/format.h>

namespace poolproof::reports {
namespace {

using conformance::Status;
using conformance::Weight;

std::string in_colour(std::string_view text, std::string_view code, const Look& look) {
  if (!look.colour) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

}  // namespace

std::string_view glyph_of(Status status) {
  if (status == Status::kFlaky) return "≈";
  if (status == Status::kKnownFailure) return "≡";
  switch (conformance::weight_of(status)) {
    case Weight::kPasses:
      return "✓";
    case Weight::kFails:
      return "✗";
    case Weight::kInconclusive:
      return "?";
    case Weight::kAside:
      break;
  }
  return "·";
}

std::string labelled(Status status) {
  return fmt::format("{} {}", glyph_of(status), conformance::to_string(status));
}

std::string meaning_of(Status status) {
  switch (status) {
    case Status::kPass:
      return "every must part holds";
    case Status::kWrongError:
      return "an outcome, or what it tells of a death, is not what happened";
    case Status::kLostTask:
      return "a task came to its end, or its pool was closed, and its future never settled";
    case Status::kDuplicateRun:
      return "a task ran twice";
    case Status::kHangProven:
      return "a future is open, and it is proved that nothing can ever move again";
    case Status::kHangQuiet:
      return "a future or call is open past its limit, and nothing moves";
    case Status::kTimeout:
      return "past its limit, while something still moves";
    case Status::kParentCrash:
      return "the program that owns the pool ended by itself";
    case Status::kLeak:
      return "something is left over";
    case Status::kVacuous:
      return "the fault did not strike, so nothing is proved";
    case Status::kDeclined:
      return "the pool says it lacks what the scenario needs";
    case Status::kUnavailable:
      return "this machine cannot make or see it";
    case Status::kKnownFailure:
      return "fails, and the baseline lists it";
    case Status::kFlaky:
      return "fails in some attempts and passes in others";
    case Status::kHarnessError:
      return "the harness or the adapter broke its own rules";
    case Status::kCutOff:
      return "the record stops before the end";
    case Status::kNotJudged:
      return "not judged: something before it failed";
  }
  return "";
}

std::string painted(std::string_view text, Status status, const Look& look) {
  switch (conformance::weight_of(status)) {
    case Weight::kPasses:
      return in_colour(text, "32", look);
    case Weight::kFails:
      return in_colour(text, status == Status::kFlaky ? "35" : "31", look);
    case Weight::kInconclusive:
      return in_colour(text, "33", look);
    case Weight::kAside:
      break;
  }
  return in_colour(text, "2", look);
}

std::string dimmed(std::string_view text, const Look& look) { return in_colour(text, "2", look); }
std::string bold(std::string_view text, const Look& look) { return in_colour(text, "1", look); }

}  // namespace poolproof::reports
