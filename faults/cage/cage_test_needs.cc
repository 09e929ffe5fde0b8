#include "faults/cage/cage_test_needs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

std::string joins_a_group(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) != 0) return std::strerror(errno);
  const int file = ::open((path + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC);
  const bool joined = file >= 0 && ::write(file, "0", 1) == 1;
  const int error = errno;
  if (file >= 0) ::close(file);
  return joined ? "yes" : std::strerror(error);
}

std::string can_be_born() {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(0);
  if (pid < 0) return std::strerror(errno);
  ::waitpid(pid, nullptr, 0);
  return "yes";
}

std::string can_be_opened() {
  const int file = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::strerror(errno);
  ::close(file);  // before the answer: a limit that is set after it counts the open descriptors
  return "yes";
}

std::string can_be_started() {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::close(0);  // so that what is started ends at once
    ::execl("/proc/self/exe", "cage_test_body", nullptr);
    ::_exit(errno);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  const int refused = WEXITSTATUS(status);
  return refused == 0 ? "yes" : std::strerror(refused);
}
