// One executor for the whole process, made when it is first asked for and kept: libraries that do
// not know of each other share its workers.
#pragma once

#include <memory>

#include "poolproof/executor.h"
#include "poolproof/export.h"

namespace poolproof {

enum class Reuse {
  kAuto,  // the one there is, if it was made with the same options (workers aside)
  kYes,   // the one there is, whatever its options; workers = 0 leaves its size as it is
  kNo,    // always a new one
};

struct ReusableOptions {
  // Functions among them are the same if both are empty, or both are the same plain function; any
  // other function object is taken for a different one.
  ExecutorOptions executor = {};
  Reuse reuse = Reuse::kAuto;
  // How the executor that a new one replaces is shut down.
  ShutdownOptions replaced = {};
};

// The process's executor. One that is broken or shut down is never given: a new one replaces it. If
// only `workers` differs, it is resized in place; that waits for nothing: surplus workers end their
// task first, the others go on. If a new one replaces another, the new one is there for all threads
// at once, and this call returns when the old one has been shut down.
//
// Any thread may call, also in a callback, and while others submit: no lock is held while anything
// is waited for. A thread that still holds a replaced executor gets ShutdownExecutorError from
// submit; threads that agree on the options never see that. A fork has an executor of its own.
//
// At the program's exit the executor ends as options.executor.on_destroy says, in its turn among
// the static objects: those made before the first call of this function are alive till after that,
// so that callbacks may use them. A call after that gives an executor that nobody keeps.
//
// Throws as Executor's constructor does; then nothing has changed.
POOLPROOF_EXPORT std::shared_ptr<Executor> reusable_executor(const ReusableOptions& options = {});

}  // namespace poolproof
