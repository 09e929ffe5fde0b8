// How did a worker end, and why? Only this file decides the cause.
//
// The first cause wins, and what we asked for wins over what we observed. If we killed a worker
// only on suspicion, the kill does not count as wanted.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "poolproof/error.h"

namespace poolproof::supervise {

// What a user or a policy wanted for a worker. Set once.
enum class WantedEnd {
  kNone,
  kRefuse,        // it ends at once, because its initializer threw
  kStop,          // it ends when it is idle
  kIdle,          // the same, because it has been idle for long
  kSpent,         // the same, because it has run enough tasks
  kGrown,         // the same, because it holds too much memory
  kResize,        // the same, because the pool must have fewer workers
  kRights,        // the same, because the program's rights have changed since it was started
  kShutdownKill,  // it ends at once
  kDeadline,      // its task ends, at the task's deadline
  kRunLimit,      // the same, because the task has run long enough
  kCancel,        // the same, because the task was cancelled
  kBreak,         // it ends at once, because the pool broke with another worker
};

// What is known about a worker before its exit record comes.
struct Notes {
  WantedEnd wanted_end = WantedEnd::kNone;
  std::optional<std::string> violation;  // how it violated the protocol
  std::string refusal = {};              // why it cannot serve, or what it has refused to do
  std::string kill_error = {};           // why our kill failed; empty: it did not fail
  bool killed_as_lost = false;           // SIGKILL after its channel was lost
  std::string limit = {};                // SIGKILL at this limit, in words; empty: the deadline
  bool in_initializer = false;           // true: it ended inside the initializer
  bool said_hello = false;               // it was ready for tasks
  bool out_of_memory = false;            // the kernel has counted an out-of-memory kill
  std::size_t own_limit = 0;             // in bytes, if the kill was in a cgroup of its own
  std::string stderr_tail = {};          // what it wrote last, if that is kept
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

// A failure that was not caused by a worker's death.
Failure plain_failure(FailureKind kind, TaskId task, std::string text);
// What the death means for the task that the worker held. `started`: the worker had claimed it.
Failure failure_of_task(const Death& death, TaskId task, bool started);
// The failure of the pool that ended with its first death (OnDeath::kBreakPool).
Failure failure_of_broken_pool(const Death& death);
// The failure of the pool that ended because the initializer threw `told`.
Failure failure_of_initializer(WorkerRef worker, const Failure& told);
// The failure of the pool that ended after `times` deaths of fresh workers; `death` was the last
// one.
Failure failure_of_pool(const Death& death, int times);

}  // namespace poolproof::supervise
