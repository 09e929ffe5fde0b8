// The attempt's own /dev/shm and /tmp, if this process has its own mount namespace.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

namespace poolproof::faults {

struct Places {
  bool are_private = false;
  std::string why;  // why the attempt does not have its own
  // Entries of the old places that stay visible: "/tmp" -> {"clone"}. They are shared with the
  // machine.
  std::map<std::string, std::set<std::string>> kept;
};

// "" if the attempt has its own; otherwise a text that says that `what` ("/dev/shm is") belongs to
// the machine, and why.
std::string why_not_private(const Places& places, const std::string& what);

// Mounts a new tmpfs on /dev/shm and /tmp. Binds into it, at the same paths, the entries through
// which paths in `texts` go (visible.h). Does all of this or nothing.
Places make_places_private(const std::vector<std::string>& texts);

}  // namespace poolproof::faults
