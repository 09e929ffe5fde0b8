// One executor for the whole process, made when it is first asked for and then kept: libraries that
// do not know each other share its workers.
#pragma once

#include <memory>

#include "poolproof/executor.h"
#include "poolproof/export.h"

namespace poolproof {

enum class Reuse {
  kAuto,  // the existing one, if it was made with the same options (workers aside)
  kYes,   // the existing one, whatever its options; workers = 0 leaves its size as it is
  kNo,    // always a new one
};

struct ReusableOptions {
  // How functions among the options are compared: they are the same if both are empty, or both are
  // the same plain function. Any other function object counts as different.
  ExecutorOptions executor = {};
  Reuse reuse = Reuse::kAuto;
  // How an executor is shut down when a new one replaces it.
  ShutdownOptions replaced = {};
};

// The process's executor. An executor that is broken or shut down is never returned: a new one
// replaces it. If only `workers` differs, the executor is resized in place. That waits for nothing:
// surplus workers end their task first, and the others go on. If a new executor replaces another,
// all threads get the new one at once, and this call returns when the old one has been shut down.
//
// Any thread may call it, also in a callback, and while others submit: no lock is held during a
// wait. A thread that still holds a replaced executor gets ShutdownExecutorError from submit.
// Threads that use the same options never see that. A fork has its own executor.
//
// At the program's exit the executor ends as options.executor.on_destroy says, in the order of
// static destruction. Objects that were made before the first call of this function live longer
// than the executor, so that callbacks may use them. A call after that returns an executor that is
// not kept.
//
// Throws as Executor's constructor does; then nothing has changed.
POOLPROOF_EXPORT std::shared_ptr<Executor> reusable_executor(const ReusableOptions& options = {});

}  // namespace poolproof
