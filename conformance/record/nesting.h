// How deep a JSON text nests. This is limited before the text is parsed, because code that reads or
// copies a value is recursive.
#pragma once

#include <string_view>

namespace poolproof::conformance {

inline constexpr int kDeepest = 64;  // far more than any message or record has

// Counts brackets outside strings; the text need not be valid.
bool nests_too_deep(std::string_view json);

}  // namespace poolproof::conformance
