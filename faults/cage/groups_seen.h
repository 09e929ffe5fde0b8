// Finds the control groups that processes inside made for themselves: a process of this run was
// seen in the group, and the group did not exist before the cage. So they are distinguished from
// groups of other runs.
#pragma once

#include <set>
#include <string>
#include <vector>

namespace poolproof::faults {

class GroupsSeen {
 public:
  void begin();                            // the groups of this process existed before
  void look_at(int pid);                   // a process inside
  void are_ours(const std::string& path);  // those of the limiter
  std::vector<std::string> left() const;   // those that still exist, as paths

 private:
  std::string own_;  // the kernel's text for the groups of this process
  std::set<std::string> before_, seen_;
};

}  // namespace poolproof::faults
