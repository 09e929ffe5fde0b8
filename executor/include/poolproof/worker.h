// The worker that runs this: for code in tasks and initializers.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "poolproof/export.h"

namespace poolproof {

// Its index, 0 .. workers-1, is its place in the pool, which the worker that replaces it takes
// over; its name is ExecutorOptions::name and the index. Nothing in a process that is no worker,
// and in one that a task has forked.
struct ThisWorker {
  int index = 0;
  std::string name;
};
POOLPROOF_EXPORT std::optional<ThisWorker> this_worker();

// Calls `hook` when this worker ends as it was asked to: at a shutdown, an idle timeout, a
// recycling, a resize. Hooks run in reverse order, then atexit handlers and static destructors run
// as in any program that returns from main, all within ExecutorOptions::stop_grace. What a hook
// throws becomes a line on stderr. None of this runs in a worker that crashes or is killed (by a
// deadline, a cancel or a shutdown that kills, or with the program), nor outside of a worker. Any
// thread of the worker may call it.
POOLPROOF_EXPORT void at_worker_exit(std::function<void()> hook);

}  // namespace poolproof
