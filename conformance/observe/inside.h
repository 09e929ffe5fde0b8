// A look with other numbers: those that the processes themselves see in their PID namespace, as the
// record of a caged run has them. Pure.
#pragma once

#include "conformance/observe/look.h"

namespace poolproof::hang {

// Every process and thread of the tree by its inner number. What lies outside of the tree keeps the
// number that we know it by, and where that could be taken for one of the tree, nothing is said to
// be understood of it. A parent outside of the tree is 1 where the numbers differ at all: whoever
// holds a namespace is its first process.
Look numbered_inside(Look look);

}  // namespace poolproof::hang
