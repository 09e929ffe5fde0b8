// What the recorded runs of a workload show: which processes are workers, and which calls they
// make. Pure: reads lines of the record.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/record/observation.h"
#include "conformance/sweep/phase.h"
#include "faults/call_strike.h"

namespace poolproof::conformance::sweep {

enum class Role {
  kWorker,   // a process that runs tasks
  kNewborn,  // a process that becomes a worker by an exec, before that exec
};

struct Label {
  Role role = Role::kWorker;
  faults::CallLabel at;
  auto operator<=>(const Label&) const = default;
};

struct RecordedCall {
  Label label;
  Phase phase = Phase::kIdle;  // the phase that it had most often
  int runs = 0;                // in how many of the recorded runs it came
  bool returns = false;        // in at least one run; otherwise nothing can strike after it
  std::int64_t bytes = 0;      // the smallest number that it asked for; 0: none, or unknown
};

struct Recording {
  int runs = 0;
  std::vector<std::string> workers, newborns;  // lineages
  std::vector<RecordedCall> calls;             // in the order of a worker's life

  const std::vector<std::string>& lineages(Role role) const {
    return role == Role::kWorker ? workers : newborns;
  }
};

// Learns from several runs of one workload, each with all its lines. A worker's life is used up to
// the end of its `share`th task. With so many tasks, one worker must have run that many, so in
// every run some worker gets this far. What comes later happens only in some runs, and repeats what
// came before. What is done for probes is not part of the workload.
Recording learn(const std::vector<std::vector<Observation>>& runs, int share);

std::string to_string(Role role);     // "worker"
std::string to_string(const Label&);  // "worker write:pipe#2 in after-1"
std::optional<Role> parse_role(std::string_view text);
std::optional<Label> parse_label(std::string_view text);  // without a role: a worker's call

}  // namespace poolproof::conformance::sweep
