// How a worker ends that was asked to: what is flushed, and which hooks run. And what ends a worker
// whose channel has become another file.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <initializer_list>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "executor/tests/meeting.h"
#include "poolproof/executor.h"
#include "poolproof/wait.h"

namespace poolproof {
namespace {

using namespace testing_support;

// Task `n` prints a line that cannot be written, to streams that throw what they cannot write.
int print_in_vain(int n) {
  const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  dup2(full, STDOUT_FILENO);
  close(full);
  std::setvbuf(stdout, nullptr, _IOFBF, 4096);
  for (std::ios* each : std::initializer_list<std::ios*>{&std::cout, &std::clog}) {
    try {
      each->exceptions(std::ios::badbit | std::ios::failbit);
    } catch (const std::ios::failure&) {  // it has failed already, in the task before
    }
  }
  try {
    std::cout << "a line\n";
  } catch (const std::ios::failure&) {
  }
  return n;
}

// Opened by the first task of a worker, and by nobody else; its buffer is written when it is
// destroyed, at the worker's end.
std::ofstream& global_log(const std::string& path) {
  static std::ofstream log(path, std::ios::app);
  return log;
}

class WorkerEnd : public testing::Test {
 protected:
  WorkerEnd() {
    char name[] = "/tmp/poolproof-test-XXXXXX";
    close(mkstemp(name));
    path_ = name;
  }
  ~WorkerEnd() override { unlink(path_.c_str()); }
  std::string written() const {
    std::ifstream in(path_);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::string path_;
};

void note(const std::string& path, const std::string& what) {
  std::ofstream(path, std::ios::app) << what << '\n';
}

TEST_F(WorkerEnd, writes_what_lies_in_streams_that_live_as_long_as_the_program) {
  Executor pool({.workers = 1});
  for (int i = 0; i < 3; ++i) {
    pool.submit([](int n, std::string path) { global_log(path) << "line " << n << '\n'; }, i, path_)
        .get();
  }
  EXPECT_EQ(written(), "");
  pool.shutdown();
  EXPECT_EQ(written(), "line 0\nline 1\nline 2\n");
}

TEST_F(WorkerEnd, calls_the_hooks_of_its_tasks_in_reverse_order_and_then_atexit_handlers) {
  {
    Executor pool({.workers = 1});
    pool.submit(
            [](std::string path) {
              static std::string where;
              where = path;
              std::atexit([] { note(where, "atexit"); });
              at_worker_exit([path] { note(path, "first"); });
              at_worker_exit([path] { note(path, "second"); });
            },
            path_)
        .get();
  }
  EXPECT_EQ(written(), "second\nfirst\natexit\n");
}

TEST_F(WorkerEnd, calls_its_hooks_though_one_throws_and_though_it_is_idle_or_spent) {
  Executor pool({.workers = 1, .tasks_per_worker = 1});
  const auto hooks = [](std::string path) {
    at_worker_exit([path] { note(path, "called"); });
    at_worker_exit([] { throw std::runtime_error("of a hook"); });
  };
  pool.submit(hooks, path_).get();
  pool.submit(hooks, path_).get();
  pool.shutdown();
  EXPECT_EQ(written(), "called\ncalled\n");
}

TEST_F(WorkerEnd, does_not_come_before_the_value_of_a_task_whose_streams_throw) {
  Executor pool({.workers = 1});
  const int worker = pool.submit(getpid).get();
  for (int n = 0; n < 3; ++n) EXPECT_EQ(pool.submit(print_in_vain, n).get(), n);
  EXPECT_EQ(pool.submit(getpid).get(), worker) << "it went on";
}

TEST_F(WorkerEnd, does_not_come_in_an_initializer_whose_streams_throw) {
  Executor pool({.workers = 1, .initializer = make_initializer(print_in_vain, 0)});
  EXPECT_EQ(pool.submit([] { return 7; }).get(), 7);
}

TEST_F(WorkerEnd, calls_no_hook_of_a_worker_that_was_killed) {
  Executor pool({.workers = 1});
  pool.submit([](std::string path) { at_worker_exit([path] { note(path, "called"); }); }, path_)
      .get();
  pool.submit([] { raise(SIGKILL); }).wait();
  pool.shutdown();
  EXPECT_EQ(written(), "");
}

TEST_F(WorkerEnd, is_not_delayed_by_a_hook_of_the_program_itself) {
  at_worker_exit([this] { note(path_, "not here"); });
  Executor(ExecutorOptions{.workers = 1}).submit([] {}).get();
  EXPECT_EQ(written(), "");
}

// A close loop; then the task opens a connection of its own under the number of the channel.
TEST_F(WorkerEnd, comes_before_a_result_goes_to_whoever_has_the_number_of_its_channel) {
  Executor pool({.workers = 1});
  auto victim = pool.submit(
      [](std::string path) -> std::string {
        for (int fd = 3; fd < 64; ++fd) close(fd);
        int ends[2];
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0 || ends[0] != 3) return "no number 3";
        if (fork() == 0) {  // acts as a server at the other end
          close(ends[0]);
          char byte = 0;
          const ssize_t got = read(ends[1], &byte, 1);
          note(path, got == 0 ? "nothing" : "something");
          _exit(0);
        }
        close(ends[1]);
        return "a secret";
      },
      path_);
  try {
    victim.get();
    FAIL();
  } catch (const TerminatedWorkerError& error) {
    EXPECT_NE(std::string(error.what()).find("does a task close descriptors"), std::string::npos)
        << error.what();
  }
  EXPECT_EQ(pool.submit([] { return 1; }).get(), 1);
  for (int tries = 0; tries < 6000 && written().empty(); ++tries) usleep(10'000);
  EXPECT_EQ(written(), "nothing\n");
}

// Arrives, and returns at the next SIGUSR1. The process that sends it needs no descriptor.
int await_signal(std::string folder, int value) {
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, SIGUSR1);
  sigprocmask(SIG_BLOCK, &one, nullptr);
  meet(std::move(folder));
  int number = 0;
  sigwait(&one, &number);
  return value;
}

// More entries to poll than RLIMIT_NOFILE allows; the program lowers it while all are busy.
TEST(DescriptorLimit, that_is_lowered_below_what_the_pool_holds_delays_no_task) {
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  Meeting meeting;
  meeting.let_go();
  Executor pool({.workers = 12});
  // UBSan reads the first object of a type through a pipe, for which there is no room later.
  EXPECT_EQ(pool.submit([] { return 7; }).get(), 7);
  std::vector<Future<int>> busy;
  for (int i = 0; i < 12; ++i) busy.push_back(pool.submit(await_signal, meeting.folder(), i));
  const std::vector<int> pids = meeting.await(12);
  for (const rlim_t few : {rlim_t{16}, rlim_t{3}, rlim_t{1}}) {
    const rlimit lowered{few, before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &lowered);
    EXPECT_EQ(pool.health().busy, 12) << few;
  }
  for (const int pid : pids) kill(pid, SIGUSR1);
  for (int i = 0; i < 12; ++i) EXPECT_EQ(busy[static_cast<std::size_t>(i)].get(), i);
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(pool.submit([] { return 7; }).get(), 7);
}

}  // namespace
}  // namespace poolproof
