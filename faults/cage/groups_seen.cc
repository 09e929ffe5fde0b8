#include "faults/cage/groups_seen.h"

#include <unistd.h>

#include "faults/cage/cgroup_place.h"
#include "faults/cage/proc.h"

namespace poolproof::faults {

void GroupsSeen::begin() {
  mountinfo_ = read_file("/proc/self/mountinfo", 1U << 20).text;
  own_ = read_file("/proc/self/cgroup").text;
  before_ = groups_of(mountinfo_, own_);
}

void GroupsSeen::look_at(int pid) {
  const std::string groups = read_file("/proc/" + std::to_string(pid) + "/cgroup").text;
  if (groups == own_) return;  // nearly always, and not worth the reading
  for (const std::string& path : groups_of(mountinfo_, groups))
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
