// The points at which a sweep strikes: each call of a recording, each moment at which it can be
// struck, each effect. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/sweep/labels.h"
#include "conformance/sweep/workload.h"
#include "faults/call_strike.h"

namespace poolproof::conformance::sweep {

struct Point {
  std::string workload;
  Label label;
  Phase phase = Phase::kIdle;
  faults::Moment moment = faults::Moment::kBefore;
  faults::CallEffect effect;
  bool operator==(const Point&) const = default;
};

// The name of its cell: "sweep/big_results/worker write:pipe#2 in after-1@after:signal:KILL".
std::string scenario_of(const Point& point);
std::string recording_of(const std::string& workload, int run);  // "sweep/big_results/record-1"

// Which points are wanted; an empty list accepts all.
struct Wanted {
  std::vector<faults::CallEffect> effects;  // never empty
  std::vector<Phase> phases;
  std::vector<Role> roles;
  std::vector<faults::Moment> moments;
  std::optional<Label> at;
};

// All points of a recording that are wanted and possible: one effect after the other, each in the
// order of a worker's life. Freezes only if `freezable`, and only of processes that are workers by
// then. (A program that starts a process by vfork stands still together with it, and no deadline
// ends that.)
std::vector<Point> points_of(const std::string& workload, const Recording& recording,
                             const Wanted& wanted, bool freezable);

faults::CallStrike strike_at(const Point& point, const Recording& recording);

// "kill", "segv", "abrt", "exit", "errno", "short", "freeze", or the full form as in "signal:TERM",
// "errno:EIO"; empty if it is unknown. `exit` and `errno` stand for several effects.
std::vector<faults::CallEffect> parse_effects(std::string_view word);

}  // namespace poolproof::conformance::sweep
