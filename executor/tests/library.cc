#include "executor/tests/library.h"

namespace poolproof::testing_support {

int thrice_in_library(int x) { return 3 * x; }

Future<int> submit_from_library(Executor& pool, int x) {
  return pool.submit([more = 1000](int y) { return thrice_in_library(y) + more; }, x);
}

}  // namespace poolproof::testing_support
