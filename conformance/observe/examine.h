// Two looks, a short time apart, and the proof. `poolproof diagnose` uses it, and so does a run in
// which nothing moves any more.
#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "conformance/observe/prove.h"

namespace poolproof::hang {

// Between the looks, a thread that was woken gets time to run, or is seen to be ready.
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
  bool numbers_inside = false;  // processes are named by the pids that they see themselves
  std::function<bool()> pause;  // waits between the looks, at least kApart; false: stop
};
// nullopt if `pause` returned false.
std::optional<Examination> examine(const Question& question);

// The object behind descriptor `fd` of process `pid`, for ClosedWorld; empty: there is none, or we
// may not look.
std::string object_behind(pid_t pid, int fd);

}  // namespace poolproof::hang
