// The attempt's own /dev/shm and /tmp, where this process has a mount namespace of its own.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

namespace poolproof::faults {

struct Places {
  bool are_private = false;
  std::string why;  // why they are not
  // What stays visible of the old places: "/tmp" -> {"clone"}. It is shared, not the attempt's own.
  std::map<std::string, std::set<std::string>> kept;
};

// "" if they are the attempt's own; else that `what` ("/dev/shm is") is the machine's, and why.
std::string why_not_private(const Places& places, const std::string& what);

// Mounts a fresh tmpfs on /dev/shm and /tmp and binds into it the entries that `texts` lead through
// (visible.h), at the same paths. All or nothing.
Places make_places_private(const std::vector<std::string>& texts);

}  // namespace poolproof::faults
