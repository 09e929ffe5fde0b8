// One version of a pool, as `pebble@5.0.1` names it.
#pragma once

#include <optional>
#include <string>

#include "conformance/run/pools.h"

namespace poolproof::conformance {

struct VersionedName {
  std::string name;
  std::optional<std::string> version;  // of "NAME@VERSION"; may be anything, see is_version
};

VersionedName split_version(const std::string& text);

// Letters, digits and . _ + - !, beginning with a letter or digit, at most 64: no option, no path.
bool is_version(const std::string& text);

// The pool as it is to be judged in that version, named `NAME@VERSION`. Calls the program
// `pool.versions` with the version as its last argument and waits for its end. It prints one JSON
// object on stdout, {"command": [...]} (the adapter's argv) or {"unavailable": "reason"}, and what
// it is doing on stderr, which is ours. Anything else is the pool's `error`. It may take minutes
// when it has to fetch something; what it caches is its own business.
Pool in_version(const Pool& pool, const std::string& version);

}  // namespace poolproof::conformance
