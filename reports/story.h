// What was seen in one attempt, for a reader: which processes lived when, which task ran where,
// what struck, what was reported, what each thread waited for at the end. Limited in size, however
// long the record is.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "conformance/record/observation.h"

namespace poolproof::reports {

struct StoryLimits {
  std::size_t events = 300;  // routine ones are left out beyond this, and counted
  std::size_t text_bytes = 600;
  std::size_t stderr_bytes = 4000;  // of the beginning, and as much of the end
  std::size_t processes = 32;
  std::size_t tasks = 300;
};

// `attempt`: its lines, in order. All times are ns since its first line.
// {took, round, stuck, cage, steps, processes, tasks, events, left_out, proof, waits, stderr,
// ended}:
//   round    when the pool was opened the second time: what comes before is struck by nothing
//   stuck    when a step was given up (null: none); what comes later is our own clearing up
//   events   [{t, what, text, pid?, task?}]; `what`: asked, told, value, error, fault, met, task,
//            exit, harness
//   proof    of a hang that was proved (proof_story.h), and `t`; null: none was
//   waits    {why, t, moved, since, processes}, of the last look at a hang; null: there was none
nlohmann::json story_of(const std::vector<const conformance::Observation*>& attempt,
                        const StoryLimits& limits = {});

}  // namespace poolproof::reports
