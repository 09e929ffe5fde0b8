#include "faults/cage/groups_seen.h"

#include <unistd.h>

#include "faults/cage/cgroup_place.h"
#include "faults/cage/proc.h"

namespace poolproof::faults {

void GroupsSeen::begin() { own_ = read_file("/proc/self/cgroup").text; }

void GroupsSeen::look_at(int pid) {
  const std::string groups = read_file("/proc/" + std::to_string(pid) + "/cgroup").text;
  if (groups == own_) return;  // nearly always: reading the mounts is expensive
  const std::string mountinfo = read_file("/proc/self/mountinfo", 1U << 20).text;
  before_.merge(groups_of(mountinfo, own_));
  for (const std::string& path : groups_of(mountinfo, groups))
    if (before_.count(path) == 0) seen_.insert(path);
}

void GroupsSeen::are_ours(const std::string& path) { before_.insert(path); }

std::vector<std::string> GroupsSeen::left() const {
  std::vector<std::string> left;
  for (const std::string& path : seen_)
    if (before_.count(path) == 0 && ::access(path.c_str(), F_OK) == 0) left.push_back(path);
  return left;
}

}  // namespace poolproof::faults
