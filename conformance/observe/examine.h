// Two looks, a little apart, and the proof: what `poolproof diagnose` and a run that has gone still
// ask for.
#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "conformance/observe/prove.h"

namespace poolproof::hang {

// Between the looks a thread that anything has woken gets its turn, or is seen to be ready for it.
inline constexpr std::chrono::milliseconds kApart{50};

struct Examination {
  Look look;  // the second
  Proof proof;
  std::chrono::nanoseconds took{};
};

Examination examine(pid_t root, const ClosedWorld& world, std::chrono::nanoseconds apart = kApart);

struct Question {
  Tree tree;
  ClosedWorld world;
  bool numbers_inside = false;  // processes are told by the numbers that they have themselves
  std::function<bool()> pause;  // between the looks, at least kApart; false: do not go on
};
// Nothing if the pause said so.
std::optional<Examination> examine(const Question& question);

// The object behind descriptor `fd` of process `pid`, for ClosedWorld; empty: it has none such, or
// we may not look.
std::string object_behind(pid_t pid, int fd);

}  // namespace poolproof::hang
