// The worker that runs this code: for tasks and initializers.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "poolproof/export.h"

namespace poolproof {

// Its index, 0 .. workers-1, is its place in the pool. A worker that replaces it gets the same
// index. Its name is ExecutorOptions::name and the index. Empty in a process that is not a worker,
// and in a process that a task has forked.
struct ThisWorker {
  int index = 0;
  std::string name;
};
POOLPROOF_EXPORT std::optional<ThisWorker> this_worker();

// Calls `hook` when this worker ends because it was asked to: at a shutdown, an idle timeout, a
// recycling, a resize. Hooks run in reverse order. Then atexit handlers and static destructors run,
// as in any program that returns from main. All this must fit within ExecutorOptions::stop_grace.
// If a hook throws, a line is written to stderr. None of this runs in a worker that crashes or is
// killed (by a deadline, a cancel or a shutdown that kills, or because the program ended), nor
// outside of a worker. Any thread of the worker may call it.
POOLPROOF_EXPORT void at_worker_exit(std::function<void()> hook);

}  // namespace poolproof
