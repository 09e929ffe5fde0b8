// The vocabulary of faults: at which point a pool can be struck, how, and when. Plain values; knows
// no pool.
//
// A fault is data: {point, trigger, effect}. Scenario files, plans, events and reports use the
// words of this file, and `parse(to_string(x)) == x` for all of them (fault_test.cc).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace poolproof::faults {

// A moment in a pool's life where a fault can strike.
enum class Point {
  kIdle,          // the pool is warm, all workers known, nothing submitted
  kRunning,       // inside a task body
  kEncodeArgs,    // an argument is being encoded, on the caller's side
  kDecodeArgs,    // an argument is being decoded, in the worker
  kEncodeResult,  // a result is being encoded, in the worker
  kDecodeResult,  // a result is being decoded, on the caller's side
  kSending,       // a result that is larger than any buffer is being sent to the caller
  kCallback,      // inside the done-callback of a task, on the caller's side
};

// Which process the fault strikes.
enum class Target {
  kWorker,      // the process that reached the point
  kAllWorkers,  // every worker known from the warm-up (only at kIdle)
  kParent,      // the adapter: the process that owns the pool
  kGroup,       // the adapter and its whole process group, as Ctrl-C does
};

// The door through which the effect is applied (design.md section 4).
enum class Door { kTask, kProcess, kLimit };

enum class EffectKind {
  kSignal,            // process door: the cage sends `signal`            "kill", "signal:SEGV"
  kRaise,             // task door: the body raises `signal` in itself    "raise:SEGV"
  kExit,              // task door: the body calls _exit(`code`)          "exit:0"
  kLoop,              // task door: the body loops forever                "loop"
  kSleep,             // task door: the body sleeps forever               "sleep"
  kThrow,             // task door: the body, codec or callback throws    "throw"
  kThrowUndecodable,  // task door: what it throws cannot be decoded by the caller
  // Task door: the body starts a child that keeps every descriptor, and then meets again.
  kFork,
  kCloseFds,  // task door: the body closes every descriptor from 3 on, and continues
  kGarbage,   // task door: the body writes garbage to every pipe and socket of its process
  kReturn,    // the adapter returns from its main
  kExhaust,   // the body uses up `resource`, of which its process has little left  "exhaust:memory"
  kDeny,      // limit door: the whole run gets no more of `resource`    "deny:processes"
};

// A resource of a pool that can be taken away.
enum class Resource {
  kNone,
  kMemory,        // the kernel kills a process that takes too much of it
  kAddressSpace,  // RLIMIT_AS: an allocation is refused
  kData,          // RLIMIT_DATA: the same
  kStack,         // of a thread; the language sets its size, and no further limit exists
  kFiles,         // open descriptors
  kFileSize,      // of one file
  kSharedMemory,  // /dev/shm
  kProcesses,     // new processes and threads
  kCpu,           // a twentieth of one core is left
  kExec,          // programs: none can be started
};

struct Effect {
  EffectKind kind = EffectKind::kSignal;
  int signal = 0;                       // kSignal, kRaise
  int code = 0;                         // kExit, 0..255
  Resource resource = Resource::kNone;  // kExhaust, kDeny
  bool operator==(const Effect&) const = default;
};

// When the fault strikes: all `count` tasks of the role are at the point together, for the `nth`
// time (1 is the first).
struct Trigger {
  int nth = 1;
  bool operator==(const Trigger&) const = default;
};

struct Fault {
  Point point = Point::kRunning;
  std::string role;  // the task group of the scenario that reaches the point; empty at kIdle
  Trigger trigger;
  Target target = Target::kWorker;
  Effect effect;
  bool operator==(const Fault&) const = default;
};

// Whether it ends the program that owns the pool, alone or with its group.
bool strikes_program(const Fault& fault);
// Where a body stops before the fault strikes: "running" for kSending too, because it gets there
// first.
std::string meets_at(Point point);
Door door_of(const Effect& effect);
// kSignal, kRaise, kExit, memory used up: the receipt is the exit of a process.
bool ends_process(const Effect& effect);
bool is_written_by_task(const Effect& effect);  // the receipt is a `struck` line of the ledger
// Other resources used up: in one language the task throws, in another one the process dies. The
// receipt is either of these.
bool ends_process_or_is_written(const Effect& effect);

std::string to_string(Point point);           // "decode-args"
std::string to_string(Target target);         // "worker", "all-workers", "parent"
std::string to_string(Door door);             // "task", "process", "limit"
std::string to_string(Resource resource);     // "address-space"
std::string to_string(const Effect& effect);  // "kill" (for SIGKILL by the process door), "exit:0"

std::optional<Point> parse_point(std::string_view text);
std::optional<Target> parse_target(std::string_view text);
std::optional<Effect> parse_effect(std::string_view text);  // nullopt for an unknown word or number

// "KILL" <-> SIGKILL, without the SIG prefix. The parse function accepts both forms. The name
// function returns "34" for a signal without a name.
std::string signal_name(int signal);
std::optional<int> parse_signal(std::string_view name);

}  // namespace poolproof::faults
