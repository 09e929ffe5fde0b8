// How did a worker end, and why? The one place that names the cause.
//
// The first cause wins, and what we asked for beats what we observed. Our own kill on suspicion is
// never an intent.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "poolproof/error.h"

namespace poolproof::supervise {

// What a user or a policy wanted of a worker. Set once.
enum class WantedEnd {
  kNone,
  kRefuse,        // its end, at once, since its initializer threw
  kStop,          // its end, when idle
  kIdle,          // the same, since it has been idle for long
  kSpent,         // the same, since it has run enough tasks
  kGrown,         // the same, since it holds too much memory
  kResize,        // the same, since the pool is to have fewer
  kRights,        // the same, since the program has other rights now than when it was started
  kShutdownKill,  // its end, at once
  kDeadline,      // the end of its task, at its deadline
  kRunLimit,      // the same, since it has run long enough
  kCancel,        // the same, since it was cancelled
  kBreak,         // its end, at once, since the pool broke with another worker
};

// What is known of a worker before its exit record comes.
struct Notes {
  WantedEnd wanted_end = WantedEnd::kNone;
  std::optional<std::string> violation;  // the nonsense that it sent
  std::string refusal = {};              // why it cannot serve, or what it has refused to do
  std::string kill_error = {};           // how our kill failed; empty: it did not
  bool killed_as_lost = false;           // SIGKILL after its channel was lost
  std::string limit = {};                // SIGKILL at this limit, in words; empty: the deadline
  bool in_initializer = false;           // when it ended
  bool said_hello = false;               // it was ready for tasks
  bool out_of_memory = false;            // the kernel has counted such a kill
  std::size_t own_limit = 0;             // in bytes, if that was in a cgroup of its own
  std::string stderr_tail = {};          // what it wrote last, where that is kept
  bool was_frozen = false;               // seen stopped when it was killed
  bool by_itself = false;                // it had ended before any kill of ours was sent
};

struct Death {
  WorkerRef worker;
  ExitStatus exit;
  Cause cause = Cause::kSelf;
  Intent intent = Intent::kUnplanned;
  std::string violation;
  std::string limit;
  bool in_initializer = false;
  bool said_hello = false;
  std::string stderr_tail;
  std::size_t own_limit = 0;
  std::string refusal = {};
  std::string kill_error = {};
  PoolAfter pool_after = PoolAfter::kUnaffected;
};

// "30 s", "1500 ms"
std::string in_words(std::chrono::nanoseconds time);

Death name_death(WorkerRef worker, const Notes& notes, const ExitStatus& exit);

std::string to_string(const WorkerRef& worker);  // "worker 0 (pid 4711)"
// "worker 0 (pid 4711) was ended by SIGSEGV"
std::string to_string(const Death& death);

// A failure that no worker's death has brought about.
Failure plain_failure(FailureKind kind, TaskId task, std::string text);
// What the death means for the task that the worker held. `started`: it had claimed it.
Failure failure_of_task(const Death& death, TaskId task, bool started);
// The pool's end, with the first death (OnDeath::kBreakPool).
Failure failure_of_broken_pool(const Death& death);
// The pool's end, since the initializer threw `told`.
Failure failure_of_initializer(WorkerRef worker, const Failure& told);
// The pool's end, after `times` deaths of fresh workers; `death` was the last.
Failure failure_of_pool(const Death& death, int times);

}  // namespace poolproof::supervise
