// What kept an attempt from going on to its end: a hang, or the end of the adapter's process. One
// obstacle gives one conviction, at the part that was waiting; what comes after it is not judged.
#pragma once

#include <optional>
#include <string>

#include "conformance/judge/receipts.h"

namespace poolproof::conformance::judging {

struct Obstacle {
  Status status = Status::kTimeout;  // kParentCrash, kHangProven, kHangQuiet, kTimeout, kLostTask,
                                     // or kVacuous: undecided, since the harness itself still owed
                                     // something
  std::string part;                  // "victim.outcome", "close" ...
  std::string expected, got;
};

// Throws FormError if the attempt did not end in order and nothing in the record says why.
std::optional<Obstacle> find_obstacle(const scenarios::Plan& plan, const History& history);

// One attempt as every rule of the oracle looks at it.
struct Trial {
  const scenarios::Plan& plan;
  const History& history;
  const Receipts& receipts;
  bool parent_struck = false;
  std::optional<Obstacle> obstacle;
};

// The task can settle no more: the pool said `closed` over it, or it came to its end in a process
// that still lives, and its result never arrived.
bool is_lost(const TaskHistory& task, const History& history);

}  // namespace poolproof::conformance::judging
