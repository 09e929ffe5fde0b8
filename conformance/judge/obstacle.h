// What prevented an attempt from reaching its end: a hang, or the end of the adapter's process. One
// obstacle gives one conviction, at the part that was waiting; later parts are not judged.
#pragma once

#include <optional>
#include <string>

#include "conformance/judge/receipts.h"

namespace poolproof::conformance::judging {

struct Obstacle {
  // kParentCrash, kHangProven, kHangQuiet, kTimeout, kLostTask, or kVacuous: undecided, because the
  // harness itself still had something to do.
  Status status = Status::kTimeout;
  std::string part;  // "victim.outcome", "close" ...
  std::string expected, got;
};

// Throws FormError if the attempt did not end properly and the record does not say why.
std::optional<Obstacle> find_obstacle(const scenarios::Plan& plan, const History& history);

// One attempt, in the form in which each rule of the oracle reads it.
struct Trial {
  const scenarios::Plan& plan;
  const History& history;
  const Receipts& receipts;
  bool parent_struck = false;
  std::optional<Obstacle> obstacle;
};

// The task can no longer settle: the pool said `closed` before it settled, or it reached its end in
// a process that still lives, and its result never arrived.
bool is_lost(const TaskHistory& task, const History& history);

}  // namespace poolproof::conformance::judging
