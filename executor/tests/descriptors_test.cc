// What a worker starts with, and what an executor leaves behind (laws L8, L9, L10).
#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "executor/tests/meeting.h"
#include "poolproof/executor.h"

namespace poolproof {
namespace {

using namespace testing_support;

std::vector<std::string> list(std::string folder) {
  std::vector<std::string> names;
  DIR* open_folder = opendir(folder.c_str());
  while (const dirent* entry = readdir(open_folder)) {
    if (entry->d_name[0] != '.') names.push_back(entry->d_name);
  }
  closedir(open_folder);
  return names;
}

std::string link_of(const std::string& path) {
  char text[256];
  const ssize_t size = readlink(path.c_str(), text, sizeof(text));
  return size < 0 ? "" : std::string(text, static_cast<std::size_t>(size));
}

// In the worker: every open descriptor and what it is, without the one that reads the folder.
std::vector<std::string> open_descriptors() {
  std::vector<std::string> found;
  for (const std::string& name : list("/proc/self/fd")) {
    const std::string target = link_of("/proc/self/fd/" + name);
    if (!target.empty()) found.push_back(name + " " + target.substr(0, target.find(':')));
  }
  std::sort(found.begin(), found.end());
  return found;
}

TEST(WorkerStart, has_exactly_its_descriptors_whatever_the_program_has_open) {
  std::vector<int> strays;
  for (int i = 0; i < 20; ++i) strays.push_back(open("/dev/zero", O_RDONLY));  // not CLOEXEC
  Executor pool({.workers = 1});
  const std::vector<std::string> seen = pool.submit(open_descriptors).get();
  for (const int fd : strays) close(fd);
  ASSERT_EQ(seen.size(), 5u);
  EXPECT_EQ(seen[0], "0 /dev/null");
  EXPECT_EQ(seen[1].substr(0, 2), "1 ");
  // Its lifeline, which sorts before its channel: a high number, beyond most close loops.
  EXPECT_EQ(seen[2].substr(seen[2].find(' ')), " socket");
  EXPECT_GE(std::stoi(seen[2]), 100);
  EXPECT_EQ(seen[3].substr(0, 2), "2 ");
  EXPECT_EQ(seen[4], "3 socket");
}

// Runs in the worker.
bool ignores(int signal) {
  struct sigaction action {};
  sigaction(signal, nullptr, &action);
  return action.sa_handler == SIG_IGN;
}
bool has_default(int signal) {
  struct sigaction action {};
  sigaction(signal, nullptr, &action);
  return action.sa_handler == SIG_DFL;
}
bool is_blocked(int signal) {
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  return sigismember(&mask, signal) != 0;
}

// While it exists, the program ignores a signal, handles it, or has the default action.
class Disposition {
 public:
  Disposition(int signal, void (*what)(int)) : signal_(signal) {
    struct sigaction action {};
    action.sa_handler = what;
    sigaction(signal, &action, &before_);
  }
  ~Disposition() { sigaction(signal_, &before_, nullptr); }
  Disposition(const Disposition&) = delete;
  Disposition& operator=(const Disposition&) = delete;

