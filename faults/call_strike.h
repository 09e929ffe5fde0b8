// The vocabulary of the syscall door: which system call of whose life is struck, when, and how.
// Plain values; knows no pool. `parse(to_string(x)) == x` (call_strike_test.cc).
//
// A process is known by its *lineage*: how it came to be, from the adapter down. "adapter>fork" is
// a fork of it that has not called exec; "adapter>exec:python3 -c from x import main; main(#)" one
// that has, with every number of its command line written as '#'. Pools start their workers in one
// way, so a lineage, learnt from a run that nothing strikes, names the workers of the next run
// before they have done anything.
#pragma once

#include <compare>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace poolproof::faults {

// Where in the life of a process a call is made.
struct Segment {
  enum class Kind {
    kStart,     // since its birth or its exec, before its first task's body    "start"
    kTask,      // inside the body of its `task`th task (1 is the first)        "task-1"
    kAfter,     // after the end of that body                                   "after-1"
    kShutdown,  // since the harness told the pool to close                     "shutdown"
  };
  Kind kind = Kind::kStart;
  int task = 0;  // kTask, kAfter
  auto operator<=>(const Segment&) const = default;
};

// One call in the life of a process: the `nth` (1 is the first) of this name on this kind of
// object in its segment. The same label names the same deed in every run, as far as a pool's own
// order allows.
struct CallLabel {
  Segment segment;
  std::string call;    // "write", as the kernel names it
  std::string object;  // kind of what it is done to: "pipe", "socket", "eventfd" ...; "-": nothing
  int nth = 1;
  auto operator<=>(const CallLabel&) const = default;
};

// When the strike comes. A torn call moves only a part of its bytes, and then the strike comes.
enum class Moment {
  kBefore,    // the call is not made                       "before"
  kAfter,     // it has been made                           "after"
  kTornByte,  // it moved one byte                          "torn-byte"
  kTornHalf,  // it moved half of its bytes                 "torn-half"
  kTornLast,  // it moved all of its bytes but one          "torn-last"
};
bool is_torn(Moment moment);

struct CallEffect {
  enum class Kind {
    kSignal,  // the process is struck by `number`, a signal    "signal:KILL"
    kExit,    // it calls exit_group(`number`) instead          "exit:3"     (only before)
    kFreeze,  // it is stopped, and stays so                    "freeze"
    kErrno,   // the call fails with `number`, an errno         "errno:EAGAIN" (only before)
    kShort,   // the call moves half of its bytes, and all goes on   "short" (only before)
  };
  Kind kind = Kind::kSignal;
  int number = 0;
  auto operator<=>(const CallEffect&) const = default;
};
bool ends_process(const CallEffect& effect);

struct CallStrike {
  std::vector<std::string> lineages;  // whose: the first process of any of these to come there
  CallLabel at;
  Moment moment = Moment::kBefore;
  CallEffect effect;
  bool operator==(const CallStrike&) const = default;
};
// An effect that a moment does not allow (an exit after the call), as a sentence; empty: it does.
std::string why_impossible(const CallStrike& strike);

// A place in a program: where a call is made, or a function of it begins.
struct Place {
  std::optional<CallLabel> call;  // "write:pipe#2 in after-1"
  std::string symbol;             // else: "symbol:ring_push", as its symbol table has it
  bool operator==(const Place&) const = default;
};

// For what is done where no call is made: between two places one thread runs step by step, and each
// step that changed memory which other processes see too is a store. (A store that changes nothing
// is no event for anybody.) The strike comes right after the `nth` (1 is the first).
struct StoreStrike {
  std::vector<std::string> lineages;  // whose: the first process of any of these to come to `from`
  Place from;                         // a call: once it has returned
  Place to;
  int nth = 1;
  CallEffect effect;  // a signal, or freeze
  bool operator==(const StoreStrike&) const = default;
};

// What a tracer is asked for when a run starts.
struct Trace {
  std::vector<std::string> calls;      // names; the others cost nothing
  bool tells_calls = false;            // every one of these is told, with its label
  std::optional<CallStrike> strike{};  // strikes once, after the mark `armed`
  std::optional<StoreStrike> store{};  // once, too; not together with a strike or with tells_calls
  bool parent_too = false;             // the adapter's own calls, from the mark `armed` on
  bool operator==(const Trace&) const = default;
};

// As they stand in plans and in the cage's `start`. from_json throws std::runtime_error that names
// the key and what may stand there.
void to_json(nlohmann::json& out, const CallStrike& strike);
void from_json(const nlohmann::json& in, CallStrike& strike);
void to_json(nlohmann::json& out, const StoreStrike& strike);
void from_json(const nlohmann::json& in, StoreStrike& strike);
void to_json(nlohmann::json& out, const Trace& trace);
void from_json(const nlohmann::json& in, Trace& trace);

// "write:pipe#2 in after-1"
std::string to_string(const CallLabel& label);
std::string to_string(const Place& place);
std::string to_string(const Segment& segment);
std::string to_string(Moment moment);
std::string to_string(const CallEffect& effect);
std::optional<CallLabel> parse_call_label(std::string_view text);
std::optional<Place> parse_place(std::string_view text);
std::optional<Segment> parse_segment(std::string_view text);
std::optional<Moment> parse_moment(std::string_view text);
std::optional<CallEffect> parse_call_effect(std::string_view text);

// The calls by which processes talk, wait and end: what a sweep strikes. Names that `Trace::calls`
// takes are exactly those that `knows_call` says yes to.
const std::vector<std::string>& calls_of_a_sweep();
bool knows_call(std::string_view name);
bool moves_bytes_out(std::string_view call);  // it can be torn

}  // namespace poolproof::faults
