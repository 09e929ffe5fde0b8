// One attempt as the judge reads it: the lines of the record, grouped by the question that they
// answer. This file decides nothing. Times are t_ns of the record (CLOCK_MONOTONIC since the start
// of the command).
//
// The judge's own types are in `judging`, because the code that runs an attempt has a Snapshot and
// a Meeting too, which are different types.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "conformance/judge/form.h"
#include "conformance/judge/limits.h"
#include "conformance/record/observation.h"
#include "scenarios/plan.h"

namespace poolproof::conformance::judging {

struct ProcessId {
  int pid = 0;
  std::uint64_t start = 0;  // clock ticks; with the pid an identity
  auto operator<=>(const ProcessId&) const = default;
};

struct ExitStatus {  // the kernel's record of how a process ended, read by the keeper
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
  nlohmann::json outcome;  // as the pool's adapter sent it: data of any shape
  std::string kind() const { return text("kind"); }
  std::string text(const char* key) const;  // "" if it is missing or not text
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
  bool seen_sending = false;  // it was seen stopped while its result was being sent
  // The pool answered `closed` after the submit and before this task settled.
  bool closed_over = false;

  bool open() const { return submitted_ns && settled.empty(); }
};

struct Told {  // the first half of a receipt
  int fault = 0;
  ProcessId process;
  std::string task;
  std::int64_t t_ns = 0;
  std::int64_t seq = 0;
  int limit = 0;  // the limit that belongs to it, by number; 0: none
};

struct CallStruck {  // the strike at a call of a traced run was made: the first half of its receipt
  ProcessId process;
  std::string lineage, at, moment, effect, to;
  std::optional<std::int64_t> bytes, moved;  // requested, and moved before the strike
  // The tracer saw its effect: the second half, for a strike that ends no process.
  bool seen = false;
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
  int step = -1;  // the step of the plan during which they met
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
  // A body started it because we told it to, so it is not a leftover of the pool.
  bool ours = false;
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

struct HangProof {  // the last proof that was requested while this step waited
  std::string verdict, reason;
  bool hung = false;
  nlohmann::json processes, findings;  // arrays, if it is hung
  std::string line;                    // the name of the adapter's line in it
  std::int64_t still_ns = 0;           // how long there was no news when it was requested
  std::int64_t took_ns = 0;
};

struct Ending {
  std::string how, why;
};

struct History {
  double factor = 1;
  ProcessId adapter;
  std::string cage_mode;            // "pid-namespace" or "subreaper"
  bool private_mounts = false;      // /dev/shm belongs to the attempt alone
  std::set<std::string> own_paths;  // of the ledger and the rendezvous: the harness's own files
  std::vector<TaskHistory> tasks;   // in the plan's order
  std::vector<Told> told;
  std::optional<CallStruck> call_struck;
  LimitHistory limits;
  std::map<int, std::string> signal_errors;  // by pid: why signals could not be sent
  std::vector<Meeting> meetings;
  std::vector<Exit> exits;
  std::vector<LedgerLine> inits;  // lines of initializers, one for each that ran
  std::vector<Call> opens, resizes, closes;
  std::optional<std::int64_t> bye_ns;
  std::optional<std::int64_t> bye_heard_ns;  // the adapter has read it
  // When we sent a signal to the adapter's whole group.
  std::optional<std::int64_t> group_signalled_ns;
  std::map<int, Snapshot> snapshots;
  std::optional<int> baseline, end;  // snap numbers
  // Of the last look: processes that die later were killed by the cage.
  std::int64_t end_seq = 0;
  std::vector<int> closed;  // the last `closed` snapshot of each close
  std::optional<Still> still;
  std::optional<HangProof> proof;
  std::map<int, std::string> healed;  // killed by the cage at the end: pid and name
  std::string stderr_head, stderr_tail;
  // What an adapter may never send: invalid or refused messages, and unknown names.
  std::vector<std::string> nonsense;
  bool cage_deadline = false;
  int step = -1;       // the last step that began
  bool stuck = false;  // it did not end. What happens after that is our clean-up, and is not read
  std::optional<Ending> ended;

  const TaskHistory* task(const std::string& id) const;  // nullptr: not in the plan
  const Snapshot& snapshot(int number) const;            // throws FormError
  std::vector<const TaskHistory*> of_role(const std::string& role) const;
  std::vector<const Exit*> exits_of(const ProcessId& process) const;  // start 0 matches any
};

// Throws FormError.
History read_history(const scenarios::Plan& plan, const std::vector<Observation>& attempt);

}  // namespace poolproof::conformance::judging
