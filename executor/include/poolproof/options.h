// What a user may choose. Options are structs, so that every call says what it means.
#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "poolproof/bytes.h"

namespace poolproof {

// What happens to tasks that no worker has claimed.
enum class Pending {
  kDrain,   // they still run
  kCancel,  // they end with CancelledError
};

// What happens to running tasks.
enum class Running {
  kFinish,  // shutdown waits for them
  kKill,  // their workers are killed, and they end with ShutdownExecutorError; queued tasks do not
          // run either
};

// What the unplanned death of a worker means for the other tasks.
enum class OnDeath {
  kReplace,    // nothing: only its own task ends, with TerminatedWorkerError, and another worker
               // starts
  kBreakPool,  // the pool ends, as in concurrent.futures and loky: every other task, running or
               // queued, ends with BrokenProcessPool that names the death; submit throws it too
};

// Where a worker's stderr goes.
enum class Stderr {
  kInherit,  // to the program's stderr
  kTail,     // nowhere; if it dies, the error has its last lines (Failure::stderr_tail)
};

// What a terminal's Ctrl-C, Ctrl-\ and hang-up do to workers. The terminal sends SIGINT, SIGQUIT or
// SIGHUP to every process of the program's group.
enum class TerminalSignals {
  kLeaveToProgram,  // nothing: the program decides; when it ends, the workers end
  kInherit,  // what they do to any program: they end a worker, unless the program ignores them
};

struct ShutdownOptions {
  Pending pending = Pending::kDrain;
  Running running = Running::kFinish;
  // How long to wait before everything that is left is treated as by Running::kKill. None: no
  // limit.
  std::optional<std::chrono::nanoseconds> grace = std::nullopt;
  bool operator==(const ShutdownOptions&) const = default;
};

// What submit does while max_pending tasks are open.
enum class Backpressure {
  kBlock,   // waits until one has ended
  kReject,  // throws QueueFullError
};

struct CancelOptions {
  // What happens to the task if a worker has begun it. kKill: only that worker is killed and
  // replaced, and the task ends with CancelledError{started = true}.
  Running running = Running::kFinish;
};

struct TaskOptions {
  // The name of the task in the texts of its errors and in the trace: task 7 "resize a.jpg".
  std::string name = {};
  // Counted from submit. A task that is still queued then ends with DeadlineError{started = false}.
  // If a worker holds it, only that worker is killed and replaced.
  std::optional<std::chrono::nanoseconds> deadline = std::nullopt;
  // Counted from the moment a worker has been sent all of the call; a retry starts it again. A task
  // that runs longer ends with DeadlineError, and its worker is killed and replaced.
  std::optional<std::chrono::nanoseconds> run_limit = std::nullopt;
  // How often the task may be run again after a worker died while it ran it. A task that has
  // certainly not started is always given to another worker. So use this only for a task that may
  // run twice without harm.
  int retries = 0;
  // Replaces the executor's choice.
  std::optional<Backpressure> when_full = std::nullopt;
  // How long a submit that blocks waits for room before it throws QueueFullError. None: no limit.
  std::optional<std::chrono::nanoseconds> room_within = std::nullopt;
};

// Where to record what tasks and workers do, in the JSON trace-event format that ui.perfetto.dev
// and chrome://tracing show: a track for each worker with its processes and tasks, and how long
// each task waited. A separate thread writes it. If that thread is too slow, events are left out
// and counted, so a slow disk or sink never delays a task. If writing fails, only the trace ends:
// one line on stderr says so, and Health::trace_error.
struct TraceOptions {
  // The file, created or emptied by the first submit, which throws std::system_error if it cannot
  // be. A regular file, or a character device, which ends the trace if it takes nothing for a
  // second; anything else (a pipe, a FIFO) is refused, since its reader could delay the program:
  // use the sink. A relative path is taken from the directory in which the executor is constructed.
  // The first submit and the shutdown wait for the file's disk. Empty: to the sink.
  std::string path = {};
  // Is given the text piece by piece, on one thread, the last piece before shutdown returns. Must
  // not call the executor; it may call exit. Empty, and no path: nothing is recorded.
  std::function<void(std::string_view)> sink = {};
};

// How deep executors may be made within tasks of executors, unless something else is asked for.
// Executors of more than one worker end before that, since the number of processes is limited, too:
// guide.md, section "full", has a table.
inline constexpr int kMaxDepth = 10;

// A call that every worker makes before its first task. make_initializer makes one: initializer.h.
struct Initializer {
  Bytes call;  // empty: none
  bool operator==(const Initializer&) const = default;
};

struct ExecutorOptions {
  // At most so many worker processes live at once; they start when tasks need them. 0: one for each
  // CPU that this process may use (cpu_count).
  int workers = 0;
  // At most so many tasks are open at once. Open means submitted and not ended; running tasks
  // count. 0: no limit.
  std::size_t max_pending = 0;
  // For a task that does not choose. A submit that blocks waits only for workers, never for a
  // callback, so a callback may call it; the callbacks behind that one then wait too.
  Backpressure when_full = Backpressure::kBlock;
  // The tasks of an executor in the program itself run at depth 1, those of an executor in such a
  // task at depth 2; beyond this depth the constructor throws NestingError. 0: what the environment
  // says with POOLPROOF_MAX_DEPTH (0 or less: no limit), or else kMaxDepth. Below 0: no limit. It
  // is also thrown, whatever is asked for here, where no process is left for a worker of this
  // executor (see kMaxDepth).
  int max_depth = 0;
  // The longest message in either direction. A longer argument ends its task with EncodeError.
  std::size_t max_frame_bytes = std::size_t{1} << 30;
  OnDeath on_death = OnDeath::kReplace;
  Initializer initializer = {};
  // How long the initializer may take in each worker. nanoseconds::max(): forever.
  std::chrono::nanoseconds initializer_limit = std::chrono::seconds(60);
  // A worker that has had no task for so long is asked to stop; the next task starts another one.
  // None: never.
  std::optional<std::chrono::nanoseconds> idle_timeout = std::nullopt;
  // A worker that has run so many tasks is replaced. 0: never.
  int tasks_per_worker = 0;
  // A worker whose anonymous memory (its heap, not files or code) has grown by so many bytes since
  // its first task is replaced, after the task that it runs. 0: never. Measured after a task, at
  // most once in each memory_interval.
  std::size_t memory_growth = 0;
  std::chrono::nanoseconds memory_interval = std::chrono::seconds(1);
  // How many bytes one worker may map for writing, whether it uses them or not, including its
  // stacks (RLIMIT_DATA). Beyond it, `new` throws std::bad_alloc in the task. An argument or a
  // result for which there is no room ends its task with DecodeError or EncodeError. 0: the
  // program's own limit.
  std::size_t memory_limit = 0;
  // The path of a cgroup of the memory controller in which this user may make cgroups (version 1 or
  // 2). memory_limit then counts the memory that a worker really uses, together with everything
  // that its tasks start and the files that they write: each worker has its own cgroup in there.
  // The kernel kills a worker that wants more, and its task ends with
  // TerminatedWorkerError{out_of_memory() = true}. Processes that tasks have started end with their
  // worker. Empty: RLIMIT_DATA, as above.
  //
  // The constructor throws SpawnError if no cgroup with that limit can be made there.
  std::string memory_cgroup = {};
  // Added to the program's environment as it was at the first submit. It is set before any code of
  // the worker runs.
  std::map<std::string, std::string> env = {};
  Stderr worker_stderr = Stderr::kInherit;
  TerminalSignals terminal_signals = TerminalSignals::kLeaveToProgram;
  // The name of a worker is `name`-`index`: see this_worker(), and ps, which shows the first 15
  // letters.
  std::string name = "poolproof";
  // How long a worker may take to report that it has started, and to take a task that it was
  // offered. A worker that does not (stopped, stuck before main, starved) is killed and replaced.
  // Three fresh workers in a row that do not end the pool with SpawnError. While a large argument
  // is sent, the time starts again with each part that the worker takes. nanoseconds::max(): no
  // limit; 0 or less: it has passed at once. These two values mean the same for every limit here.
  std::chrono::nanoseconds start_limit = std::chrono::seconds(30);
  // After a worker's channel is lost, its exit record is awaited this long; then it is killed.
  std::chrono::nanoseconds channel_grace = std::chrono::milliseconds(500);
  // A worker that was asked to stop is killed if it is still alive after this long.
  std::chrono::nanoseconds stop_grace = std::chrono::seconds(2);
  // What ~Executor does.
  ShutdownOptions on_destroy = {};
  // Gets what a callback of Future::then threw, on the callback thread. Empty: a line on stderr.
  std::function<void(std::exception_ptr)> on_callback_error = {};
  TraceOptions trace = {};
};

}  // namespace poolproof
