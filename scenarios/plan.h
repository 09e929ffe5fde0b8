// A plan: one scenario resolved for one pool. What the run executes and what the judge holds it to.
//
// make_plan is pure. The plan stands at the head of every recorded attempt, as JSON, so that a
// stored attempt can be judged again without the scenario file.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "faults/call_strike.h"
#include "faults/fault.h"

namespace poolproof::scenarios {

struct Scenario;

enum class Level { kInforms, kShould, kMust };  // ascending weight

enum class Recovery { kReplaces, kBreaks, kRecreate };

// What the adapter said of its pool in `hello`.
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
  std::string id;    // opaque: "t1", "t2" ...; what the pool sees
  std::string role;  // "victim", "bystander", "warm-up", "probe": what the pool never sees
  std::string body;
  std::string value_json;  // what it returns, as json::dump() writes it (protocol.md: of a string
                           // that is too long, its length)
  std::string stage;       // carry only: "decode-args" ...
  std::optional<int> deadline_ms{};
  int bytes = 0;                 // large only
  std::string submitted_by{};    // the id of the task whose done-callback submits this one
  bool meets_when_done = false;  // its done-callback meets, at the point `callback`
  bool operator==(const PlannedTask&) const = default;
};

// Every plan begins with a round that nothing strikes (open, warm-up, close): its end is the
// baseline for leftovers.
enum class StepKind {
  kOpen,    // open the pool with `workers`
  kWarmUp,  // submit `tasks`, one rendezvous for each worker, and hold them together: the workers
            // are then known
  kSubmit,  // submit `tasks`; those that another's done-callback submits come by themselves
  kCancel,  // ask the pool to cancel `tasks`
  kStrike,  // fault `fault`: hold its role's tasks at the point, strike, await the receipt. `tasks`
            // are bystanders that meet at `running` too: nobody waits for them, but whichever
            // stands there is held until the receipt and then told to go on, so that all of them
            // are queued or in flight, and none is finished, when the fault strikes
  kAwaitSettled,    // every task submitted so far settles
  kClose,           // close the pool (`how`) and await `closed`
  kBeginClose,      // tell the pool to close (`how`), and see that it was told; await nothing
  kAwaitClosed,     // `closed`, of the close that was begun
  kAwaitParentEnd,  // the adapter was struck: its process ends, then the cage must become empty
  kProbe,  // submit tasks[0], an echo (a pool that `replaces` gets this one only, unless the strike
           // at a call hit it). If it is no value and the pool `breaks`, close and reopen first and
           // submit tasks[1]; if it is no value and the pool does `recreate`, submit tasks[1]
  kResize,  // tell the open pool to have `workers` from now on, and await `resized`
  kArm,     // the tracer numbers the processes that are born from here on, and its strike may come
  kBye,     // say bye and await the adapter's end
};

struct Step {
  StepKind kind = StepKind::kOpen;
  std::vector<std::string> tasks;  // kSubmit, kWarmUp, kProbe, kStrike, kCancel: ids
  int fault = -1;                  // kStrike: index into Plan::faults
  std::string how;  // kClose, kBeginClose, kProbe where it must reopen: "drain", "cancel", "kill"
  int workers = 0;  // kResize
  bool operator==(const Step&) const = default;
};

// A set of accepted values with its weight; empty `one_of` means: nothing is claimed.
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
  Claim blame;           // {"victim"}: blame.pid is a process that was struck
  int within_ms = 5000;  // from the last strike, or from submit where nothing strikes first
  bool operator==(const RoleExpectation&) const = default;
};

struct Expectation {
  std::vector<RoleExpectation> roles;  // empty where the parent is struck: nobody can tell
  Claim after;                         // {"usable"}; empty: not judged
  Claim leftovers;                     // {"none"}; empty: not judged
  // How many tasks, all roles and the probes together, may end without a value; none of them may
  // have begun in another worker than the struck one. Absent: not judged.
  std::optional<int> lost_at_most{};
  int closes_within_ms = 5000;
  bool operator==(const Expectation&) const = default;
};

// What each `open` of a plan asks for beside the workers, of a pool that has the capability.
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
  std::optional<faults::Trace> trace{};  // the run is traced; its strike, if any, is a fault too
  std::vector<Step> steps;
  Expectation expect;
  bool operator==(const Plan&) const = default;
};

// Why this pool is not asked: capabilities that the scenario needs and the pool does not declare.
// Empty: it can be asked.
std::vector<std::string> missing_capabilities(const Scenario& scenario, const PoolFacts& facts);

Plan make_plan(const Scenario& scenario, const PoolFacts& facts);

// "drain", "cancel" or "kill": the first of these that the pool has. "drain" if it has none:
// missing_capabilities says so.
std::string gentlest_close(const PoolFacts& facts);

// from_json(to_json(x)) == x. from_json ignores keys it does not know, and throws
// std::runtime_error naming the key that is missing or wrong ("plan.steps[3].kind: ...").
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
