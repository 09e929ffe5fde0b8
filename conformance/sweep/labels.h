// What the recorded runs of a workload teach: who the workers are, and which calls make up their
// lives. Pure: reads lines of the record.
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
  kNewborn,  // what becomes a worker by an exec, before that
};

struct Label {
  Role role = Role::kWorker;
  faults::CallLabel at;
  auto operator<=>(const Label&) const = default;
};

struct RecordedCall {
  Label label;
  Phase phase = Phase::kIdle;  // the one that it had most often
  int runs = 0;                // of the recorded ones, those in which it came
  bool returns = false;        // at least once; if not, nothing can strike after it
  std::int64_t bytes = 0;      // that it asked for, at least; 0: none, or unknown
};

struct Recording {
  int runs = 0;
  std::vector<std::string> workers, newborns;  // lineages
  std::vector<RecordedCall> calls;             // in the order of a worker's life

  const std::vector<std::string>& lineages(Role role) const {
    return role == Role::kWorker ? workers : newborns;
  }
};

// Of several runs of one workload, each with all of its lines. A worker's life is taken up to the
// end of its `share`th task: with so many tasks that one worker must have that many, this far comes
// some worker in every run, and what lies beyond comes by luck and is more of the same. What is
// done for probes is no part of the workload.
Recording learn(const std::vector<std::vector<Observation>>& runs, int share);

std::string to_string(Role role);     // "worker"
std::string to_string(const Label&);  // "worker write:pipe#2 in after-1"
std::optional<Role> parse_role(std::string_view text);
std::optional<Label> parse_label(std::string_view text);  // without a role: of a worker

}  // namespace poolproof::conformance::sweep
