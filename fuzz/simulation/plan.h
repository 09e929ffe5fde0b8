// The start of a history: the pool's options, the tasks, and how many faults may happen.
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
// What a SIGKILL does.
enum class Kill {
  kWorks,
  kRefused,  // the program may not send it; closing its lifeline kills the worker
  kUseless,  // refused, and the worker has closed its lifeline
};

struct TaskPlan {
  Body body = Body::kValue;
  std::optional<std::chrono::nanoseconds> deadline = {};
  std::optional<std::chrono::nanoseconds> run_limit = {};
  int retries = 0;
  // An argument that a slow worker takes in parts, or that a worker with little memory cannot take;
  // a result that is too large for a program with little memory.
  bool large_call = false, large_reply = false;
};

struct Plan {
  supervise::SupervisorOptions options;
  os::WorkerSettings settings;
  Init init = Init::kNone;
  Kill kill = Kill::kWorks;  // for all workers, as long as the program lives
  bool refuses = false;      // each worker reports that it cannot serve, and ends
  std::vector<TaskPlan> tasks;
  std::size_t pace = 0;     // how many bytes a worker takes at once; 0: all that come
  std::size_t at_once = 0;  // how many tasks are submitted before anything else
  int steps = 150;          // the number of steps after which faults stop
  int strikes = 0;          // at most so many faults
  std::size_t calm = 1;     // one strike in so many steps (if choices come from a seed)
  bool brief = false;       // only one strike of each kind, if all paths are walked
  bool shuffled = false;    // the next event is chosen; otherwise it is the first possible one
  bool impatient = true;    // shut down before time passes; otherwise when no timer is set
  supervise::ShutdownAsked end;
  std::optional<std::chrono::nanoseconds> end_within;
};

Plan random_plan(Choices& choices);

// For all paths: 2 workers, 3 tasks, `strikes` strikes, and one of the variants.
struct Variant {
  const char* name;
  void (*change)(Plan& plan);
};
std::span<const Variant> variants();
Plan walked_plan(const Variant& variant, int strikes);

}  // namespace poolproof::simulation
