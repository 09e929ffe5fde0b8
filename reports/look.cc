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
  return std::string(words::kStatusesMean.at(static_cast<std::size_t>(status)));
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
