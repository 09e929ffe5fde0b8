// The vocabulary of the syscall door: which system call of which process is struck, when, and how.
// Plain values; knows no pool. `parse(to_string(x)) == x` (call_strike_test.cc).
//
// A process is identified by its *lineage*: how it was started, beginning with the adapter.
// "adapter>fork" is a fork of the adapter that has not called exec. "adapter>exec:python3 -c from x
// import main; main(#)" has called exec; every number of its command line is written as '#'. A pool
// starts its workers in one way. So a lineage that was seen in a run without a strike names the
// workers of the next run before they have done anything.
#pragma once

#include <compare>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace poolproof::faults {

// The part of a process's life in which a call is made.
struct Segment {
  enum class Kind {
    kStart,     // from its birth or its exec until its first task's body       "start"
    kTask,      // inside the body of its `task`th task (1 is the first)        "task-1"
    kAfter,     // after the end of that body                                   "after-1"
    kShutdown,  // after the harness told the pool to close                     "shutdown"
  };
  Kind kind = Kind::kStart;
  int task = 0;  // kTask, kAfter
  auto operator<=>(const Segment&) const = default;
};

// One call in the life of a process: the `nth` (1 is the first) of this name on this kind of object
// in its segment. The same label names the same action in every run, as far as the pool itself
// keeps the order.
struct CallLabel {
  Segment segment;
  std::string call;    // "write", as the kernel names it
  std::string object;  // the kind of its object: "pipe", "socket", "eventfd" ...; "-": none
  int nth = 1;
  auto operator<=>(const CallLabel&) const = default;
};

// When the strike comes. A torn call moves only some of its bytes, and the strike comes after that.
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
    kFreeze,  // it is stopped, and stays stopped               "freeze"
    kErrno,   // the call fails with `number`, an errno         "errno:EAGAIN" (only before)
    kShort,   // the call moves half of its bytes, and the process continues   "short" (only before)
  };
  Kind kind = Kind::kSignal;
  int number = 0;
  auto operator<=>(const CallEffect&) const = default;
};
bool ends_process(const CallEffect& effect);

struct CallStrike {
  // The process to strike: the first process of one of these lineages that gets there.
  std::vector<std::string> lineages;
  CallLabel at;
  Moment moment = Moment::kBefore;
  CallEffect effect;
  bool operator==(const CallStrike&) const = default;
};
// Why this effect is not possible at this moment (an exit after the call), as a sentence; empty: it
// is possible.
std::string why_impossible(const CallStrike& strike);

// A place in a program: where a call is made, or where one of its functions begins.
struct Place {
  std::optional<CallLabel> call;  // "write:pipe#2 in after-1"
  std::string symbol;             // otherwise: "symbol:ring_push", as in its symbol table
  bool operator==(const Place&) const = default;
};

// Strikes an action for which no system call is made. Between two places, one thread runs step by
// step. A step that changes memory that other processes can see is a store. (A store that writes
// the same value again does not count.) The strike comes right after the `nth` store (1 is the
// first).
struct StoreStrike {
  // The process to strike: the first process of one of these lineages that gets to `from`.
  std::vector<std::string> lineages;
  Place from;  // if it is a call: once it has returned
  Place to;
  int nth = 1;
  CallEffect effect;  // a signal, or freeze
  bool operator==(const StoreStrike&) const = default;
};

// What a tracer must do, given when a run starts.
struct Trace {
  std::vector<std::string> calls;      // names of the calls that stop; other calls cost nothing
  bool tells_calls = false;            // each of these calls is reported, with its label
  std::optional<CallStrike> strike{};  // strikes once, after the mark `armed`
  std::optional<StoreStrike> store{};  // also once; not together with a strike or with tells_calls
  bool parent_too = false;             // also the adapter's own calls, after the mark `armed`
  bool operator==(const Trace&) const = default;
};

// The form in plans and in the cage's `start`. from_json throws std::runtime_error that names the
// key and the allowed values.
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

// The calls by which processes communicate, wait and end: a sweep strikes these. `Trace::calls`
// accepts exactly the names for which `knows_call` is true.
const std::vector<std::string>& calls_of_a_sweep();
bool knows_call(std::string_view name);
bool moves_bytes_out(std::string_view call);  // it can be torn

}  // namespace poolproof::faults
