#include "executor/os/nesting.h"

#include <algorithm>
#include <atomic>

namespace poolproof::os {
namespace {

// kHandedOut: what one executor of the program itself gives out in total. kLeastEach: the smallest
// share that one of its workers gets.
constexpr int kHandedOut = 256;
constexpr int kLeastEach = 4;

// Set before the program's constructors run; no constructor may reset it.
constinit int depth = 0;
constinit int share = 0;
constinit std::atomic<int> taken = 0;  // living workers of this process, plus their shares

}  // namespace

void set_nesting(int this_depth, int this_share) {
  depth = this_depth;
  share = this_share;
}

int nesting_depth() { return depth; }

int workers_within_share(int wanted) { return depth == 0 ? wanted : std::min(wanted, share); }

int share_for_each_of(int workers) {
  if (depth == 0) return std::max(kHandedOut / workers, kLeastEach);
  // A quarter is reserved for other executors of this worker, if enough is left for this one.
  const int left = std::max(share - taken.load(), 0);
  const int budget = std::max(left - left / 4, std::min(workers, left));
  return std::max(budget / workers - 1, 0);
}

bool take_from_share(int each) {
  if (depth == 0) return true;
  const int wanted = 1 + each;
  if (taken.fetch_add(wanted) + wanted <= share) return true;
  taken.fetch_sub(wanted);
  return false;
}

void give_back_to_share(int each) {
  if (depth != 0) taken.fetch_sub(1 + each);
}

}  // namespace poolproof::os
