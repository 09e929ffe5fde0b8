// A plan: one scenario, resolved for one pool. The run executes it, and the judge uses it to judge.
//
// make_plan is pure. The plan is the first line of every recorded attempt, as JSON. So a stored
// attempt can be judged again without the scenario file.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "faults/call_strike.h"
#include "faults/fault.h"
#include "generated/words.h"  // Level, Recovery

namespace poolproof::scenarios {

struct Scenario;

// What the adapter declared about its pool in `hello`.
struct PoolFacts {
  std::string pool;
  std::string version;
  std::vector<std::string> capabilities;
  Recovery recovers = Recovery::kReplaces;
  double longest_wait_s = 5;
  std::string longest_wait_source;
  bool operator==(const PoolFacts&) const = default;
};

struct PlannedTask {
  std::string id;    // opaque: "t1", "t2" ...; the pool sees this
  std::string role;  // "victim", "bystander", "warm-up", "probe": the pool never sees this
  std::string body;
  std::string value_json;  // its return value, as json::dump() writes it (protocol.md: if a string
                           // is too long, its length)
  std::string stage;       // carry only: "decode-args" ...
  std::optional<int> deadline_ms{};
  int bytes = 0;               // large only
  std::string submitted_by{};  // the id of the task whose done-callback submits this one
  // Its done-callback goes to the rendezvous, at the point `callback`.
  bool meets_when_done = false;
  bool operator==(const PlannedTask&) const = default;
};

// Every plan begins with a round without a strike (open, warm-up, close). Its end is the baseline
// for leftovers.
enum class StepKind {
  kOpen,    // open the pool with `workers`
  kWarmUp,  // submit `tasks`, one rendezvous for each worker, and hold them together; then the
            // workers are known
  kSubmit,  // submit `tasks`; tasks that a done-callback submits follow by themselves
  kCancel,  // ask the pool to cancel `tasks`
  kStrike,  // fault `fault`: hold the tasks of its role at the point, strike, wait for the receipt.
            // `tasks` are bystanders that also meet at `running`. The run does not wait for them.
            // But each of them that reaches the point is held until the receipt. So when the fault
            // strikes, all of them are queued or in flight, and none is finished
  kAwaitSettled,    // every task submitted so far settles
  kClose,           // close the pool (`how`) and await `closed`
  kBeginClose,      // tell the pool to close (`how`), and check that it was told; wait for nothing
  kAwaitClosed,     // `closed`, of the close that was begun
  kAwaitParentEnd,  // the adapter was struck: its process must end, then the cage must become empty
  kProbe,  // submit tasks[0], an echo. For a pool that `replaces` this is all, unless the strike at
           // a call hit it. If it gives no value: for a pool that `breaks`, close and reopen first,
           // then submit tasks[1]; for a pool with `recreate`, submit tasks[1]
  kResize,  // tell the open pool to have `workers` from now on, and wait for `resized`
  kArm,     // from here on the tracer numbers new processes, and its strike may come
  kBye,     // send bye and wait for the adapter's end
};

struct Step {
  StepKind kind = StepKind::kOpen;
  std::vector<std::string> tasks;  // kSubmit, kWarmUp, kProbe, kStrike, kCancel: ids
  int fault = -1;                  // kStrike: index into Plan::faults
  std::string how;  // kClose, kBeginClose, kProbe if it must reopen: of words::kClosings
  int workers = 0;  // kResize
  bool operator==(const Step&) const = default;
};

// A set of accepted values with its weight; if `one_of` is empty, nothing is claimed.
struct Claim {
  std::vector<std::string> one_of;
  Level level = Level::kMust;
  bool operator==(const Claim&) const = default;
};

struct RoleExpectation {
  std::string role;
  Claim outcome;  // kinds
  Claim cause;    // causes of an outcome that is an error
  Claim certainty;
  Claim blame;           // {"victim"}: blame.pid must be a process that was struck
  int within_ms = 5000;  // counted from the last strike, or from submit if nothing strikes first
  bool operator==(const RoleExpectation&) const = default;
};

struct Expectation {
  std::vector<RoleExpectation> roles;  // empty if the parent is struck: no process can report then
  Claim after;                         // {"usable"}; empty: not judged
  Claim leftovers;                     // {"none"}; empty: not judged
  // How many tasks, of all roles and the probes together, may end without a value. None of them may
  // have begun in a worker other than the struck one. nullopt: not judged.
  std::optional<int> lost_at_most{};
  int closes_within_ms = 5000;
  bool operator==(const Expectation&) const = default;
};

// Options of each `open` of a plan, for a pool that has the capability.
struct Opening {
  std::optional<int> tasks_per_worker{};  // `recycles`: a worker is replaced after so many tasks
  bool initializer = false;  // `initializer`: each worker writes `init` before its first task
  bool operator==(const Opening&) const = default;
};

struct Plan {
  std::string scenario;  // "death/killed_while_running"
  std::string claim;
  PoolFacts pool;
  int workers = 2;
  Opening opening{};
  std::vector<PlannedTask> tasks;
  std::vector<faults::Fault> faults;
  // If set, the run is traced; its strike, if any, is a fault too.
  std::optional<faults::Trace> trace{};
  std::vector<Step> steps;
  Expectation expect;
  bool operator==(const Plan&) const = default;
};

// Why this pool cannot be asked: the capabilities that the scenario needs and the pool does not
// declare. Empty: it can be asked.
std::vector<std::string> missing_capabilities(const Scenario& scenario, const PoolFacts& facts);

Plan make_plan(const Scenario& scenario, const PoolFacts& facts);

// The first of words::kClosings that the pool has. "drain" if it has none; missing_capabilities
// reports that case.
std::string gentlest_close(const PoolFacts& facts);

// from_json(to_json(x)) == x. from_json ignores unknown keys, and throws std::runtime_error that
// names a missing or wrong key ("plan.steps[3].kind: ...").
void to_json(nlohmann::json& out, const Plan& plan);
void from_json(const nlohmann::json& in, Plan& plan);
void to_json(nlohmann::json& out, const PoolFacts& facts);
void from_json(const nlohmann::json& in, PoolFacts& facts);

std::string to_string(Level level);
std::string to_string(Recovery recovery);
std::string to_string(StepKind kind);
std::optional<Level> parse_level(std::string_view text);
std::optional<Recovery> parse_recovery(std::string_view text);
std::optional<StepKind> parse_step_kind(std::string_view text);

}  // namespace poolproof::scenarios
