// A memory limit by a separate cgroup for each worker, with real processes and real kills by the
// kernel, if this user may make cgroups of version 1. Elsewhere these tests print what is missing,
// and are skipped.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "executor/tests/meeting.h"
#include "poolproof/executor.h"

namespace poolproof {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;
namespace fs = std::filesystem;

constexpr std::size_t kLimit = 256 << 20;

std::string my_cgroups() {
  std::ifstream in("/proc/self/cgroup");
  return {std::istreambuf_iterator<char>(in), {}};
}

// The cgroups of a worker while its static objects are constructed.
const std::string kAtFirst = my_cgroups();

// Touches twice the limit, so that a kernel that does not enforce it would be noticed.
int want_too_much() {
  std::vector<std::vector<char>> held;
  for (int i = 0; i < 32; ++i) held.emplace_back(kLimit / 16, 'x');
  return static_cast<int>(held.size());
}

// The pid of a process that lives longer than its task, in its own session.
int leave_a_process() {
  const int pid = fork();
  if (pid == 0) {
    setsid();
    for (;;) pause();
  }
  return pid;
}

// A cgroup that the test gives to the executor, below the one of this process.
class MemoryCgroup : public testing::Test {
 protected:
  void SetUp() override {
    std::istringstream lines(kAtFirst);
    std::string line, path;
    while (std::getline(lines, line)) {
      const std::size_t at = line.find(":memory:");
      if (at != std::string::npos) path = line.substr(at + std::strlen(":memory:"));
    }
    if (path.empty()) GTEST_SKIP() << "no memory controller of version 1 here";
    const std::string mount = "/sys/fs/cgroup/memory";
    const std::string above = fs::exists(mount + path) ? mount + path : mount;
    folder = above + "/poolproof-test-" + std::to_string(getpid());
    if (mkdir(folder.c_str(), 0755) != 0) {
      const std::string why = std::strerror(errno);
      const std::string tried = std::exchange(folder, "");
      GTEST_SKIP() << "this user may not make " << tried << ": " << why;
    }
  }
  void TearDown() override {
    if (folder.empty()) return;
    EXPECT_EQ(of_workers(), 0) << "an executor leaves no cgroup";
    EXPECT_EQ(rmdir(folder.c_str()), 0) << std::strerror(errno);
  }

  ExecutorOptions options(int workers = 1) const {
    return {.workers = workers,
            .memory_limit = kLimit,
            .memory_cgroup = folder,
            .on_destroy = {.running = Running::kKill}};  // a test that fails must not hang
  }
  int of_workers() const {
    int count = 0;
    for (const auto& entry : fs::directory_iterator(folder)) count += entry.is_directory();
    return count;
  }

  std::string folder;
};

TEST_F(MemoryCgroup, ends_a_task_that_wants_too_much_and_the_error_has_the_kernels_evidence) {
  Executor pool(options(2));
  Meeting meeting;
  Future<int> bystander = pool.submit(meet_and_return, meeting.folder(), 7);
  meeting.await();
  try {
    pool.submit(want_too_much).get();
    FAIL();
  } catch (const TerminatedWorkerError& error) {
    EXPECT_TRUE(error.out_of_memory());
    EXPECT_EQ(error.failure().exit, ExitStatus(Signaled{SIGKILL, false}));
    EXPECT_NE(std::string(error.what()).find("more than its 268435456 bytes"), std::string::npos)
        << error.what();
  }
  EXPECT_EQ(of_workers(), 1) << "the dead worker's is gone when its future ends";
  meeting.let_go();
  EXPECT_EQ(bystander.get(), 7);
  EXPECT_EQ(pool.submit([] { return 1; }).get(), 1);
}

TEST_F(MemoryCgroup, is_the_workers_before_anything_of_the_program_runs_in_it) {
  Executor pool(options());
  const std::string first = pool.submit([] { return kAtFirst; }).get();
  EXPECT_NE(first.find(fs::path(folder).filename().string() + "/poolproof-"), std::string::npos)
      << first;
  EXPECT_EQ(kAtFirst.find(fs::path(folder).filename().string()), std::string::npos);
}

TEST_F(MemoryCgroup, is_no_limit_to_what_is_only_mapped) {
  Executor pool(options());
  const auto map = [] {
    return mmap(nullptr, 4 * kLimit, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
           MAP_FAILED;
  };
  EXPECT_TRUE(pool.submit(map).get());
}

TEST_F(MemoryCgroup, calls_no_other_kill_out_of_memory) {
  Executor pool(options());
  try {
    pool.submit([] { raise(SIGKILL); }).get();
    FAIL();
  } catch (const TerminatedWorkerError& error) {
    EXPECT_FALSE(error.out_of_memory());
  }
}

TEST_F(MemoryCgroup, ends_what_a_task_has_started_with_its_worker) {
  int left = 0;
  {
    Executor pool(options());
    left = pool.submit(leave_a_process).get();
    EXPECT_EQ(::kill(left, 0), 0) << "it outlives its task";
  }
  EXPECT_TRUE(ends_within(left, 60'000));
}

TEST_F(MemoryCgroup, that_goes_away_ends_the_pool_with_an_error_that_names_the_option) {
  Executor pool(options());
  ASSERT_EQ(rmdir(folder.c_str()), 0);
  try {
    pool.submit([] { return 1; }).get();
    FAIL();
  } catch (const SpawnError& error) {
    EXPECT_NE(std::string(error.what()).find("mkdir in ExecutorOptions::memory_cgroup"),
              std::string::npos)
        << error.what();
  }
  ASSERT_EQ(mkdir(folder.c_str(), 0755), 0);
}

std::string refusal(const ExecutorOptions& options) {
  try {
    Executor pool(options);
    return "none";
  } catch (const SpawnError& error) {
    return error.what();
  } catch (const std::invalid_argument& error) {
    return std::string("invalid: ") + error.what();
  }
}

TEST(MemoryCgroupOption, is_refused_with_the_cure_where_no_cgroup_can_be_made) {
  const std::string nowhere = refusal({.memory_limit = kLimit, .memory_cgroup = "/nowhere/at/all"});
  EXPECT_NE(nowhere.find("is /nowhere/at/all, which is no cgroup"), std::string::npos) << nowhere;
  EXPECT_NE(nowhere.find("Cure: "), std::string::npos);
  EXPECT_NE(nowhere.find("Nothing was started"), std::string::npos);
  EXPECT_EQ(refusal({.memory_cgroup = "/sys/fs/cgroup"}).rfind("invalid: ", 0), 0u);
  EXPECT_EQ(refusal({.memory_limit = kLimit, .memory_cgroup = "mine"}).rfind("invalid: ", 0), 0u);
}

}  // namespace
}  // namespace poolproof
