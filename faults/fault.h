// The fault vocabulary: what can strike a pool, where, and how. Plain values; knows no pool.
//
// A fault is data: {point, trigger, effect}. The words here are the words of scenario files, plans,
// events and reports, and `parse(to_string(x)) == x` for all of them (fault_test.cc).
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
  kSending,       // a result that is larger than any buffer is on its way to the caller
  kCallback,      // inside the done-callback of a task, on the caller's side
};

// Whom the fault strikes.
enum class Target {
  kWorker,      // the process that reached the point
  kAllWorkers,  // every worker known from the warm-up (only at kIdle)
  kParent,      // the adapter: the process that owns the pool
  kGroup,       // the adapter and its whole process group, as Ctrl-C does
};

// By which door the effect enters (design.md section 4).
enum class Door { kTask, kProcess, kLimit };

enum class EffectKind {
  kSignal,            // process door: the cage sends `signal`            "kill", "signal:SEGV"
  kRaise,             // task door: the body raises `signal` in itself    "raise:SEGV"
  kExit,              // task door: the body calls _exit(`code`)          "exit:0"
  kLoop,              // task door: the body loops for ever               "loop"
  kSleep,             // task door: the body sleeps for ever              "sleep"
  kThrow,             // task door: the body, codec or callback throws    "throw"
  kThrowUndecodable,  // task door: what it throws cannot be decoded by the caller
  kFork,      // task door: the body starts a child that keeps every descriptor, and meets again
  kCloseFds,  // task door: the body closes every descriptor from 3 on, and goes on
  kGarbage,   // task door: the body writes rubbish on every pipe and socket of its process
  kReturn,    // the adapter returns from its main
  kExhaust,   // the body uses `resource` up, of which its process has little left  "exhaust:memory"
  kDeny,      // limit door: there is no more of `resource` for the whole run     "deny:processes"
};

// What a pool lives on, and may be without.
enum class Resource {
  kNone,
  kMemory,        // the kernel kills who takes too much of it
  kAddressSpace,  // RLIMIT_AS: an allocation is refused
  kData,          // RLIMIT_DATA: the same
  kStack,         // of a thread; the language's own, and nobody limits it further
  kFiles,         // open descriptors
  kFileSize,      // of one file
  kSharedMemory,  // /dev/shm
  kProcesses,     // births of processes and threads
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

// When, of the times that the point is reached by that role, the fault strikes: all `count` tasks
// of the role stand at the point together, for the `nth` time (1 is the first).
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

// The program that owns the pool ends by it, alone or with its group.
bool strikes_program(const Fault& fault);
// Where a body stands before the fault strikes: "running" for kSending too, on its way there.
std::string meets_at(Point point);
Door door_of(const Effect& effect);
// kSignal, kRaise, kExit, memory used up: the receipt is a process exit.
bool ends_process(const Effect& effect);
bool is_written_by_task(const Effect& effect);  // the receipt is a `struck` line of the ledger
// What else is used up: one language throws, another dies of it. The receipt is either.
bool ends_process_or_is_written(const Effect& effect);

std::string to_string(Point point);           // "decode-args"
std::string to_string(Target target);         // "worker", "all-workers", "parent"
std::string to_string(Door door);             // "task", "process", "limit"
std::string to_string(Resource resource);     // "address-space"
std::string to_string(const Effect& effect);  // "kill" (for SIGKILL by the process door), "exit:0"

std::optional<Point> parse_point(std::string_view text);
std::optional<Target> parse_target(std::string_view text);
std::optional<Effect> parse_effect(std::string_view text);  // nullopt for an unknown word or number

// "KILL" <-> SIGKILL, without the SIG prefix; parse takes both forms, name gives "34" for the
// unnamed.
std::string signal_name(int signal);
std::optional<int> parse_signal(std::string_view name);

}  // namespace poolproof::faults