 private:
  int signal_;
  struct sigaction before_ {};
};

TEST(WorkerStart, ignores_the_signals_that_the_program_ignores_and_no_other) {
  const Disposition ignored(SIGUSR1, SIG_IGN), handled(SIGTERM, [](int) {});
  const Disposition pipe(SIGPIPE, SIG_IGN);
  Executor pool({.workers = 1});
  EXPECT_TRUE(pool.submit(ignores, SIGUSR1).get());
  EXPECT_TRUE(pool.submit(ignores, SIGPIPE).get());
  EXPECT_TRUE(pool.submit(has_default, SIGTERM).get());
  EXPECT_TRUE(pool.submit(has_default, SIGUSR2).get());
}

TEST(WorkerStart, blocks_no_signal_though_the_submitting_thread_does) {
  sigset_t block, mask_before;
  sigemptyset(&block);
  sigaddset(&block, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &block, &mask_before);
  Executor pool({.workers = 1});
  EXPECT_FALSE(pool.submit(is_blocked, SIGUSR2).get());
  pthread_sigmask(SIG_SETMASK, &mask_before, nullptr);
}

TEST(WorkerStart, leaves_the_terminals_signals_to_the_program_unless_it_wants_otherwise) {
  const Disposition handled(SIGINT, [](int) {}), plain(SIGQUIT, SIG_DFL), ignored(SIGHUP, SIG_IGN);
  Executor quiet({.workers = 1});
  for (const int signal : {SIGINT, SIGQUIT, SIGHUP}) {
    EXPECT_TRUE(quiet.submit(ignores, signal).get()) << signal;
  }
  Executor usual({.workers = 1, .terminal_signals = TerminalSignals::kInherit});
  EXPECT_TRUE(usual.submit(has_default, SIGINT).get());
  EXPECT_TRUE(usual.submit(has_default, SIGQUIT).get());
  EXPECT_TRUE(usual.submit(ignores, SIGHUP).get());
}

TEST(WorkerStart, leaves_no_mark_in_its_environment) {
  const auto environment = [] {
    std::vector<std::string> all;
    for (char** each = environ; *each != nullptr; ++each) all.emplace_back(*each);
    return all;
  };
  Executor pool({.workers = 1});
  EXPECT_EQ(pool.submit(environment).get(), environment());
}

TEST(WorkerStart, has_the_environment_of_the_first_submit_whatever_the_program_sets_later) {
  setenv("POOLPROOF_TEST_LATER", "before", 1);
  Executor pool({.workers = 1, .tasks_per_worker = 1});
  const auto value = [] { return std::string(getenv("POOLPROOF_TEST_LATER")); };
  EXPECT_EQ(pool.submit(value).get(), "before");
  setenv("POOLPROOF_TEST_LATER", "after", 1);
  EXPECT_EQ(pool.submit(value).get(), "before") << "in another worker";
  unsetenv("POOLPROOF_TEST_LATER");
}

TEST(WorkerStart, has_the_cpus_of_the_program_when_the_executor_was_made) {
  cpu_set_t all, one;
  sched_getaffinity(getpid(), sizeof(all), &all);
  if (CPU_COUNT(&all) < 2) GTEST_SKIP() << "there is but one CPU here";
  const auto cpus = [] {
    cpu_set_t set;
    sched_getaffinity(0, sizeof(set), &set);
    return CPU_COUNT(&set);
  };
  Executor pool({.workers = 1});
  std::thread([&] {
    int first = 0;
    while (!CPU_ISSET(first, &all)) ++first;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    sched_setaffinity(0, sizeof(one), &one);
    EXPECT_EQ(pool.submit(cpus).get(), CPU_COUNT(&all)) << "it submits first, and is pinned";
  }).join();
}

TEST(WorkerStart, leaves_the_parents_signal_handlers_alone) {
  std::vector<struct sigaction> before(65), after(65);
  for (int signal = 1; signal < 65; ++signal) {
    sigaction(signal, nullptr, &before[static_cast<std::size_t>(signal)]);
  }
  {
    Executor pool({.workers = 2});
    pool.submit([] { raise(SIGKILL); }).wait();
    pool.submit([] {}).get();
  }
  for (int signal = 1; signal < 65; ++signal) {
    const auto at = static_cast<std::size_t>(signal);
    sigaction(signal, nullptr, &after[at]);
    EXPECT_EQ(after[at].sa_handler, before[at].sa_handler) << signal;
  }
}

TEST(Leftovers, are_none) {
  const auto fds = [] { return list("/proc/self/fd").size(); };
  const auto threads = [] { return list("/proc/self/task").size(); };
  std::size_t fds_before = 0, threads_before = 0;
  for (int round = 0; round < 4; ++round) {
    {
      Executor pool({.workers = 2});
      Meeting meeting;
      pool.submit([] {}).then([] {}).get();
      Future<void> killed = pool.submit(meet_and_sleep, meeting.folder());
      kill(meeting.await(), SIGKILL);
      killed.wait();
      std::ignore = pool.submit(meet_and_sleep, meeting.folder());
      meeting.await();
      pool.shutdown({.running = Running::kKill});
    }
    if (round == 0) {  // a sanitizer starts its own thread at our first one
      fds_before = fds();
      threads_before = threads();
    }
  }
  EXPECT_EQ(fds(), fds_before);
  EXPECT_EQ(threads(), threads_before);
  siginfo_t info{};
  EXPECT_EQ(waitid(P_ALL, 0, &info, WEXITED | WNOHANG), -1) << "no child, no zombie";
}

// "45 0x3 0x..." of a thread that is in a system call; "running" if it is not.
std::string syscall_of(const std::string& task_folder) {
  std::ifstream file(task_folder + "/syscall");
  std::string line;
  std::getline(file, line);
  return line;
}

// The arguments of system call `number`, once the thread sleeps in it.
std::vector<std::string> once_asleep_in(const std::string& task_folder, long number) {
  for (int tries = 0; tries < 60'000; ++tries) {
    std::istringstream line(syscall_of(task_folder));
    std::vector<std::string> words;
    for (std::string word; line >> word;) words.push_back(word);
    if (!words.empty() && words[0] == std::to_string(number)) return words;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return {};
}

TEST(Idle, nothing_is_timed_and_nothing_polls) {
  Executor pool({.workers = 1});
  const int worker = pool.submit(getpid).get();
  // The worker waits in a read of its channel: recvfrom(3, ...), on a socket without a timeout.
  const auto in_worker = once_asleep_in("/proc/" + std::to_string(worker), SYS_recvfrom);
  ASSERT_GE(in_worker.size(), 2u);
  EXPECT_EQ(in_worker[1], "0x3");
  // The supervisor waits in ppoll(fds, n, NULL, ...).
  for (const std::string& thread : list("/proc/self/task")) {
    std::string name;
    std::getline(std::ifstream("/proc/self/task/" + thread + "/comm") >> std::ws, name);
    if (name != "poolproof-super") continue;
    const auto in_supervisor = once_asleep_in("/proc/self/task/" + thread, SYS_ppoll);
    ASSERT_GE(in_supervisor.size(), 4u);
    EXPECT_EQ(in_supervisor[3], "0x0") << "no timeout";
    return;
  }
  FAIL() << "the supervisor's thread was not found";
}

}  // namespace
}  // namespace poolproof
