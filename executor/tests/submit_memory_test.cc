// Memory that fails in a submit leaves the pool as it was.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <new>
#include <tuple>
#include <vector>

#include "executor/tests/failing_new.h"
#include "poolproof/executor.h"

namespace poolproof {
namespace {

using namespace testing_support;

std::ptrdiff_t open_files() {
  const std::filesystem::directory_iterator entries("/proc/self/fd");
  return std::distance(begin(entries), end(entries));
}

// One allocation of this thread fails while `submit` runs. What was
// refused to the caller is as if it had never been submitted. False: there were fewer allocations.
template <class Submit>
bool survives_a_failing_submit(long nth, bool warm, Submit submit) {
  Executor pool({.workers = 1});
  if (warm) pool.submit(getpid).get();
  set_others_may_fail(false);
  set_may_fail(true);
  fail_allocation(nth);
  try {
    submit(pool);
  } catch (const std::bad_alloc&) {
  }
  const bool failed = stop_failing() > 0;
  set_may_fail(false);
  set_others_may_fail(true);
  EXPECT_EQ(pool.submit([] { return 1; }).get(), 1) << "allocation " << nth;
  return failed;
}

TEST(EveryAllocationOfASubmit, may_fail_and_the_pool_goes_on) {
  for (const bool warm : {false, true}) {
    const std::ptrdiff_t files = open_files();
    long nth = 1;
    while (survives_a_failing_submit(nth, warm, [](Executor& pool) {
      std::ignore = pool.submit({.name = "a task with a long name"}, getpid);
    })) {
      ++nth;
    }
    EXPECT_GT(nth, 4);
    EXPECT_EQ(open_files(), files);
  }
}

TEST(EveryAllocationOfABatch, may_fail_and_the_pool_goes_on) {
  for (const bool warm : {false, true}) {
    long nth = 1;
    while (survives_a_failing_submit(nth, warm, [](Executor& pool) {
      std::ignore = pool.submit_batch([](int x) { return x; }, std::vector{1, 2, 3, 4, 5, 6});
    })) {
      ++nth;
    }
    EXPECT_GT(nth, 4);
  }
}

}  // namespace
}  // namespace poolproof
