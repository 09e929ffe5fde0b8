// How a task can end badly. Every error says what happened, to whom, why, and whether the task may
// have run; it is built at get() from a plain Failure, one object for each future.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <variant>
#include <vector>

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

// A std::error_code, as it travels: the name of its category, and its value.
struct ThrownCode {
  std::string category = {};  // "system", "generic", ..., or the name of a category of the program
  int value = 0;
  bool operator==(const ThrownCode&) const = default;
};

// One exception, as it travels.
struct Thrown {
  std::string type_name = {};           // demangled: "std::out_of_range"
  std::string text = {};                // its what(), or the value that was thrown
  std::optional<ThrownCode> code = {};  // of a std::system_error and the like
  bool operator==(const Thrown&) const = default;
};

// What the death of a worker did to its pool, at that moment.
enum class PoolAfter {
  kUnaffected,    // another worker takes its place
  kShuttingDown,  // a shutdown had begun
  kEnded,         // it was the end of the pool
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
  std::string stderr_tail = {};         // what the worker wrote last, with Stderr::kTail
  std::string task_name = {};           // TaskOptions::name
  std::optional<ThrownCode> code = {};  // kTask, kEncode, kDecode: of the exception
  std::vector<Thrown> nested = {};      // what it holds (std::throw_with_nested), outermost first
  PoolAfter pool_after = PoolAfter::kUnaffected;  // kWorkerLost, kProtocol
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

// A worker or the whole pool is lost: pool_ended() tells which. Thrown itself where the pool broke
// with another task's worker (OnDeath::kBreakPool): failure() names that worker and its end.
class POOLPROOF_EXPORT BrokenProcessPool : public ExecutorError {
 public:
  using ExecutorError::ExecutorError;
  // Whether it was the end of the pool: make another executor. False: submit to it as before.
  bool pool_ended() const;
};

// The worker that held the task died, unplanned. Only with OnDeath::kBreakPool, or after three such
// deaths of fresh workers, that is the end of the pool; errors.md says why it is a
// BrokenProcessPool all the same.
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

// The worker that held the task sent what no worker may send, and was killed.
class POOLPROOF_EXPORT ProtocolError : public ExecutorError {
 public:
  using ExecutorError::ExecutorError;
  WorkerRef worker() const { return failure().worker; }
  int pid() const { return failure().worker.pid; }
};

// The task threw. `what()` holds all of this.
class POOLPROOF_EXPORT TaskError : public ExecutorError {
 public:
  using ExecutorError::ExecutorError;
  const std::string& type_name() const { return failure().type_name; }  // "std::out_of_range"
  // Its what(), or the value that was thrown: throw 42 gives "42".
  const std::string& text() const { return failure().text; }
  // What std::throw_with_nested has put into it, outermost first; at most 16.
  const std::vector<Thrown>& nested() const { return failure().nested; }
  // The code of the exception (std::system_error, std::filesystem::filesystem_error, ...), or of
  // the outermost nested one that has a code. Only of the categories generic, system, future and
  // iostream; of others failure().code has the name and the value, and this is empty.
  std::optional<std::error_code> code() const;
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
// The wait of the caller ran out. That ended nothing: the task waits or runs as before.
class POOLPROOF_EXPORT TimeoutError : public ExecutorError {
 public:
  using ExecutorError::ExecutorError;
};

// Throws the class that belongs to `failure.kind`.
[[noreturn]] POOLPROOF_EXPORT void throw_failure(const Failure& failure);

}  // namespace poolproof
