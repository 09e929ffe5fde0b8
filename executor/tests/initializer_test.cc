// Initializer, environment and name of a worker, with real processes.
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "executor/tests/meeting.h"
#include "poolproof/executor.h"

namespace poolproof {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

int prepared = 0;
void prepare(const std::vector<int>& with) { prepared = with.at(1); }
int what_is_prepared() { return prepared; }

TEST(Initializer, runs_once_in_every_worker_before_its_first_task) {
  Executor pool({.workers = 2, .initializer = make_initializer(prepare, std::vector{1, 42})});
  Meeting first, second;
  Future<int> one = pool.submit(meet_and_return, first.folder(), 0);
  Future<int> two = pool.submit(meet_and_return, second.folder(), 0);
  first.await();
  second.await();
  first.let_go();
  second.let_go();
  for (int i = 0; i < 8; ++i) EXPECT_EQ(pool.submit(what_is_prepared).get(), 42);
  EXPECT_EQ(prepared, 0) << "not here";
}

TEST(Initializer, runs_again_in_a_worker_that_replaces_another) {
  Executor pool({.workers = 1, .initializer = make_initializer(prepare, std::vector{1, 42})});
  EXPECT_THROW(pool.submit([] { raise(SIGKILL); }).get(), TerminatedWorkerError);
  EXPECT_EQ(pool.submit(what_is_prepared).get(), 42);
}

std::string text_of_the_end(Executor& pool) {
  try {
    pool.submit([] { return 1; }).get();
    return "a value";
  } catch (const InitializerError& error) {
    EXPECT_THROW(std::ignore = pool.submit([] { return 1; }), InitializerError);
    return error.what();
  }
}

TEST(Initializer, that_throws_ends_the_pool_with_its_type_and_text) {
  Executor pool({.workers = 2, .initializer = make_initializer([] {
                                 throw std::out_of_range("no such model");
                               })});
  const std::string text = text_of_the_end(pool);
  EXPECT_NE(text.find("the initializer threw std::out_of_range"), std::string::npos) << text;
  EXPECT_NE(text.find("no such model"), std::string::npos) << text;
}

TEST(Initializer, that_exits_ends_the_pool_with_its_exit_code) {
  Executor pool({.workers = 1, .initializer = make_initializer([] { _exit(5); })});
  const std::string text = text_of_the_end(pool);
  EXPECT_NE(text.find("exit code 5, in its initializer"), std::string::npos) << text;
}

TEST(Initializer, that_hangs_ends_the_pool_at_its_limit) {
  Executor pool({.workers = 1,
                 .initializer = make_initializer([] {
                   while (true) pause();
                 }),
                 .initializer_limit = 200ms});
  const std::string text = text_of_the_end(pool);
  EXPECT_NE(text.find("did not end within 200 ms"), std::string::npos) << text;
}

// What a static constructor of the worker finds.
const std::string seen_early = [] {
  const char* value = getenv("POOLPROOF_TEST_COLOUR");
  return std::string(value != nullptr ? value : "none");
}();

TEST(Environment, of_a_worker_is_the_programs_and_what_the_options_add) {
  setenv("POOLPROOF_TEST_COLOUR", "red", 1);
  setenv("POOLPROOF_TEST_KEPT", "kept", 1);
  Executor pool({.workers = 1, .env = {{"POOLPROOF_TEST_COLOUR", "blue"}, {"EMPTY", ""}}});
  EXPECT_EQ(pool.submit([] { return seen_early; }).get(), "blue")
      << "before any constructor has run";
  EXPECT_EQ(pool.submit([] { return std::string(getenv("POOLPROOF_TEST_KEPT")); }).get(), "kept");
  EXPECT_EQ(pool.submit([] { return std::string(getenv("EMPTY")); }).get(), "");
  EXPECT_STREQ(getenv("POOLPROOF_TEST_COLOUR"), "red");
  unsetenv("POOLPROOF_TEST_COLOUR");
  unsetenv("POOLPROOF_TEST_KEPT");
}

TEST(Environment, that_cannot_be_is_refused) {
  EXPECT_THROW(Executor({.workers = 1, .env = {{"A=B", "c"}}}), std::invalid_argument);
  EXPECT_THROW(Executor({.workers = 1, .env = {{"", "c"}}}), std::invalid_argument);
  EXPECT_THROW(Executor({.workers = 1, .env = {{"A", std::string(1, '\0')}}}),
               std::invalid_argument);
}

std::string own_name() {
  const auto worker = this_worker();
  return worker ? std::to_string(worker->index) + " " + worker->name : "none";
}
std::string kernels_name() {
  std::string name;
  std::getline(std::ifstream("/proc/self/comm"), name);
  return name;
}
std::string name_after_meeting(std::string folder) {
  meet(folder);
  return own_name();
}

TEST(ThisWorker, is_told_its_place_and_its_name) {
  Executor pool({.workers = 2, .name = "mill"});
  Meeting first, second;
  Future<std::string> one = pool.submit(name_after_meeting, first.folder());
  first.await();
  Future<std::string> two = pool.submit(name_after_meeting, second.folder());
  second.await();
  first.let_go();
  second.let_go();
  EXPECT_EQ(one.get(), "0 mill-0");
  EXPECT_EQ(two.get(), "1 mill-1");
  EXPECT_EQ(pool.submit(kernels_name).get().substr(0, 5), "mill-");
}

TEST(ThisWorker, hands_its_place_on_to_the_one_that_replaces_it) {
  Executor pool({.workers = 1, .name = "mill"});
  EXPECT_THROW(pool.submit([] { raise(SIGKILL); }).get(), TerminatedWorkerError);
  EXPECT_EQ(pool.submit(own_name).get(), "0 mill-0");
}

TEST(ThisWorker, is_nobody_in_the_program) { EXPECT_FALSE(this_worker()); }

}  // namespace
}  // namespace poolproof
