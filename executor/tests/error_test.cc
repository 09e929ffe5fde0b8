// What an error says about an exception of a task, and about what happened to the pool.
#include <gtest/gtest.h>
#include <signal.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <future>
#include <stdexcept>
#include <string>
#include <system_error>

#include "executor/tests/meeting.h"
#include "poolproof/map.h"

namespace poolproof {
namespace {

using namespace testing_support;

class Thrown : public testing::Test {
 protected:
  template <class F>
  TaskError error_of(F task) {
    try {
      pool.submit(task).get();
    } catch (const TaskError& error) {
      return error;
    }
    ADD_FAILURE() << "it did not throw";
    return TaskError(Failure{});
  }
  Executor pool{{.workers = 1}};
};

TEST_F(Thrown, error_codes_of_the_standard_categories_come_out_as_they_were) {
  EXPECT_EQ(
      error_of([] { throw std::system_error(ENOSPC, std::system_category(), "write"); }).code(),
      std::error_code(ENOSPC, std::system_category()));
  EXPECT_EQ(error_of([] { return std::filesystem::file_size("/no/such/file"); }).code(),
            std::errc::no_such_file_or_directory);
  EXPECT_EQ(
      error_of([] { std::promise<int>().set_exception({}), std::future<int>().get(); }).code(),
      std::future_errc::no_state);
  EXPECT_EQ(error_of([] {
              std::ifstream file;
              file.exceptions(std::ios::failbit);
              file.open("/no/such/file");
            }).code(),
            std::io_errc::stream);
  EXPECT_EQ(error_of([] { throw std::errc::timed_out; }).code(), std::errc::timed_out);
  EXPECT_EQ(error_of([] { throw std::runtime_error("no code"); }).code(), std::nullopt);
}

class OwnCategory : public std::error_category {
 public:
  const char* name() const noexcept override { return "weather"; }
  std::string message(int) const override { return "it rains"; }
};

TEST_F(Thrown, error_code_of_another_category_has_its_name_and_its_value) {
  const TaskError error = error_of([] {
    static const OwnCategory category;
    throw std::system_error(7, category);
  });
  EXPECT_EQ(error.code(), std::nullopt);
  EXPECT_EQ(error.failure().code, (ThrownCode{"weather", 7}));
}

void load(int depth) {
  if (depth == 0)
    throw std::system_error(std::make_error_code(std::errc::permission_denied), "open");
  try {
    load(depth - 1);
  } catch (...) {
    std::throw_with_nested(std::runtime_error("level " + std::to_string(depth)));
  }
}

TEST_F(Thrown, causes_are_told_from_the_outermost_to_the_first) {
  const TaskError error = error_of([] { load(2); });
  EXPECT_EQ(error.type_name(), "std::runtime_error");
  EXPECT_EQ(error.text(), "level 2");
  ASSERT_EQ(error.nested().size(), 2u);
  EXPECT_EQ(error.nested()[0], (poolproof::Thrown{"std::runtime_error", "level 1", {}}));
  EXPECT_EQ(error.nested()[1].text, "open: Permission denied");
  EXPECT_EQ(error.code(), std::errc::permission_denied);
  EXPECT_STREQ(error.what(),
               "task 1 threw std::runtime_error: level 2; caused by std::runtime_error: level 1; "
               "caused by std::system_error: open: Permission denied");
}

TEST_F(Thrown, causes_without_end_are_cut_and_long_ones_shortened) {
  EXPECT_EQ(error_of([] { load(100); }).nested().size(), 16u);
  const TaskError error = error_of([] {
    try {
      throw std::runtime_error(std::string(1'000'000, 'x'));
    } catch (...) {
      std::throw_with_nested(std::runtime_error(std::string(1'000'000, 'y')));
    }
  });
  EXPECT_EQ(error.text(), std::string(65'536, 'y'));
  EXPECT_EQ(error.nested().at(0).text, std::string(2'048, 'x'));
}

enum class Colour { kRed = 3, kBlue = -7 };

TEST_F(Thrown, values_are_told) {
  EXPECT_EQ(error_of([] { throw 42; }).text(), "42");
  EXPECT_EQ(error_of([] { throw -5L; }).text(), "-5");
  EXPECT_EQ(error_of([] { throw true; }).text(), "true");
  EXPECT_EQ(error_of([] { throw 'c'; }).text(), "c");
  EXPECT_EQ(error_of([] { throw 2.5; }).text(), "2.5");
  EXPECT_EQ(error_of([] { throw std::string("text"); }).text(), "text");
  EXPECT_EQ(error_of([] { throw "literal"; }).text(), "literal");
  EXPECT_EQ(error_of([] { throw Colour::kRed; }).text(), "3 (read as an int, as most enums are)");
  EXPECT_EQ(error_of([] { throw Colour::kBlue; }).text(), "-7 (read as an int, as most enums are)");
  EXPECT_EQ(error_of([] { throw OwnCategory(); }).text(), "(it carries no text)");
}

TEST_F(Thrown, code_and_causes_come_out_of_a_map_too) {
  auto results = map(
      pool, [](int depth) { return load(depth), 0; }, std::vector<int>{1});
  try {
    results.next();
    FAIL();
  } catch (const TaskError& error) {
    EXPECT_EQ(error.code(), std::errc::permission_denied);
    EXPECT_EQ(error.nested().size(), 1u);
  }
}

// What the death of a worker says about the pool, whenever it is read.
std::string told(Future<int>& future, bool pool_ended) {
  try {
    future.get();
  } catch (const TerminatedWorkerError& error) {
    EXPECT_EQ(error.pool_ended(), pool_ended);
    return error.what();
  }
  return "a value";
}

constexpr char kGoesOn[] = "no other task is affected";
int die(const std::string& folder) {
  if (!folder.empty()) meet(folder);
  raise(SIGKILL);
  return 0;
}

TEST(PoolAfterDeath, goes_on_where_the_worker_is_replaced) {
  Executor pool({.workers = 1});
  Future<int> lost = pool.submit(die, "");
  EXPECT_NE(told(lost, false).find(kGoesOn), std::string::npos);
}

TEST(PoolAfterDeath, has_ended_where_a_death_breaks_it) {
  Executor pool({.workers = 1, .on_death = OnDeath::kBreakPool});
  Future<int> lost = pool.submit(die, "");
  const std::string text = told(lost, true);
  EXPECT_EQ(text.find(kGoesOn), std::string::npos);
  EXPECT_NE(text.find("that was the end of the pool"), std::string::npos) << text;
}

TEST(PoolAfterDeath, is_shutting_down_where_a_shutdown_has_begun) {
  Meeting meeting;
  Executor pool({.workers = 1});
  Future<int> lost = pool.submit(die, meeting.folder());
  meeting.await();
  std::thread ending([&] { pool.shutdown(); });
  // Until the shutdown has begun: then nothing is accepted any more.
  try {
    while (true) pool.submit([] {}).cancel();
  } catch (const ShutdownExecutorError&) {
  }
  pool.health();  // so that the supervisor knows it, too
  meeting.let_go();
  ending.join();
  const std::string text = told(lost, false);
  EXPECT_EQ(text.find(kGoesOn), std::string::npos);
  EXPECT_NE(text.find("the pool was shutting down"), std::string::npos) << text;
}

TEST(PoolAfterDeath, ended_with_every_error_that_says_so_by_its_class) {
  for (const FailureKind kind :
       {FailureKind::kPoolBroken, FailureKind::kSpawn, FailureKind::kInitializer}) {
    try {
      throw_failure(Failure{.kind = kind});
    } catch (const BrokenProcessPool& error) {
      EXPECT_TRUE(error.pool_ended());
    }
  }
}

TEST(Text, of_a_pool_that_has_ended_says_of_each_task_whether_it_may_have_run) {
  for (const FailureKind kind : {FailureKind::kPoolBroken, FailureKind::kSpawn,
                                 FailureKind::kInitializer, FailureKind::kSupervisorLost}) {
    const auto text = [kind](bool started) {
      return std::string(
          ExecutorError({.kind = kind, .task = 7, .text = "why", .started = started}).what());
    };
    EXPECT_EQ(text(false), "task 7 cannot run: why");
    EXPECT_EQ(text(true), "task 7 may have run, and was ended: why");
  }
}

}  // namespace
}  // namespace poolproof
