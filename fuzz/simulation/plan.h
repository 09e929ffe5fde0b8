// What a history starts from: the pool's options, the tasks, and how much may go wrong.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <vector>

#include "executor/supervise/supervisor.h"
#include "fuzz/simulation/choices.h"

namespace poolproof::simulation {

// What a task does in its worker.
enum class Body { kValue, kThrows, kCrashes, kExits, kHangs, kLong, kHoards };
// What the initializer does.
enum class Init { kNone, kWorks, kThrows, kHangs, kCrashes };
// What comes of a SIGKILL.
enum class Kill {
  kWorks,
  kRefused,  // to the program; but when its lifeline is closed the worker is killed
  kUseless,  // refused, and the worker has let go of its lifeline
};

struct TaskPlan {
  Body body = Body::kValue;
  std::optional<std::chrono::nanoseconds> deadline = {};
  std::optional<std::chrono::nanoseconds> run_limit = {};
  int retries = 0;
  // An argument that a slow worker takes in parts, or that no worker with little memory takes; a
  // result that is too large for a program with little memory.
  bool large_call = false, large_reply = false;
};

struct Plan {
  supervise::SupervisorOptions options;
  os::WorkerSettings settings;
  Init init = Init::kNone;
  Kill kill = Kill::kWorks;  // of all workers, and for as long as the program lives
  bool refuses = false;      // each worker says that it cannot serve, and ends
  std::vector<TaskPlan> tasks;
  std::size_t pace = 0;     // so many bytes a worker takes at once; 0: all that come
  std::size_t at_once = 0;  // so many tasks are submitted before anything else
  int steps = 150;          // after so many, faults stop
  int strikes = 0;          // at most so many
  std::size_t calm = 1;     // a strike at one in so many steps (where choices come from a seed)
  bool brief = false;       // one strike of each kind, where all paths are walked
  bool shuffled = false;    // what happens next is chosen; else the first that can
  bool impatient = true;    // it is shut down before time passes; else when nothing is timed
  supervise::ShutdownAsked end;
  std::optional<std::chrono::nanoseconds> end_within;
};

Plan random_plan(Choices& choices);

// Of all paths: 2 workers, 3 tasks, `strikes` strikes, and one of the variants.
struct Variant {
  const char* name;
  void (*change)(Plan& plan);
};
std::span<const Variant> variants();
Plan walked_plan(const Variant& variant, int strikes);

}  // namespace poolproof::simulation
