// A look with other pids: those that the processes see in their own PID namespace, as in the record
// of a caged run. Pure.
#pragma once

#include "conformance/observe/look.h"

namespace poolproof::hang {

// Gives every process and thread of the tree its inner pid. A process outside the tree keeps the
// pid that we know. If that pid could be confused with one of the tree, nothing is said about it. A
// parent outside the tree gets pid 1 if the numbers differ at all, because the first process of a
// namespace holds it.
Look numbered_inside(Look look);

}  // namespace poolproof::hang
