// How a task can fail. Every error says what happened, to which worker and task, why, and whether
// the task may have run. It is built at get() from a plain Failure, one object for each future.
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
struct Unseen {  // another part of the program reaped it: SIGCHLD ignored, or a wait for any child
  bool operator==(const Unseen&) const = default;
};
using ExitStatus = std::variant<Unseen, Exited, Signaled>;

// "SIGSEGV (core dumped)", "exit code 3"
POOLPROOF_EXPORT std::string to_string(const ExitStatus& status);
POOLPROOF_EXPORT std::string signal_name(int signal);  // "SIGSEGV"

// Why the process ended. `kSelf`: as its exit status says.
enum class Cause {
  kSelf,
  kChannelLost,  // it closed its channel, did not exit, and was killed for it
  kGarbage,      // it broke the protocol and was killed for it
  kDeadline,     // killed at the deadline of its task
  kFrozen,       // killed by a deadline or as kLate, and it was found stopped (SIGSTOP, a debugger)
  kRunLimit,     // killed because its task had run as long as its run_limit allows
  kCancelled,    // killed because its task was cancelled while it ran
  kInitializer,  // killed because its initializer threw
  kLate,         // killed because it did not start, or did not take a task or its argument, within
                 // start_limit
  kIdle,         // asked to stop: it had no task for idle_timeout
  kSpent,        // asked to stop: it has run tasks_per_worker tasks
  kGrown,        // asked to stop: it has grown by memory_growth
  kResized,      // asked to stop: the pool is to have fewer workers
  kRightsChanged,  // asked to stop: the program has since changed its user, group or capabilities
  kShutdown,       // asked to stop, or killed by a shutdown
  kPoolBroken,     // killed because the pool broke with another worker (OnDeath::kBreakPool)
  kOutOfMemory,    // killed by the kernel, whose oom_kill counter of the cgroup has risen
  kUnknown,        // its exit status could not be read
};

enum class Intent { kUnplanned, kPolicy, kAsked };

// At which stage a value could not be encoded or decoded.
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
  std::optional<ThrownCode> code = {};  // if it is a std::system_error or similar
  bool operator==(const Thrown&) const = default;
};

// What the death of a worker did to its pool, at the time of the death.
enum class PoolAfter {
  kUnaffected,    // another worker takes its place
  kShuttingDown,  // a shutdown had begun
  kEnded,         // the pool ended
};

// The plain value behind every error below.
struct Failure {
  FailureKind kind = FailureKind::kTask;
  TaskId task = 0;
  std::string text = {};       // what happened, without the names that the error adds
  std::string type_name = {};  // kTask, kEncode, kDecode: the type of the exception, demangled
  Stage stage = Stage::kArgs;
  bool started = false;  // true: it may have run
  WorkerRef worker = {};
  ExitStatus exit = {};
  Cause cause = Cause::kSelf;
  Intent intent = Intent::kUnplanned;
  std::string stderr_tail = {};         // what the worker wrote last, with Stderr::kTail
  std::string task_name = {};           // TaskOptions::name
  std::optional<ThrownCode> code = {};  // kTask, kEncode, kDecode: the code of the exception
  std::vector<Thrown> nested =
      {};  // the exceptions nested in it (std::throw_with_nested), outermost first
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

// A worker or the whole pool is lost: pool_ended() tells which. This class itself is thrown if the
// pool broke because of another task's worker (OnDeath::kBreakPool): failure() names that worker
// and how it ended.
class POOLPROOF_EXPORT BrokenProcessPool : public ExecutorError {
 public:
  using ExecutorError::ExecutorError;
  // Whether the pool has ended: then make another executor. False: submit to it as before.
  bool pool_ended() const;
};

// The worker that held the task died, and this was not planned. The pool ends only with
// OnDeath::kBreakPool, or after three such deaths of fresh workers. errors.md says why this is a
// BrokenProcessPool in all cases.
class POOLPROOF_EXPORT TerminatedWorkerError : public BrokenProcessPool {
 public:
  using BrokenProcessPool::BrokenProcessPool;
  WorkerRef worker() const { return failure().worker; }
  int pid() const { return failure().worker.pid; }
  ExitStatus exit() const { return failure().exit; }
  std::optional<int> exit_code()
      const;  // one of these two has a value; neither, if the status is Unseen
  std::optional<int> signal() const;
  bool core() const;
  Cause cause() const { return failure().cause; }
  // Only with evidence: the kernel counted an out-of-memory kill in the worker's cgroup. If the
  // kernel does not count, such a death is reported as SIGKILL.
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

// The executor can no longer supervise its workers: the program closed its descriptors, or its own
// thread failed (for lack of memory, for example). The pool ends, and its workers are killed.
class POOLPROOF_EXPORT SupervisorLost : public BrokenProcessPool {
 public:
  using BrokenProcessPool::BrokenProcessPool;
};

// The worker that held the task violated the protocol, and was killed.
class POOLPROOF_EXPORT ProtocolError : public ExecutorError {
 public:
  using ExecutorError::ExecutorError;
  WorkerRef worker() const { return failure().worker; }
  int pid() const { return failure().worker.pid; }
};

// The task threw. `what()` contains everything below.
class POOLPROOF_EXPORT TaskError : public ExecutorError {
 public:
  using ExecutorError::ExecutorError;
  const std::string& type_name() const { return failure().type_name; }  // "std::out_of_range"
  // The exception's what(), or the value that was thrown: throw 42 gives "42".
  const std::string& text() const { return failure().text; }
  // The exceptions nested in it by std::throw_with_nested, outermost first; at most 16.
  const std::vector<Thrown>& nested() const { return failure().nested; }
  // The code of the exception (std::system_error, std::filesystem::filesystem_error, ...), or of
  // the outermost nested exception that has one. Only codes of the categories generic, system,
  // future and iostream; for others this is empty, and failure().code has the name and the value.
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
// Submitted after shutdown, or ended by a shutdown that kills.
class POOLPROOF_EXPORT ShutdownExecutorError : public ExecutorError {
 public:
  using ExecutorError::ExecutorError;
};
// There was no room for the task (ExecutorOptions::max_pending). It was not taken.
class POOLPROOF_EXPORT QueueFullError : public ExecutorError {
 public:
  using ExecutorError::ExecutorError;
};
// An executor within a task of an executor, nested too deep (ExecutorOptions::max_depth).
class POOLPROOF_EXPORT NestingError : public ExecutorError {
 public:
  using ExecutorError::ExecutorError;
};
// The caller's wait took too long. This ends nothing: the task still waits or runs.
class POOLPROOF_EXPORT TimeoutError : public ExecutorError {
 public:
  using ExecutorError::ExecutorError;
};

// Throws the class that belongs to `failure.kind`.
[[noreturn]] POOLPROOF_EXPORT void throw_failure(const Failure& failure);

}  // namespace poolproof
