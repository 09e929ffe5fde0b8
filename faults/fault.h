// The vocabulary of faults: at which point a pool can be struck, how, and when. Plain values; knows
// no pool.
//
// A fault is data: {point, trigger, effect}. The words of conformance/protocol/words.toml, with
// their enums here, say what each of these can be. Scenario files, plans, events and reports use
// the words of this file, and `parse(to_string(x)) == x` for all of them (fault_test.cc).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "generated/words.h"  // Point, Target, EffectKind, Resource

namespace poolproof::faults {

// The door through which the effect is applied (design.md section 4).
enum class Door { kTask, kProcess, kLimit };

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
std::string to_string(Target target);         // "all-workers"
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
