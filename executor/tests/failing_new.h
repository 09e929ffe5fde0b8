// Replaces operator new of a test program by one that fails on request, on chosen threads.
#pragma once

#include <cstddef>

namespace poolproof::testing_support {

// From now on, of the allocations of at least `bytes`, the `nth` (from 1) and `more` after it throw
// std::bad_alloc. Only on threads that may_fail().
void fail_allocation(long nth, long more = 0, std::size_t bytes = 0);
// Stops that; returns how many have thrown.
long stop_failing();

// Every thread may fail but those that say no, or if `others` may not, only those that say yes.
void set_may_fail(bool may);
void set_others_may_fail(bool may);

}  // namespace poolproof::testing_support
