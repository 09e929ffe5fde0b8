// The state of a pool and its counters: a snapshot.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "poolproof/error.h"

namespace poolproof {

struct Health {
  // Now.
  int workers_wanted = 0;  // the upper limit, from the options or the last resize
  int starting = 0;        // spawned, not yet ready for a task
  int idle = 0;
  int busy = 0;            // hold a task
  int ending = 0;          // asked to stop, or being killed, and not yet gone
  std::size_t queued = 0;  // tasks that no worker holds
  // Since the first task.
  std::uint64_t spawned = 0;
  std::uint64_t spawn_failures = 0;
  std::uint64_t settled = 0;  // tasks that have ended, in any way
  std::uint64_t requeued =
      0;  // tasks given to another worker, because theirs died before it began them
  std::uint64_t retried = 0;  // the same after a worker had begun them (TaskOptions::retries)
  // Workers that have ended, by cause. kSpent and kGrown are the recycled ones, kIdle those that
  // had nothing to do. kSelf, kOutOfMemory, kChannelLost, kGarbage, kLate and kUnknown are deaths.
  std::map<Cause, std::uint64_t> ended = {};
  // About the last worker that was recycled because it had grown: which one, from what size to what
  // size, after how many tasks. Empty: there was none.
  std::string last_growth = {};
  // Why ExecutorOptions::trace stopped early: a full disk, a folder that was removed, a sink that
  // threw. It is also printed once on stderr. Empty: the trace is complete so far.
  std::string trace_error = {};

  std::uint64_t ended_by(Cause cause) const {
    const auto found = ended.find(cause);
    return found == ended.end() ? 0 : found->second;
  }
};

}  // namespace poolproof
