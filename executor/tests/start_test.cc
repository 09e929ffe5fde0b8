// Workers that do not start, or take no task, as real processes: frozen, crashing, refused.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "poolproof/executor.h"

namespace poolproof {
namespace {

using namespace std::chrono_literals;

// A worker of this program stops, or ends, before its hello: once for each file of that name.
struct BeforeHello {
  BeforeHello() {
    const char* folder = getenv("POOLPROOF_TEST_BEFORE_HELLO");
    if (folder == nullptr) return;
    for (const char* turn : {"0", "1", "2"}) {
      if (unlink((std::string(folder) + "/stop" + turn).c_str()) == 0) raise(SIGSTOP);
      if (unlink((std::string(folder) + "/exit" + turn).c_str()) == 0) _exit(9);
    }
  }
} before_hello;

class Start : public testing::Test {
 protected:
  Start() {
    char name[] = "/tmp/poolproof-test-XXXXXX";
    folder_ = mkdtemp(name);
    setenv("POOLPROOF_TEST_BEFORE_HELLO", folder_.c_str(), 1);
  }
  ~Start() override {
    unsetenv("POOLPROOF_TEST_BEFORE_HELLO");
    rmdir(folder_.c_str());
  }
  void plan(const char* name) { std::ofstream(folder_ + "/" + name) << name; }

 private:
  std::string folder_;
};

bool is_stopped(int pid) {
  std::string stat;
  std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/stat"), stat);
  return stat.substr(stat.rfind(')') + 2, 1) == "T";
}

TEST_F(Start, a_worker_that_is_frozen_before_its_hello_is_replaced) {
  plan("stop0");
  Executor pool({.workers = 1, .start_limit = 3s});
  EXPECT_EQ(pool.submit([] { return 1; }).get(), 1);
}

TEST_F(Start, three_frozen_workers_in_a_row_end_the_pool_and_are_called_so) {
  for (const char* name : {"stop0", "stop1", "stop2"}) plan(name);
  Executor pool({.workers = 1, .start_limit = 1s});
  try {
    pool.submit([] { return 1; }).get();
    FAIL();
  } catch (const SpawnError& error) {
    EXPECT_EQ(error.failure().cause, Cause::kFrozen);
    EXPECT_NE(std::string(error.what()).find("found stopped"), std::string::npos) << error.what();
  }
  EXPECT_THROW(std::ignore = pool.submit([] { return 1; }), SpawnError);
}

TEST_F(Start, a_worker_that_dies_before_its_hello_is_replaced) {
  plan("exit0");
  plan("exit1");
  Executor pool({.workers = 1});
  EXPECT_EQ(pool.submit([] { return 1; }).get(), 1);
}

TEST_F(Start, an_idle_worker_that_freezes_gives_its_next_task_to_another) {
  Executor pool({.workers = 1, .start_limit = 3s});
  const int pid = pool.submit(getpid).get();
  kill(pid, SIGSTOP);
  while (!is_stopped(pid)) std::this_thread::sleep_for(1ms);
  EXPECT_NE(pool.submit(getpid).get(), pid);
  EXPECT_NE(kill(pid, 0), 0) << "it was killed, and reaped";
}

TEST_F(Start, a_system_that_refuses_every_worker_gives_an_error_that_says_how) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "UBSan asks by a pipe whether an object is readable, and takes no for its answer";
#endif
  Executor pool({.workers = 2});
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const int next = open("/dev/null", O_RDONLY);
  close(next);
  // Enough for the bell of the pool, too few for a channel.
  const rlimit few{static_cast<rlim_t>(std::max(next, 5)) + 2, before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &few);
  Future<int> first = pool.submit([] { return 1; });
  Future<int> second = pool.submit([] { return 2; });
  EXPECT_THROW(first.get(), SpawnError);
  setrlimit(RLIMIT_NOFILE, &before);
  try {
    second.get();
    FAIL();
  } catch (const SpawnError& error) {
    EXPECT_NE(std::string(error.what()).find("Too many open files"), std::string::npos)
        << error.what();
  }
}

TEST_F(Start, a_running_pool_goes_on_though_the_program_may_have_no_descriptor_any_more) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "UBSan asks by a pipe whether an object is readable, and takes no for its answer";
#endif
  Executor pool({.workers = 3});
  std::vector<Future<void>> starts;
  for (int i = 0; i < 3; ++i) {
    starts.push_back(pool.submit([] { std::this_thread::sleep_for(100ms); }));
  }
  for (Future<void>& each : starts) each.get();
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  for (const rlim_t few : {1, 0}) {
    const rlimit limit{few, before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &limit);
    EXPECT_EQ(pool.submit([] { return 7; }).get(), 7);
    const auto hang = [] {
      while (true) pause();
    };
    EXPECT_THROW(pool.submit({.deadline = 100ms}, hang).get(), DeadlineError);
  }
  setrlimit(RLIMIT_NOFILE, &before);
}

// As a thread has it, and hands it down: policy, timer slack, nice value.
std::vector<int> scheduling() {
  return {sched_getscheduler(0), prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0),
          getpriority(PRIO_PROCESS, 0)};
}

// Not by the user's number, which may be fakeroot's or that of a container's root.
bool may_lower_nice_value() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("CapEff:", 0) != 0) continue;
    return (std::stoull(line.substr(7), nullptr, 16) >> CAP_SYS_NICE & 1) != 0;
  }
  return false;
}

TEST(Scheduling, of_workers_is_that_of_the_program_whichever_thread_submits_first) {
  const std::vector<int> programs = scheduling();
  Executor pool({.workers = 1});
  std::thread([&] {
    const sched_param none{};
    ASSERT_EQ(sched_setscheduler(0, SCHED_BATCH, &none), 0);
    ASSERT_EQ(prctl(PR_SET_TIMERSLACK, 50'000'000, 0, 0, 0), 0);
    if (may_lower_nice_value()) {  // else there is no way back
      ASSERT_EQ(setpriority(PRIO_PROCESS, 0, programs[2] + 5), 0);
    }
    EXPECT_EQ(pool.submit(scheduling).get(), programs);
  }).join();
  EXPECT_THROW(pool.submit([] { _exit(3); }).get(), TerminatedWorkerError);
  EXPECT_EQ(pool.submit(scheduling).get(), programs) << "of the next worker";
}

}  // namespace
}  // namespace poolproof
