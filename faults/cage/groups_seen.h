// The control groups that those inside made for themselves: one in which a process of this run was
// seen, and which was not there for the cage itself. So they are told from those of other runs.
#pragma once

#include <set>
#include <string>
#include <vector>

namespace poolproof::faults {

class GroupsSeen {
 public:
  void begin();                            // what this process is in was there before
  void look_at(int pid);                   // a process inside
  void are_ours(const std::string& path);  // the limiter's
  std::vector<std::string> left() const;   // those that still exist, as paths

 private:
  std::string own_;  // the kernel's text of the groups that this process is in
  std::set<std::string> before_, seen_;
};

}  // namespace poolproof::faults
