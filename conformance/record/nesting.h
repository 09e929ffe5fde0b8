// How deep a JSON text nests. Bounded before it is parsed: what takes a value apart, or copies it,
// recurses.
#pragma once

#include <string_view>

namespace poolproof::conformance {

inline constexpr int kDeepest = 64;  // far more than any message or record has

// Counts brackets outside strings; the text need not be valid.
bool nests_too_deep(std::string_view json);

}  // namespace poolproof::conformance
