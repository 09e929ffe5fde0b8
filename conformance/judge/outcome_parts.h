// The parts of a verdict that are about tasks: how each role's tasks ended, when, and whether what
// the pool says about a death agrees with the kernel.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "conformance/judge/obstacle.h"

namespace poolproof::conformance::judging {

// "ROLE.outcome", "ROLE.within", "ROLE.cause", "ROLE.certainty", "ROLE.blame". The first two
// always; the others if something is claimed, or if what the pool reported is false.
std::vector<Part> role_parts(const Trial& trial, const scenarios::RoleExpectation& expected);

// What no task may do, whether or not it is claimed: settle twice, or with a value that is not its
// own. `name` is the name of the part; nullopt if no task does it.
std::optional<Part> misbehaviour(const std::string& name,
                                 const std::vector<const TaskHistory*>& tasks);

// "run-once": no task ran twice.
Part run_once_part(const Trial& trial);

// "initialized": if the plan opens with an initializer, each process that began a task had run it
// before, and no process ran it twice.
Part initialized_part(const Trial& trial);

// "recycled": no process began more tasks than `plan.opening.tasks_per_worker`, which must be set.
Part recycled_part(const Trial& trial);

// "innocents": of all tasks, including probes, at most `plan.expect.lost_at_most` ended without a
// value, and none of these had begun in a worker that was not struck. If the struck worker had
// begun all tasks that it may, and each had settled, no task may be lost at all: the worker held
// nothing any more.
Part innocents_part(const Trial& trial);

// Whether it is the task's value, as planned.
bool is_planned_value(const TaskHistory& task, const Settled& settled);

// The time from the last receipt to the last error among the struck tasks. If no task was struck
// individually, among all tasks that have ended with an error since then.
std::optional<std::int64_t> time_to_detect(const Trial& trial);

}  // namespace poolproof::conformance::judging
