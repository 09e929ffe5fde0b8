// Functions in shared libraries.
#include "executor/tests/library.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <string>

#include "poolproof/map.h"

namespace poolproof {
namespace {

using namespace testing_support;

TEST(Library, functions_of_one_that_the_program_is_linked_to_can_be_submitted) {
  Executor pool({.workers = 1});
  EXPECT_EQ(pool.submit(thrice_in_library, 14).get(), 42);
  int sum = 0;
  for (const int each : map(pool, thrice_in_library, std::vector{1, 2})) sum += each;
  EXPECT_EQ(sum, 9);
}

TEST(Library, may_submit_calls_of_its_own) {
  Executor pool({.workers = 1});
  EXPECT_EQ(submit_from_library(pool, 2).get(), 1006);
}

TEST(Library, that_was_loaded_at_run_time_is_not_there_in_the_worker_which_says_so) {
  void* library = dlopen(LOADED_LIBRARY, RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr) << dlerror();
  const auto function = reinterpret_cast<int (*)(int)>(dlsym(library, "plain_in_loaded"));
  ASSERT_NE(function, nullptr);
  Executor pool({.workers = 1});
  try {
    pool.submit(function, 1).get();
    FAIL();
  } catch (const DecodeError& error) {
    EXPECT_NE(error.failure().text.find("a library that the worker has not loaded"),
              std::string::npos)
        << error.what();
  }
  EXPECT_EQ(pool.submit(thrice_in_library, 1).get(), 3);
}

}  // namespace
}  // namespace poolproof
