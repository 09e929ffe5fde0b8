// How deep a JSON text nests. This is limited before the text is parsed, because code that reads or
// copies a value is recursive.
#pragma once

#include <string_view>

namespace poolproof::conformance {

inline constexpr int kDeepestMessage = 64;  // of an adapter: far more than any message has
// Of a line of the record: a message, and what stands around it.
inline constexpr int kDeepestLine = kDeepestMessage + 8;

// Counts brackets outside strings; the text need not be valid.
bool nests_too_deep(std::string_view json, int deepest);

}  // namespace poolproof::conformance
