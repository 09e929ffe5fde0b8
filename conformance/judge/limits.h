// Which limits were set on the processes of one attempt, and what the kernel counted during them.
// This is the evidence for a reported cause `oom-kill`; a signal alone is no evidence.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "conformance/record/observation.h"

namespace poolproof::conformance::judging {

class LimitHistory {
 public:
  struct Set {  // a line `limited`
    int number = 0;
    std::string what, by, error;  // error: why it could not be set, or ""
    std::int64_t t_ns = 0;
  };
  struct Seen {  // a line `limit-seen`: the counters when it was set, and when this process ended
    int number = 0;
    int pid = 0;
    std::uint64_t start = 0;
    std::map<std::string, std::int64_t> before, now;
  };

  void take(const Observation& line);  // one of these two kinds

  const Set* find(int number) const;  // nullptr: the record has none of this number
  std::string first_error() const;    // "": all requested limits were set
  // How much the counter rose while this process was limited.
  std::int64_t rose(const std::string& counter, int pid, std::uint64_t start) const;

 private:
  std::vector<Set> set_;
  std::vector<Seen> seen_;
};

}  // namespace poolproof::conformance::judging
