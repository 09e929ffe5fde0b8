// Programs that would start themselves again and again if a worker ran the program's code (law
// L10): bomb_program.cc. There are never more processes than asked for, and every program ends.
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "executor/tests/program.h"

namespace poolproof {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

// Without zombies.
std::vector<int> processes_of_session(int session) {
  std::vector<int> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const int pid = std::atoi(entry.path().filename().c_str());
    if (pid <= 0) continue;
    std::string stat;
    std::getline(std::ifstream(entry.path() / "stat"), stat);
    const std::size_t name_end = stat.rfind(')');
    if (name_end == std::string::npos) continue;
    std::istringstream words(stat.substr(name_end + 1));
    std::string state;
    int parent = 0, group = 0, its_session = 0;
    words >> state >> parent >> group >> its_session;
    if (its_session == session && state != "Z" && state != "X") found.push_back(pid);
  }
  return found;
}

// While it exists, counts the processes of a program, and ends them all if they are too many or
// take too long.
class Watch {
 public:
  Watch(int session, std::size_t limit) : thread_([=, this] { watch(session, limit); }) {}
  ~Watch() {
    over_ = true;
    thread_.join();
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  std::size_t most() const { return most_; }
  bool in_time() const { return in_time_; }

 private:
  void watch(int session, std::size_t limit) {
    const auto until = std::chrono::steady_clock::now() + 60s;
    while (!over_) {
      const std::vector<int> all = processes_of_session(session);
      most_ = std::max<std::size_t>(most_, all.size());
      if (std::chrono::steady_clock::now() > until) in_time_ = false;
      if (all.size() > limit || !in_time_) {
        for (const int pid : all) kill(pid, SIGKILL);
      } else {
        std::this_thread::sleep_for(2ms);
      }
    }
  }
  std::atomic<std::size_t> most_ = 0;
  std::atomic<bool> in_time_ = true;
  std::atomic<bool> over_ = false;
  std::thread thread_;
};

class Bomb : public testing::TestWithParam<const char*> {
 protected:
  // What the program and its workers print, without the line of main. `limit`: of processes.
  std::string output_of(const std::string& plan, std::size_t limit) {
    setenv("POOLPROOF_TEST_BOMB", plan.c_str(), 1);
    Program program(GetParam(), {});
    unsetenv("POOLPROOF_TEST_BOMB");
    const Watch watch(program.pid(), limit);
    std::string output = program.output();
    EXPECT_LE(watch.most(), limit);
    EXPECT_TRUE(watch.in_time());
    const std::size_t first = output.find("main of ");
    if (first == std::string::npos) return output;
    EXPECT_EQ(output.find("main of ", first + 1), std::string::npos)
        << "main ran twice: " << output;
    return output.erase(first, output.find('\n', first) - first + 1);
  }
  // There the program cannot use an executor before main, and says so.
  bool is_cured() const { return std::string(GetParam()) == BOMB_CURED; }
};

INSTANTIATE_TEST_SUITE_P(Linked, Bomb, testing::Values(BOMB_STATICALLY, BOMB_SHARED, BOMB_CURED),
                         [](const auto& each) {
                           const std::string path = each.param;
                           return path.substr(path.rfind('_') + 1);
                         });

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

constexpr char kRefused[] = "a static constructor has submitted a task";

TEST_P(Bomb, of_a_constructor_that_submits_ends_with_an_error_that_says_what_to_do) {
  const std::string output = output_of("constructor", 2);
  if (is_cured()) {
    EXPECT_TRUE(has(output, "worker_entry(argc, argv) as the first line of main")) << output;
    return;
  }
  EXPECT_TRUE(has(output, kRefused)) << output;
  EXPECT_TRUE(has(output, "Construct global values that need a pool in main")) << output;
  EXPECT_FALSE(has(output, "table")) << output;
}

TEST_P(Bomb, of_a_constructor_that_catches_the_error_is_a_program_that_works) {
  const std::string output = output_of("careful-constructor", 2);
  if (is_cured()) return;
  EXPECT_TRUE(has(output, "table: got 42\n")) << output;
}

TEST_P(Bomb, of_a_constructors_thread_that_submits_is_refused_in_workers) {
  const std::string output = output_of("thread", 3);
  EXPECT_TRUE(has(output, "sum 2100\n")) << output;
  EXPECT_TRUE(has(output, "caught: ")) << output;
}

TEST_P(Bomb, of_a_constructors_thread_that_submits_in_a_loop_disturbs_no_task) {
  EXPECT_EQ(output_of("thread-loop", 4), "sum 2100\n");
}

TEST_P(Bomb, of_a_thread_that_a_constructors_thread_starts_late_disturbs_no_task) {
  EXPECT_EQ(output_of("thread-late", 3), "sum 2100\n");
}

TEST_P(Bomb, of_a_constructor_that_starts_workers_early_is_a_program_that_works) {
  if (is_cured()) return;
  EXPECT_EQ(output_of("prestart", 3), "global got 42\n");
}

TEST_P(Bomb, of_a_constructor_or_destructor_that_submits_a_batch_is_a_program_that_works) {
  if (is_cured()) return;
  EXPECT_EQ(output_of("batch", 3), "table: got 40\n");
  const std::string output = output_of("batch-destructor", 3);
  EXPECT_TRUE(has(output, "main got 40\n")) << output;
  EXPECT_TRUE(has(output, "destructor got 40\n")) << output;
}

TEST_P(Bomb, of_a_global_executor_that_cannot_be_made_in_a_worker_is_a_program_that_works) {
  if (is_cured()) return;
  EXPECT_EQ(output_of("depth", 3), "global got 42\n");
  EXPECT_EQ(output_of("share", 40), "global got 42\n");
  EXPECT_EQ(output_of("trace", 4), "global got 42, got 42\n");
}

TEST_P(Bomb, of_an_exit_handler_or_a_static_destructor_is_a_program_that_works) {
  EXPECT_EQ(output_of("exit-handler", 3), "main got 42\nat exit got 42\n");
  // A worker that ends on request runs static destructors, too.
  const std::string output = output_of("destructor", 3);
  EXPECT_TRUE(has(output, "main got 42\n")) << output;
  EXPECT_TRUE(has(output, "destructor got 42\n")) << output;
  EXPECT_TRUE(has(output, "destructor caught: this process is a worker of the program that ends"))
      << output;
}

TEST_P(Bomb, of_a_task_that_submits_itself_without_a_limit_of_depth_ends) {
  EXPECT_EQ(output_of("recursion", 2 + 256 + 1), "recursion ended\n");
}

TEST_P(Bomb, of_a_task_that_becomes_what_looks_like_a_worker_ends_with_a_message) {
  EXPECT_TRUE(has(output_of("marked", 2), "was ended by exit code 115"));
  const std::string output = output_of("oneself", 2);
  EXPECT_TRUE(has(output, "exit code 115") || has(output, "broke the protocol")) << output;
}

TEST_P(Bomb, of_an_initializer_that_submits_ends_with_an_error_that_says_so) {
  const std::string output = output_of("initializer", 2);
  EXPECT_TRUE(has(output, "its initializer has submitted a task")) << output;
}

}  // namespace
}  // namespace poolproof
