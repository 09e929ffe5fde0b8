// A shared library of somebody else's that has a copy of the executor inside, and hides it.
#include "poolproof/executor.h"

extern "C" [[gnu::visibility("default")]] int second_copy_says() {
  try {
    poolproof::Executor pool({.workers = 1});
    return pool.submit([](int x) { return x; }, 1).get();
  } catch (const poolproof::ExecutorError&) {
    return -1;  // its start hook is not the program's
  }
}
