#include "executor/tests/meeting.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>

namespace poolproof::testing_support {
namespace {

void require(bool held, const char* what) {
  if (held) return;
  std::perror(what);
  std::abort();
}

}  // namespace

Meeting::Meeting() {
  char name[] = "/tmp/poolproof-test-XXXXXX";
  require(mkdtemp(name) != nullptr, "mkdtemp");
  folder_ = name;
  require(mkfifo((folder_ + "/arrivals").c_str(), 0600) == 0, "mkfifo");
  require(mkfifo((folder_ + "/gate").c_str(), 0600) == 0, "mkfifo");
  // Opened for both ways, so that it never ends although no task holds it.
  arrivals_ = open((folder_ + "/arrivals").c_str(), O_RDWR | O_CLOEXEC);
  require(arrivals_ >= 0, "open");
}

Meeting::~Meeting() {
  close(arrivals_);
  if (gate_ >= 0) close(gate_);
  unlink((folder_ + "/arrivals").c_str());
  unlink((folder_ + "/gate").c_str());
  rmdir(folder_.c_str());
}

int Meeting::await() {
  pollfd watch{arrivals_, POLLIN, 0};
  require(poll(&watch, 1, 60'000) == 1, "nobody arrived within a minute");
  int pid = 0;
  require(read(arrivals_, &pid, sizeof(pid)) == sizeof(pid), "read");
  return pid;
}

std::vector<int> Meeting::await(int count) {
  std::vector<int> pids;
  for (int i = 0; i < count; ++i) pids.push_back(await());
  return pids;
}

void Meeting::let_go() { gate_ = open((folder_ + "/gate").c_str(), O_RDWR | O_CLOEXEC); }

void arrive(const std::string& folder) {
  const int fd = open((folder + "/arrivals").c_str(), O_WRONLY | O_CLOEXEC);
  const int pid = getpid();
  require(fd >= 0 && write(fd, &pid, sizeof(pid)) == sizeof(pid), "arrive");
  close(fd);
}

void Meeting::open_to_all_users() {
  require(chmod(folder_.c_str(), 0755) == 0, "chmod");
  require(chmod((folder_ + "/arrivals").c_str(), 0666) == 0, "chmod");
  require(chmod((folder_ + "/gate").c_str(), 0666) == 0, "chmod");
}

void meet(std::string folder) {
  arrive(folder);
  close(
      open((folder + "/gate").c_str(), O_RDONLY | O_CLOEXEC));  // opens once the gate is held open
}

int meet_and_return(std::string folder, int value) {
  meet(std::move(folder));
  return value;
}

void meet_and_loop(std::string folder) {
  arrive(folder);
  for (volatile bool on = true; on;) continue;
}

void meet_and_sleep(std::string folder) {
  arrive(folder);
  while (true) pause();
}

bool ends_within(int pid, int ms) {
  const int handle = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (handle < 0) return true;
  pollfd watch{handle, POLLIN, 0};
  const bool ended = poll(&watch, 1, ms) == 1;
  close(handle);
  return ended;
}

}  // namespace poolproof::testing_support
