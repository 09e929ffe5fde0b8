// One version of a pool, named like `pebble@5.0.1`.
#pragma once

#include <optional>
#include <string>

#include "conformance/run/pools.h"

namespace poolproof::conformance {

struct VersionedName {
  std::string name;
  // The part after @ in "NAME@VERSION"; may be any text, see is_version.
  std::optional<std::string> version;
};

VersionedName split_version(const std::string& text);

// Letters, digits and . _ + - !, beginning with a letter or digit, at most 64. So it cannot be an
// option or a path.
bool is_version(const std::string& text);

// The pool in that version, named `NAME@VERSION`. Calls the program `pool.versions` with the
// version as its last argument, and waits for its end. On stdout the program prints one JSON
// object: {"command": [...]} (the adapter's argv) or {"unavailable": "reason"}. Its progress goes
// to stderr, which it inherits from us. Anything else becomes the pool's `error`. It may take
// minutes if it has to download something; it may keep a cache of its own.
Pool in_version(const Pool& pool, const std::string& version);

}  // namespace poolproof::conformance
