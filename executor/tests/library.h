// Functions in a shared library of the program, and calls that the library submits.
#pragma once

#include "poolproof/executor.h"

namespace poolproof::testing_support {

[[gnu::visibility("default")]] int thrice_in_library(int x);
[[gnu::visibility("default")]] Future<int> submit_from_library(Executor& pool, int x);

}  // namespace poolproof::testing_support
