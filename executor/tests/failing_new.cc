#include "executor/tests/failing_new.h"

#include <atomic>
#include <cstdlib>
#include <limits>
#include <new>
#include <optional>

namespace poolproof::testing_support {
namespace {

std::atomic<long> until_first = 0;  // 0 or less: nothing must fail, or failing has begun
std::atomic<long> to_fail = 0;
std::atomic<long> failed = 0;
std::atomic<std::size_t> least = 0;
std::atomic<bool> others_may_fail = true;
thread_local std::optional<bool> may_fail;  // empty: as all others

bool fails(std::size_t bytes) {
  if (!may_fail.value_or(others_may_fail.load()) || to_fail.load() <= 0 || bytes < least.load())
    return false;
  if (until_first.load() > 0 && until_first.fetch_sub(1) > 1) return false;
  if (to_fail.fetch_sub(1) <= 0) return false;
  ++failed;
  return true;
}

}  // namespace

void fail_allocation(long nth, long more, std::size_t bytes) {
  failed = 0;
  least = bytes;
  until_first = nth;
  to_fail = 1 + more;
}

long stop_failing() {
  to_fail = 0;
  until_first = 0;
  return failed.load();
}

void set_may_fail(bool may) { may_fail = may; }
void set_others_may_fail(bool may) { others_may_fail = may; }

}  // namespace poolproof::testing_support

void* operator new(std::size_t bytes) {
  if (poolproof::testing_support::fails(bytes)) throw std::bad_alloc();
  if (void* memory = std::malloc(bytes == 0 ? 1 : bytes)) return memory;
  throw std::bad_alloc();
}
// A sanitizer's own version would not call this one.
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  try {
    return operator new(bytes);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
