// A program with an executor, which program_test.cc starts, stops and kills from outside.
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "executor/tests/meeting.h"
#include "poolproof/executor.h"

namespace {

using namespace poolproof;
using namespace poolproof::testing_support;

std::vector<char> meet_and_return_much(std::string folder) {
  meet(folder);
  return std::vector<char>(std::size_t{8} << 20);
}

// Its worker is killed while it writes eight megabytes to this stopped process.
int be_stopped(const std::string& folder) {
  Executor pool({.workers = 1});
  Future<std::vector<char>> victim = pool.submit(meet_and_return_much, folder);
  Future<int> queued = pool.submit([](int x) { return x; }, 7);
  try {
    std::printf("value of %zu bytes\n", victim.get().size());
  } catch (const TerminatedWorkerError& error) {
    std::printf("task %d by %s of %d\n", static_cast<int>(error.task()),
                to_string(error.exit()).c_str(), error.pid());
  }
  std::printf("queued %d\n", queued.get());
  return 0;
}

// Its workers hang when it is killed: one in its own session and on the CPU, one asleep.
int be_killed(const std::string& folder) {
  Executor pool({.workers = 2});
  Future<void> looping = pool.submit(
      [](std::string where) {
        setsid();
        meet_and_loop(where);
      },
      folder);
  Future<void> sleeping = pool.submit(
      [](std::string where) {
        setpgid(0, 0);
        meet_and_sleep(where);
      },
      folder);
  looping.wait();
  return 1;
}

// Each kind of descriptor that a program may open under the numbers of ours.
struct Strangers {
  std::vector<int> files, sockets, pipes, counters;

  explicit Strangers(const std::string& file) {
    for (int i = 0; i < 8; ++i) {
      int pair[2];
      files.push_back(open(file.c_str(), O_RDWR | O_CREAT, 0600));
      socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
      sockets.insert(sockets.end(), pair, pair + 2);
      if (pipe(pair) == 0) pipes.insert(pipes.end(), pair, pair + 2);
      counters.push_back(eventfd(0, EFD_NONBLOCK));
    }
  }
  // Whether they are all open, and nothing was written to them.
  bool untouched() const {
    for (const int fd : files) {
      struct stat what {};
      if (fstat(fd, &what) != 0 || what.st_size != 0) return false;
    }
    for (const std::vector<int>& all : {sockets, pipes}) {
      for (const int fd : all) {
        int unread = -1;
        if (ioctl(fd, FIONREAD, &unread) != 0 || unread != 0) return false;
      }
    }
    for (const int fd : counters) {
      std::uint64_t count = 0;
      if (read(fd, &count, sizeof(count)) >= 0 || errno != EAGAIN) return false;
    }
    return true;
  }
};

// Without a time limit: nothing is due, so no worker will wake it.
bool supervisor_sleeps() {
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name, call;
    std::getline(std::ifstream(task.path() / "comm"), name);
    if (name != "poolproof-super") continue;
    std::getline(std::ifstream(task.path() / "syscall"), call);
    std::istringstream words(call);
    std::string number, watches, count, limit;
    words >> number >> watches >> count >> limit;
    return number == std::to_string(SYS_ppoll) && limit == "0x0";
  }
  return false;
}

void await_its_sleep() {
  for (int look = 0; look < 5000 && !supervisor_sleeps(); ++look)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

// It closes every descriptor, and opens others in their place.
int lose_descriptors(const std::string& file) {
  using namespace std::chrono_literals;
  const auto ended = [](auto& future) {
    try {
      future.get();
      return "a value";
    } catch (const SupervisorLost&) {
      return "SupervisorLost";
    } catch (const ExecutorError&) {
      return "another error";
    }
  };
  {
    Executor pool({.workers = 2});
    pool.submit([] {}).get();
    Future<void> running = pool.submit([] {
      while (true) pause();
    });
    Future<void> running_too = pool.submit([] {
      while (true) pause();
    });
    Future<int> queued = pool.submit([] { return 1; });
    while (pool.health().busy < 2) std::this_thread::sleep_for(1ms);
    await_its_sleep();
    const auto start = std::chrono::steady_clock::now();
    close_range(3, ~0U, 0);
    const Strangers strangers(file);
    std::printf("%s %s %s\n", ended(running), ended(running_too), ended(queued));
    const bool in_time = std::chrono::steady_clock::now() - start < 1s;
    std::printf("%s\n", in_time ? "within a second" : "too late");
    try {
      std::ignore = pool.submit([] {});
    } catch (const SupervisorLost&) {
      std::printf("refused\n");
    }
    pool.shutdown();
    std::printf("%s\n", strangers.untouched() ? "untouched" : "touched");
  }
  std::string children;  // zombies, too
  std::getline(std::ifstream("/proc/thread-self/children"), children);
  const bool no_child = children.empty();
  std::printf("%s\n", no_child ? "no child" : "a child is left");
  return 0;
}

// The pool has broken by itself; then another file is opened under each of its numbers.
int replace_descriptors_of_a_broken_pool(const std::string& file) {
  Executor pool({.workers = 1, .on_death = OnDeath::kBreakPool});
  pool.submit([] { raise(SIGKILL); }).wait();
  await_its_sleep();
  std::set<int> numbers;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
    numbers.insert(std::stoi(entry.path().filename().string()));
  numbers.erase(numbers.begin(), numbers.lower_bound(3));
  const int stranger = open(file.c_str(), O_RDWR | O_CREAT, 0600);
  // In descending order, the supervisor could close a number before another file has it.
  for (const int fd : numbers) dup2(stranger, fd);
  pool.shutdown();
  bool all_open = numbers.size() > 1;
  for (const int fd : numbers) all_open = all_open && fcntl(fd, F_GETFD) >= 0;
  std::printf("%s\n", all_open ? "untouched" : "touched");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::printf("main runs in %s\n", argv[0]);
  std::fflush(stdout);
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "be-stopped") return be_stopped(argv[2]);
  if (what == "lose-descriptors") return lose_descriptors(argv[2]);
  if (what == "break-and-lose") return replace_descriptors_of_a_broken_pool(argv[2]);
  if (what == "be-killed") return be_killed(argv[2]);
  return 0;
}
