// What the tracer knows about a process's life: how it was started, and which of its calls this one
// is. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "faults/call_strike.h"

namespace poolproof::faults {

// "adapter>exec:python3 -c main(#)". `arguments` are as in /proc/PID/cmdline; each ends with '\0'.
std::string lineage_of_fork(const std::string& parent);
std::string lineage_of_exec(const std::string& parent, std::string_view arguments);

// The kind of object behind a descriptor, from the target of its link in /proc: "pipe", "socket",
// "eventfd", "pidfd", "epoll", "memory". Empty: processes do not communicate through it.
std::string kind_of_object(std::string_view target);

class Life {
 public:
  // A line that the process writes to the ledger: one of its bodies begins, or has ended.
  void on_ledger_line(std::string_view line);
  void on_exec() { counts_.clear(); }

  // Names the call that is about to be made.
  CallLabel name_call(const std::string& call, const std::string& object, bool shutdown);
  // The call was interrupted and will be made again, with the same name.
  void take_back(const CallLabel& label);

 private:
  Segment segment(bool shutdown) const;

  int begun_ = 0;
  bool in_body_ = false;
  Segment counted_in_;
  std::map<std::pair<std::string, std::string>, int>
      counts_;  // in this segment, by call and object
};

}  // namespace poolproof::faults
