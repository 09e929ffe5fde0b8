// The parts of a verdict that are about tasks: what each role's tasks ended with, when, and whether
// what the pool says of a death is what the kernel says.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "conformance/judge/obstacle.h"

namespace poolproof::conformance::judging {

// "ROLE.outcome", "ROLE.within", "ROLE.cause", "ROLE.certainty", "ROLE.blame": outcome and within
// always, the others where something is claimed, or where what was told is a lie.
std::vector<Part> role_parts(const Trial& trial, const scenarios::RoleExpectation& expected);

// What no task may do, claimed or not: settle twice, or with another value than its own. `name` is
// the part's; nothing if they behave.
std::optional<Part> misbehaviour(const std::string& name,
                                 const std::vector<const TaskHistory*>& tasks);

// "run-once": no task ran twice.
Part run_once_part(const Trial& trial);

// "initialized": where the plan opens with an initializer, each process that began a task had run
// it before, and none ran it twice.
Part initialized_part(const Trial& trial);

// "recycled": no process began more tasks than `plan.opening.tasks_per_worker`, which it must have.
Part recycled_part(const Trial& trial);

// "innocents": of all tasks, probes among them, at most `plan.expect.lost_at_most` ended without a
// value, and none of these had begun in a worker that was not struck. None at all where the struck
// worker had begun all tasks that it may and each of them had settled: it held nothing any more.
Part innocents_part(const Trial& trial);

// The task's value, as it was planned.
bool is_planned_value(const TaskHistory& task, const Settled& settled);

// From the last receipt to the last error among the struck tasks; where none was struck by itself,
// among all that ended with an error since.
std::optional<std::int64_t> time_to_detect(const Trial& trial);

}  // namespace poolproof::conformance::judging
