// Where control groups lie: read from the texts of /proc/self/mountinfo and /proc/PID/cgroup. Pure.
#pragma once

#include <set>
#include <string>

namespace poolproof::faults {

// Where a group with this controller can be made.
struct CgroupPlace {
  int version = 0;     // 1 or 2
  std::string mount;   // where the hierarchy is mounted
  std::string parent;  // of the group to be made: a path as this process sees it
};

// Reads /proc/self/mountinfo and /proc/self/cgroup, whose texts are given. In version 1 the group
// becomes a child of our own; in version 2, where no process may live beside a child with
// controllers, of the nearest ancestor that hands the controller on. Throws std::runtime_error with
// the reason why there is no such place.
CgroupPlace find_cgroup_place(const std::string& controller, const std::string& mountinfo,
                              const std::string& own_groups);

// The groups of a process whose /proc/PID/cgroup is given, of all hierarchies that are mounted, as
// paths; not the roots.
std::set<std::string> groups_of(const std::string& mountinfo, const std::string& groups);

}  // namespace poolproof::faults
