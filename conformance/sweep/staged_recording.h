// For the tests of this folder: recorded runs, written by hand.
#pragma once

#include <string>
#include <vector>

#include "conformance/record/observation.h"

namespace poolproof::conformance::sweep::staged {

// Two forked workers, 21 and 22. Each reads a task, runs it, and writes its result in two pieces,
// of 4 bytes and of 200 (21) or 300 (22).
std::vector<Observation> run_of_a_forking_pool();

// One worker, 31, made by fork and exec; and a helper, 30, made the same way, that runs no task.
std::vector<Observation> run_of_a_spawning_pool();

// Two forked workers, 21 and 22, each of which ends after its task. 23 replaces one of them, runs a
// task too, and ends as well. Only then is the pool told to close.
std::vector<Observation> run_of_a_recycling_pool();

// 21 fetches a second task, runs it, and writes its result, before it ends.
void go_on(std::vector<Observation>& run, int pid);

// Makes the second task a probe.
void probe_before_going_on(std::vector<Observation>& run);

void drop_calls(std::vector<Observation>& run, const std::string& at);

}  // namespace poolproof::conformance::sweep::staged
