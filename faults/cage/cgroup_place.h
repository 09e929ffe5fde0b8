// Where control groups are: read from the texts of /proc/self/mountinfo and /proc/PID/cgroup. Pure.
#pragma once

#include <set>
#include <string>

namespace poolproof::faults {

// Where a group with this controller can be made.
struct CgroupPlace {
  int version = 0;     // 1 or 2
  std::string mount;   // where the hierarchy is mounted
  std::string parent;  // the parent of the new group: a path as this process sees it
};

// Reads the given texts of /proc/self/mountinfo and /proc/self/cgroup. In version 1 the group
// becomes a child of our own group. In version 2 no process may be beside a child group with
// controllers, so it becomes a child of the nearest ancestor that delegates the controller. Throws
// std::runtime_error with the reason if there is no such place.
CgroupPlace find_cgroup_place(const std::string& controller, const std::string& mountinfo,
                              const std::string& own_groups);

// The groups of a process, from the text of its /proc/PID/cgroup: of all hierarchies that are
// mounted, as paths, without the roots.
std::set<std::string> groups_of(const std::string& mountinfo, const std::string& groups);

}  // namespace poolproof::faults
