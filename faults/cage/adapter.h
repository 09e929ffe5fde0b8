// Starts the adapter as the first process of the attempt.
#pragma once

#include <sys/types.h>

#include <functional>

#include "faults/cage/visible.h"

namespace poolproof::faults {

// The adapter gets `line` as fd 0 and 1, `errors` as fd 2 and nothing else; a session of its own;
// every signal at its default and unblocked. `before_exec` is called while it stands still. Returns
// once its exec has happened. Throws a CallFailed that names the call and the path, or whatever
// `before_exec` threw; there is no adapter then.
pid_t start_adapter(const AdapterCommand& command, int line, int errors,
                    const std::function<void(pid_t)>& before_exec);

}  // namespace poolproof::faults
