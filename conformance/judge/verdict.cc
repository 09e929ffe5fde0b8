#include "conformance/judge/verdict.h"

namespace poolproof::conformance {

std::string to_string(Status status) { return std::string(words::word_of(status)); }

std::optional<Status> parse_status(std::string_view text) { return words::find<Status>(text); }

Weight weight_of(Status status) {
  return words::kStatusesWeigh.at(static_cast<std::size_t>(status));
}

bool worse(Status one, Status other) { return one < other; }

}  // namespace poolproof::conformance
