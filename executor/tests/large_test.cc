// Large arguments and results, and little memory: with real processes.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <new>
#include <string>

#include "poolproof/executor.h"

namespace poolproof {
namespace {

using namespace std::chrono_literals;

// A sanitizer's shadow memory is mapped for writing, and its allocator ends the process.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

constexpr std::size_t kLimit = std::size_t{128} << 20;

std::size_t length(const std::string& text) { return text.size(); }
std::string long_text(std::size_t bytes) { return std::string(bytes, 'x'); }
class LittleMemory : public testing::TestWithParam<std::size_t> {
 protected:
  void SetUp() override {
    if (kSanitized) GTEST_SKIP() << "a sanitizer's own memory is more than the limit";
  }
};
// Values that fit as sent but not decoded; not even as sent; many times the limit.
INSTANTIATE_TEST_SUITE_P(MiB, LittleMemory, testing::Values(80, 130, 400));

TEST_P(LittleMemory, for_an_argument_ends_its_task_alone_and_names_the_limit) {
  Executor pool({.workers = 1, .memory_limit = kLimit});
  const int pid = pool.submit(getpid).get();
  auto large = pool.submit(length, std::string(GetParam() << 20, 'x'));
  auto next = pool.submit(length, std::string("four"));
  try {
    large.get();
    FAIL();
  } catch (const DecodeError& error) {
    EXPECT_EQ(error.failure().type_name, "std::bad_alloc");
    EXPECT_TRUE(error.started());
    const std::string text = error.what();
    EXPECT_NE(text.find(std::to_string(GetParam() << 20).substr(0, 4)), std::string::npos) << text;
    EXPECT_NE(text.find("memory_limit is 134217728 bytes"), std::string::npos) << text;
  }
  EXPECT_EQ(next.get(), 4u);
  EXPECT_EQ(pool.submit(getpid).get(), pid) << "the worker lives on";
}

TEST_P(LittleMemory, for_the_argument_of_an_initializer_is_named_by_the_pools_end) {
  Executor pool({.workers = 1,
                 .initializer = make_initializer(length, std::string(GetParam() << 20, 'x')),
                 .memory_limit = kLimit});
  try {
    pool.submit(getpid).get();
    FAIL();
  } catch (const InitializerError& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("std::bad_alloc"), std::string::npos) << text;
    EXPECT_NE(text.find("memory_limit is 134217728 bytes"), std::string::npos) << text;
    EXPECT_EQ(text.find("static"), std::string::npos) << text;
  }
}

TEST(LittleMemoryForAResult, ends_its_task_alone_and_names_the_limit) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer's own memory is more than the limit";
  Executor pool({.workers = 1, .memory_limit = kLimit});
  const int pid = pool.submit(getpid).get();
  try {
    pool.submit(long_text, std::size_t{80} << 20).get();
    FAIL();
  } catch (const EncodeError& error) {
    EXPECT_EQ(error.stage(), Stage::kResult);
    const std::string text = error.what();
    EXPECT_NE(text.find("no memory to encode the result"), std::string::npos) << text;
    EXPECT_NE(text.find("memory_limit is 134217728 bytes"), std::string::npos) << text;
  }
  EXPECT_EQ(pool.submit(getpid).get(), pid);
}

// Takes all memory that it can get, to the last bytes, as long as its worker lives.
void hoard() {
  struct Block {
    Block* before;
  };
  static Block* last = nullptr;
  for (std::size_t size = std::size_t{1} << 20; size >= sizeof(Block); size /= 2) {
    while (void* memory = ::operator new(size, std::nothrow)) last = new (memory) Block{last};
  }
  throw std::bad_alloc();
}

TEST(MemoryThatATaskHasTaken, leaves_enough_to_say_so) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer's allocator ends the process";
  Executor pool({.workers = 1, .memory_limit = kLimit});
  try {
    pool.submit(hoard).get();
    FAIL();
  } catch (const TaskError& error) {
    EXPECT_EQ(error.type_name(), "std::bad_alloc");
  }
}

TEST(ALargeArgument, arrives_whole) {
  Executor pool({.workers = 1});
  std::string text(std::size_t{40} << 20, 'x');
  for (std::size_t i = 0; i < text.size(); i += 4097) text[i] = static_cast<char>('a' + i % 26);
  EXPECT_EQ(pool.submit([](std::string same) { return same; }, text).get(), text);
}

TEST(ALargeArgument, for_a_frozen_worker_goes_to_another) {
  Executor pool({.workers = 1, .start_limit = 3s});
  const int pid = pool.submit(getpid).get();
  kill(pid, SIGSTOP);
  EXPECT_EQ(pool.submit(length, std::string(std::size_t{8} << 20, 'x')).get(),
            std::size_t{8} << 20);
  EXPECT_NE(pool.submit(getpid).get(), pid);
}

}  // namespace
}  // namespace poolproof
