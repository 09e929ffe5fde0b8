// One attempt as the judge reads it: the lines of the record, gathered by the question they answer.
// Nothing is decided here. Times are t_ns of the record (CLOCK_MONOTONIC since the command's
// start).
//
// The judge's own types live in `judging`: whoever runs an attempt has a Snapshot and a Meeting
// too, and they are not the same.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "conformance/judge/limits.h"
#include "conformance/record/observation.h"
#include "scenarios/plan.h"

namespace poolproof::conformance::judging {

// A line that contradicts the record's own form: never a pool's fault, so never a conviction.
class FormError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct ProcessId {
  int pid = 0;
  std::uint64_t start = 0;  // clock ticks; with the pid an identity
  auto operator<=>(const ProcessId&) const = default;
};

struct ExitStatus {  // the kernel's record of how a process ended, as the keeper read it
  enum class How { kCode, kSignal, kUnseen } how = How::kUnseen;
  int code = 0;
  std::string signal;  // "KILL"
  bool core = false;
};

struct Exit {
  ProcessId process;
  ExitStatus status;
  std::int64_t t_ns = 0;
  std::int64_t seq = 0;
  bool adapter = false;
};

struct Settled {
  std::int64_t t_ns = 0;
  nlohmann::json outcome;  // as the pool's adapter sent it: data, of any shape
  std::string kind() const { return text("kind"); }
  std::string text(const char* key) const;  // "" if it is told not, or not as text
  std::optional<int> blamed_pid() const;
};

struct LedgerLine {
  int pid = 0;
  std::int64_t t_ns = 0;
  std::int64_t seq = 0;
};

struct TaskHistory {
  scenarios::PlannedTask planned;
  std::optional<std::int64_t> submitted_ns{};
  std::vector<Settled> settled{};
  std::vector<LedgerLine> starts{}, ends{}, strucks{};
  bool seen_sending = false;  // it stood still with its result on the way
  bool closed_over = false;   // the pool answered `closed` after the submit and before it settled

  bool open() const { return submitted_ns && settled.empty(); }
};

struct Told {  // first half of a receipt
  int fault = 0;
  ProcessId process;
  std::string task;
  std::int64_t t_ns = 0;
  std::int64_t seq = 0;
  int limit = 0;  // number of the limit that is a part of it; 0: none is
};

struct CallStruck {  // the strike at a call of a traced run was made: first half of its receipt
  ProcessId process;
  std::string lineage, at, moment, effect, to;
  std::optional<std::int64_t> bytes, moved;  // asked for, and moved before the strike
  bool seen = false;  // the tracer saw it take effect: the second half, of what ends no process
  std::int64_t t_ns = 0;
  std::int64_t seq = 0;
};

struct Meeting {
  int conn = 0;
  ProcessId process;
  std::string task, point;
  bool answered = false;
  std::optional<std::int64_t> left_ns;
  std::int64_t left_seq = 0;
  int step = -1;  // the plan's step during which they met
};

struct Call {  // open, resize or close
  std::int64_t sent_ns = 0;
  std::int64_t sent_seq = 0;
  std::optional<std::int64_t> answered_ns;
};

struct SeenProcess {
  ProcessId id;
  int ppid = 0;
  std::string state, name, command;
  nlohmann::json threads, fds;  // arrays, as in faults/cage/protocol.md
  bool ours = false;            // a body started it because we said so: nobody's leftover
  bool zombie() const { return state == "Z" || state == "X"; }
};

struct Snapshot {
  std::vector<SeenProcess> processes;
  std::set<std::string> shm, files, groups;
  bool complete = false;
};

struct Still {
  std::vector<std::string> moved;
  int after = 0;  // snap
  std::int64_t since_ns = 0;
  std::int64_t seq = 0;
};

struct HangProof {  // the last that was asked for while this step waited
  std::string verdict, reason;
  bool hung = false;
  nlohmann::json processes, findings;  // arrays, where it is hung
  std::string line;                    // what the adapter's line is called in it
  std::int64_t still_ns = 0;           // without news, when it was asked for
  std::int64_t took_ns = 0;
};

struct Ending {
  std::string how, why;
};

struct History {
  double factor = 1;
  ProcessId adapter;
  std::string cage_mode;            // "pid-namespace" or "subreaper"
  bool private_mounts = false;      // /dev/shm is the attempt's own
  std::set<std::string> own_paths;  // of the ledger and the rendezvous: the harness's own files
  std::vector<TaskHistory> tasks;   // in the plan's order
  std::vector<Told> told;
  std::optional<CallStruck> call_struck;
  LimitHistory limits;
  std::map<int, std::string> signal_errors;  // by pid: signals that could not be sent
  std::vector<Meeting> meetings;
  std::vector<Exit> exits;
  std::vector<LedgerLine> inits;  // of initializers, one for each that ran
  std::vector<Call> opens, resizes, closes;
  std::optional<std::int64_t> bye_ns;
  std::optional<std::int64_t> bye_heard_ns;        // the adapter has read it
  std::optional<std::int64_t> group_signalled_ns;  // by us, all of the adapter's group
  std::map<int, Snapshot> snapshots;
  std::optional<int> baseline, end;  // snap numbers
  std::int64_t end_seq = 0;          // of the look at the end: what dies later, the cage killed
  std::vector<int> closed;           // the last `closed` snapshot of each close
  std::optional<Still> still;
  std::optional<HangProof> proof;
  std::map<int, std::string> healed;  // killed by the cage at the end: name by pid
  std::string stderr_head, stderr_tail;
  std::vector<std::string> nonsense;  // what an adapter may never send: invalid, refused, strangers
  bool cage_deadline = false;
  int step = -1;       // the last that began
  bool stuck = false;  // it did not end. What moves afterwards is our clearing up: not read
  std::optional<Ending> ended;

  const TaskHistory* task(const std::string& id) const;  // nullptr: not in the plan
  const Snapshot& snapshot(int number) const;            // throws FormError
  std::vector<const TaskHistory*> of_role(const std::string& role) const;
  std::vector<const Exit*> exits_of(const ProcessId& process) const;  // start 0 matches any
};

// Throws FormError.
History read_history(const scenarios::Plan& plan, const std::vector<Observation>& attempt);

}  // namespace poolproof::conformance::judging
