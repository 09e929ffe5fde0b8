// What can be submitted, and what comes back: with real workers.
#include <gtest/gtest.h>
#include <unistd.h>

#include <exception>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "poolproof/executor.h"

namespace poolproof {
namespace {

int twice(int x) { return 2 * x; }
std::string join(const std::string& a, std::string_view b) { return a + std::string(b); }
int add(int a, int b) { return a + b; }
int multiply(int a, int b) { return a * b; }

struct Point {
  int x = 0;
  int y = 0;
  bool operator==(const Point&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(x, y);
  }
};

// A value whose codec fails where it is told to.
struct Brittle {
  bool at_encode = false;
  bool at_decode = false;
  template <class Archive>
  void save(Archive& archive) const {
    if (at_encode) throw std::length_error("brittle at encode");
    archive(at_encode, at_decode);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(at_encode, at_decode);
    if (at_decode) throw std::domain_error("brittle at decode");
  }
};

class Submit : public testing::Test {
 protected:
  Executor pool{{.workers = 2}};
};

TEST_F(Submit, runs_functions_in_another_process) {
  EXPECT_EQ(pool.submit(twice, 21).get(), 42);
  EXPECT_NE(pool.submit(getpid).get(), getpid());
}

TEST_F(Submit, runs_a_function_that_is_chosen_at_run_time) {
  for (const auto function : {&add, &multiply}) {
    EXPECT_EQ(pool.submit(function, 3, 4).get(), function(3, 4));
  }
}

TEST_F(Submit, runs_lambdas_and_what_they_capture_by_value) {
  int base = 40;
  const struct {
    double scale;
    char letter;
  } plain{1.5, 'x'};
  EXPECT_EQ(pool.submit([base](int x) { return base + x; }, 2).get(), 42);
  EXPECT_EQ(pool.submit([plain] { return std::string(1, plain.letter); }).get(), "x");
  EXPECT_EQ(pool.submit([count = 1]() mutable { return ++count; }).get(), 2);
  EXPECT_EQ(pool.submit(std::plus<>{}, 1.5, 2.5).get(), 4.0);
}

TEST_F(Submit, carries_text_in_all_its_forms) {
  const std::string text = "b";
  EXPECT_EQ(pool.submit(join, "a", text).get(), "ab");
  EXPECT_EQ(pool.submit(join, std::string_view("a"), "b").get(), "ab");
}

TEST_F(Submit, carries_containers_structs_and_nothing) {
  const std::map<std::string, std::vector<Point>> value = {{"a", {{1, 2}, {3, 4}}}, {"b", {}}};
  EXPECT_EQ(pool.submit([](std::map<std::string, std::vector<Point>> v) { return v; }, value).get(),
            value);
  pool.submit([] {}).get();
}

TEST_F(Submit, carries_eight_megabytes_there_and_back) {
  std::vector<int> many(2'000'000);
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = static_cast<int>(i);
  EXPECT_EQ(pool.submit([](std::vector<int> v) { return v; }, many).get(), many);
}

TEST_F(Submit, an_exception_arrives_with_its_type_and_text_and_its_worker_lives_on) {
  const int before = pool.submit(getpid).get();
  try {
    pool.submit([](std::string s) { return s.at(99); }, "short").get();
    FAIL();
  } catch (const TaskError& error) {
    EXPECT_EQ(error.type_name(), "std::out_of_range");
    EXPECT_NE(error.text().find("99"), std::string::npos) << error.text();
    EXPECT_NE(std::string(error.what()).find("std::out_of_range"), std::string::npos);
    EXPECT_EQ(error.task(), 2u);
  }
  EXPECT_EQ(pool.submit(getpid).get(), before);
}

TEST_F(Submit, an_exception_may_be_of_any_type) {
  try {
    pool.submit([] { throw 42; }).get();
    FAIL();
  } catch (const TaskError& error) {
    EXPECT_EQ(error.type_name(), "int");
  }
}

TEST_F(Submit, an_argument_that_cannot_be_encoded_ends_its_future_alone) {
  Future<void> bad = pool.submit([](Brittle) {}, Brittle{true, false});
  Future<int> good = pool.submit(twice, 1);
  try {
    bad.get();
    FAIL();
  } catch (const EncodeError& error) {
    EXPECT_EQ(error.stage(), Stage::kArgs);
    EXPECT_EQ(error.failure().type_name, "std::length_error");
    EXPECT_EQ(error.failure().text, "brittle at encode");
    EXPECT_FALSE(error.started());
  }
  EXPECT_EQ(good.get(), 2);
}

TEST_F(Submit, an_argument_that_cannot_be_decoded_ends_its_future_alone) {
  const int before = pool.submit(getpid).get();
  try {
    pool.submit([](Brittle) {}, Brittle{false, true}).get();
    FAIL();
  } catch (const DecodeError& error) {
    EXPECT_EQ(error.stage(), Stage::kArgs);
    EXPECT_EQ(error.failure().type_name, "std::domain_error");
  }
  EXPECT_EQ(pool.submit(getpid).get(), before);
}

TEST_F(Submit, a_result_that_cannot_be_encoded_ends_its_future_alone) {
  const int before = pool.submit(getpid).get();
  try {
    pool.submit([] { return Brittle{true, false}; }).get();
    FAIL();
  } catch (const EncodeError& error) {
    EXPECT_EQ(error.stage(), Stage::kResult);
    EXPECT_TRUE(error.started());
  }
  EXPECT_EQ(pool.submit(getpid).get(), before);
}

TEST_F(Submit, a_result_that_cannot_be_decoded_ends_its_future_alone) {
  const int before = pool.submit(getpid).get();
  try {
    pool.submit([] { return Brittle{false, true}; }).get();
    FAIL();
  } catch (const DecodeError& error) {
    EXPECT_EQ(error.stage(), Stage::kResult);
    EXPECT_TRUE(error.started());
  }
  EXPECT_EQ(pool.submit(getpid).get(), before);
}

TEST(SubmitLimits, a_call_or_a_result_above_the_limit_ends_its_future_alone) {
  Executor pool({.workers = 1, .max_frame_bytes = 100'000});
  const auto length = [](std::string s) { return s.size(); };
  const auto make = [](std::size_t size) { return std::string(size, 'x'); };
  EXPECT_EQ(pool.submit(length, std::string(90'000, 'x')).get(), 90'000u);
  EXPECT_EQ(pool.submit(make, std::size_t{90'000}).get().size(), 90'000u);
  EXPECT_THROW(pool.submit(length, std::string(100'001, 'x')).get(), EncodeError);
  EXPECT_THROW(pool.submit(make, std::size_t{100'001}).get(), EncodeError);
  EXPECT_EQ(pool.submit(twice, 1).get(), 2);
}

TEST(SubmitLimits, what_a_task_threw_is_told_whatever_the_limit_is) {
  Executor pool({.workers = 1, .max_frame_bytes = 1'000});
  try {
    pool.submit([] { throw std::runtime_error(std::string(2'000, 'w')); }).get();
    FAIL();
  } catch (const TaskError& error) {
    EXPECT_EQ(error.text().size(), 2'000u);
  }
}

struct Wordless : std::exception {
  const char* what() const noexcept override { return nullptr; }
};

TEST_F(Submit, an_exception_without_a_text_is_an_exception_all_the_same) {
  EXPECT_THROW(pool.submit([] { throw Wordless(); }).get(), TaskError);
  EXPECT_THROW(pool.submit([] { throw static_cast<const char*>(nullptr); }).get(), TaskError);
}

TEST(SubmitPrivilege, a_program_whose_workers_would_not_know_themselves_is_refused) {
  if (getuid() != 0) GTEST_SKIP() << "needs root, to have an effective group of its own";
  ASSERT_EQ(setegid(65534), 0);
  EXPECT_THROW(Executor({.workers = 1}), SpawnError);
  ASSERT_EQ(setegid(getgid()), 0);
  EXPECT_EQ(Executor({.workers = 1}).submit(twice, 1).get(), 2);
}

TEST(SubmitNested, a_task_may_have_an_executor_of_its_own) {
  Executor pool({.workers = 1});
  const auto inner = [](int x) {
    Executor own({.workers = 1});
    return own.submit(twice, x).get() + 1;
  };
  EXPECT_EQ(pool.submit(inner, 20).get(), 41);
}

TEST(SubmitOptions, a_negative_count_of_workers_is_refused) {
  EXPECT_THROW(Executor({.workers = -1}), std::invalid_argument);
}

TEST(SubmitConcurrency, many_threads_submit_and_every_future_has_its_own_value) {
  Executor pool({.workers = 3});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&pool, t] {
      std::vector<Future<int>> futures;
      for (int i = 0; i < 50; ++i) futures.push_back(pool.submit(add, 1000 * t, i));
      for (int i = 0; i < 50; ++i) {
        EXPECT_EQ(futures[static_cast<std::size_t>(i)].get(), 1000 * t + i);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(SubmitConcurrency, a_future_may_outlive_its_executor) {
  Future<int> left;
  {
    Executor pool({.workers = 1});
    left = pool.submit(twice, 21);
  }
  EXPECT_EQ(left.get(), 42);
}

}  // namespace
}  // namespace poolproof
