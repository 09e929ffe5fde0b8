// For the judge's tests: attempts written by hand. `healthy` is the record of an attempt with a
// correct pool. A test then changes the one thing that it is about.
//
// The processes: the adapter is 10, the keeper 1. Round 1 (without a strike) has workers 11 and 12,
// round 2 has 21 and 22. The victim runs in 21, which the fault kills; 23 replaces it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "conformance/judge/oracle.h"
#include "conformance/record/observation.h"
#include "scenarios/scenario.h"

namespace poolproof::conformance::staged {

using Lines = std::vector<Observation>;
using Predicate = std::function<bool(const Observation&)>;

// death/killed_while_running with two bystanders. Tasks t1 t2 | t3 t4 warm up, t5 is the victim, t6
// and t7 are bystanders, t8 probes (and t9, if the pool breaks). `recovers` is the pool's; `effect`
// is applied at running:victim.
scenarios::Scenario killed_scenario(const std::string& effect = "kill");
scenarios::Plan killed_plan(scenarios::Recovery recovers = scenarios::Recovery::kReplaces,
                            const std::string& effect = "kill");

// The parent is killed while a worker runs a task.
scenarios::Plan parent_plan();

Lines healthy(const scenarios::Plan& plan);  // for killed_plan
Lines healthy_parent_kill(const scenarios::Plan& plan);

// Ends the attempt at this step of the plan: events after its `begin` that satisfy `lost` never
// happen, then the step is stuck while `moved` moved. `processes`: in both snapshots.
void stuck_at(
    Lines& lines, int step, const std::vector<std::string>& moved,
    const Predicate& lost = [](const Observation&) { return false; });
// The same, but the proof was requested, and this was the answer. If it is `hung`, the step is
// given up at once; otherwise at its limit, as above, and nothing moved.
void proved_at(Lines& lines, int step, const nlohmann::json& proof, const Predicate& lost);
nlohmann::json proof_of_a_hang();  // the adapter, and process 22, which waits for a dead process
// The adapter ends by itself during this step, with this status.
void crash_at(Lines& lines, int step, const nlohmann::json& status);

Observation line(const std::string& kind, nlohmann::json fields, double at_ms);
void drop(Lines& lines, const Predicate& which);
void insert_before(Lines& lines, const Predicate& which, Observation added);  // the first of them
Observation& first(Lines& lines, const Predicate& which);

Predicate settles(const std::string& task);
Predicate says(const std::string& event);    // received
Predicate asks(const std::string& command);  // sent
Predicate step_is(int index, const std::string& state);
Predicate of_kind(const std::string& kind);
Predicate ledger_of(const std::string& task, const std::string& ev);
Predicate exit_of(int pid);
nlohmann::json& outcome_of(Lines& lines, const std::string& task);

// The processes in the last snapshot that was taken for `why`: adds one line.
void add_process(Lines& lines, const std::string& why, nlohmann::json process);
Observation& adapter_in(Lines& lines, const std::string& why);  // its `process` line
Observation& snapshot_of(Lines& lines, const std::string& why);

const Part* part(const AttemptVerdict& verdict, const std::string& name);  // nullptr: none
std::string statuses(const AttemptVerdict& verdict);  // "open: pass, victim.outcome: pass, ..."
bool has_evidence(const AttemptVerdict& verdict, const std::string& piece);

}  // namespace poolproof::conformance::staged
