// How a task can end badly. Every error says what happened, to whom, why, and whether the task may
// have run; it is built at get() from a plain Failure, one object for each future.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>

#include "poolproof/export.h"

namespace poolproof {

using TaskId = std::uint64_t;  // unique within one executor, counted from 1; 0: no task

// A worker process: its place in the pool (0 .. workers-1) and its pid. {-1, 0}: none.
struct WorkerRef {
  int index = -1;
  int pid = 0;
  bool operator==(const WorkerRef&) const = default;
};

// The kernel's record of how a process ended.
struct Exited {
  int code = 0;
  bool operator==(const Exited&) const = default;
};
struct Signaled {
  int signal = 0;
  bool core = false;  // a core file was written
  bool operator==(const Signaled&) const = default;
};
struct Unseen {  // somebody else reaped it: SIGCHLD ignored, or a wait for any child
  bool operator==(const Unseen&) const = default;
};
using ExitStatus = std::variant<Unseen, Exited, Signaled>;

// "SIGSEGV (core dumped)", "exit code 3"
POOLPROOF_EXPORT std::string to_string(const ExitStatus& status);
POOLPROOF_EXPORT std::string signal_name(int signal);  // "SIGSEGV"

// Why the process ended. `kSelf`: as its exit status says.
enum class Cause {
  kSelf,
  kChannelLost,  // it closed its channel, lived on, and was killed for it
  kGarbage,      // it broke the protocol and was killed for it
  kDeadline,     // killed at the deadline of its task
  kFrozen,       // killed at a deadline or as late, and it was found stopped (SIGSTOP, a debugger)
  kRunLimit,     // killed because its task had run as long as its run_limit allows
  kCancelled,    // killed because its task was cancelled while it ran
  kInitializer,  // killed because its initializer threw
  kLate,         // killed because it did not start, or take a task or its argument, in start_limit
  kIdle,         // asked to stop: it had no task for idle_timeout
  kSpent,        // asked to stop: it has run tasks_per_worker tasks
  kGrown,        // asked to stop: it has grown by memory_growth
  kResized,      // asked to stop: the pool is to have fewer workers
  kRightsChanged,  // asked to stop: the program has another user, group or capability by now
  kShutdown,       // asked to stop, or killed by a shutdown
  kPoolBroken,     // killed because the pool broke with another worker (OnDeath::kBreakPool)
  kOutOfMemory,    // by the kernel, whose oom_kill counter of the cgroup has risen
  kUnknown,        // its exit status could not be had
};

enum class Intent { kUnplanned, kPolicy, kAsked };

// Where along its way a value could not be turned into bytes or back.
enum class Stage { kArgs, kResult };

enum class FailureKind {
  kTask,
  kEncode,
  kDecode,
  kWorkerLost,
  kPoolBroken,
  kProtocol,
  kDeadline,
  kCancelled,
  kShutdown,
  kSpawn,
  kInitializer,
  kQueueFull,
  kNesting,
  kSupervisorLost,
  kTimeout,
};

// The plain value behind every error below.
struct Failure {
  FailureKind kind = FailureKind::kTask;
  TaskId task = 0;
  std::string text = {};       // what happened, without the names that the error adds
  std::string type_name = {};  // kTask, kEncode, kDecode: the type of the exception, demangled
  Stage stage = Stage::kArgs;
  bool started = false;  // may have run
  WorkerRef worker = {};
  ExitStatus exit = {};
  Cause cause = Cause::kSelf;
  Intent intent = Intent::kUnplanned;
  std::string stderr_tail = {};  // what the worker wrote last, with Stderr::kTail
  bool operator==(const Failure&) const = default;
};

class POOLPROOF_EXPORT ExecutorError : public std::runtime_error {
 public:
  explicit ExecutorError(const Failure& failure);
  const Failure& failure() const { return failure_; }
  TaskId task() const { return failure_.task; }
  bool started() const { return failure_.started; }  // false: the task has certainly not run

