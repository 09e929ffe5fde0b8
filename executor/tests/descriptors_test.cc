// What a worker starts with, and what an executor leaves behind (laws L8, L9, L10).
#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
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

// In the worker: every open descriptor with what it is, without the one that reads the folder.
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
  ASSERT_EQ(seen.size(), 4u);
  EXPECT_EQ(seen[0], "0 /dev/null");
  EXPECT_EQ(seen[1].substr(0, 2), "1 ");
  EXPECT_EQ(seen[2].substr(0, 2), "2 ");
  EXPECT_EQ(seen[3], "3 socket");
}

TEST(WorkerStart, has_the_default_signals_and_no_mark_in_its_environment) {
  struct sigaction ignore {
  }, before{};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGUSR1, &ignore, &before);
  sigset_t block, mask_before;
  sigemptyset(&block);
  sigaddset(&block, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &block, &mask_before);
  Executor pool({.workers = 1});
  const bool clean = pool.submit([] {
                           struct sigaction action {};
                           sigset_t mask;
                           sigaction(SIGUSR1, nullptr, &action);
                           pthread_sigmask(SIG_SETMASK, nullptr, &mask);
                           return action.sa_handler == SIG_DFL && !sigismember(&mask, SIGUSR2);
                         })
                         .get();
  pthread_sigmask(SIG_SETMASK, &mask_before, nullptr);
  sigaction(SIGUSR1, &before, nullptr);
  EXPECT_TRUE(clean);
  const auto environment = [] {
    std::vector<std::string> all;
    for (char** each = environ; *each != nullptr; ++each) all.emplace_back(*each);
    return all;
  };
  EXPECT_EQ(pool.submit(environment).get(), environment());
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
    if (round == 0) {  // a sanitizer starts a thread of its own at the first of ours
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
  // The worker sits in a read of its channel: recvfrom(3, ...), on a socket without a timeout.
  const auto in_worker = once_asleep_in("/proc/" + std::to_string(worker), SYS_recvfrom);
  ASSERT_GE(in_worker.size(), 2u);
  EXPECT_EQ(in_worker[1], "0x3");
  // The supervisor sits in ppoll(fds, n, NULL, ...).
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
