// Starts the adapter as the first process of the attempt.
#pragma once

#include <sys/types.h>

#include <functional>

#include "faults/cage/visible.h"

namespace poolproof::faults {

// The adapter gets `line` as fd 0 and 1, `errors` as fd 2, and no other descriptor. It has its own
// session. Every signal has its default action and is unblocked. `before_exec` is called while the
// child waits. Returns once exec has succeeded. Throws a CallFailed that names the call and the
// path, or what `before_exec` threw; no adapter exists then.
pid_t start_adapter(const AdapterCommand& command, int line, int errors,
                    const std::function<void(pid_t)>& before_exec);

}  // namespace poolproof::faults