 private:
  Failure failure_;
};

// A worker or the whole pool is lost. Itself thrown where the pool broke with another task's worker
// (OnDeath::kBreakPool): failure() names that worker and its end.
class POOLPROOF_EXPORT BrokenProcessPool : public ExecutorError {
 public:
  using ExecutorError::ExecutorError;
};

// The worker that held the task died, unplanned. The pool goes on.
class POOLPROOF_EXPORT TerminatedWorkerError : public BrokenProcessPool {
 public:
  using BrokenProcessPool::BrokenProcessPool;
  WorkerRef worker() const { return failure().worker; }
  int pid() const { return failure().worker.pid; }
  ExitStatus exit() const { return failure().exit; }
  std::optional<int> exit_code() const;  // one of these two, or none if the status is Unseen
  std::optional<int> signal() const;
  bool core() const;
  Cause cause() const { return failure().cause; }
  // With evidence: the kernel counted an out-of-memory kill in the worker's cgroup. Where it does
  // not count, such a death reads as SIGKILL.
  bool out_of_memory() const { return failure().cause == Cause::kOutOfMemory; }
  Intent intent() const { return failure().intent; }
};

// No worker could be started, or fresh ones died three times in a row. The pool ends.
class POOLPROOF_EXPORT SpawnError : public BrokenProcessPool {
 public:
  explicit SpawnError(const Failure& failure) : BrokenProcessPool(failure) {}
};

// The initializer threw, hung, or ended its worker three times in a row (in any way: failure() has
// the exit status, or the type of the exception). The pool ends.
class POOLPROOF_EXPORT InitializerError : public BrokenProcessPool {
 public:
  using BrokenProcessPool::BrokenProcessPool;
  const std::string& type_name() const { return failure().type_name; }  // empty: it did not throw
};

// The executor can no longer look after its workers: the program closed its descriptors, or its own
// thread failed (for lack of memory, say). The pool ends; its workers are killed.
class POOLPROOF_EXPORT SupervisorLost : public BrokenProcessPool {
 public:
  using BrokenProcessPool::BrokenProcessPool;
};

// The worker that held the task sent what no worker may send, and was killed. The pool goes on.
class POOLPROOF_EXPORT ProtocolError : public ExecutorError {
 public:
  using ExecutorError::ExecutorError;
  WorkerRef worker() const { return failure().worker; }
  int pid() const { return failure().worker.pid; }
};

// The task threw. `what()` holds both.
class POOLPROOF_EXPORT TaskError : public ExecutorError {
 public:
  using ExecutorError::ExecutorError;
  const std::string& type_name() const { return failure().type_name; }  // "std::out_of_range"
  const std::string& text() const { return failure().text; }
};

class POOLPROOF_EXPORT EncodeError : public ExecutorError {
 public:
  using ExecutorError::ExecutorError;
  Stage stage() const { return failure().stage; }
};
class POOLPROOF_EXPORT DecodeError : public ExecutorError {
 public:
  using ExecutorError::ExecutorError;
  Stage stage() const { return failure().stage; }
};

// The task was ended at its deadline.
class POOLPROOF_EXPORT DeadlineError : public ExecutorError {
 public:
  using ExecutorError::ExecutorError;
  WorkerRef worker() const { return failure().worker; }
  int pid() const { return failure().worker.pid; }
  bool frozen() const { return failure().cause == Cause::kFrozen; }
};
class POOLPROOF_EXPORT CancelledError : public ExecutorError {
 public:
  using ExecutorError::ExecutorError;
};
// Submitted after shutdown, or ended by one that kills.
class POOLPROOF_EXPORT ShutdownExecutorError : public ExecutorError {
 public:
  using ExecutorError::ExecutorError;
};
// There was no room for the task (ExecutorOptions::max_pending). It was not taken.
class POOLPROOF_EXPORT QueueFullError : public ExecutorError {
 public:
  using ExecutorError::ExecutorError;
};
// Executors within tasks of executors, too deep (ExecutorOptions::max_depth).
class POOLPROOF_EXPORT NestingError : public ExecutorError {
 public:
  using ExecutorError::ExecutorError;
};
// My wait ran out; the task goes on.
class POOLPROOF_EXPORT TimeoutError : public ExecutorError {
 public:
  explicit TimeoutError(TaskId task);
  explicit TimeoutError(const Failure& failure) : ExecutorError(failure) {}
};

// Throws the class that belongs to `failure.kind`.
[[noreturn]] POOLPROOF_EXPORT void throw_failure(const Failure& failure);

}  // namespace poolproof
