#include "executor/os/reap.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <thread>

namespace poolproof::os {
namespace {

// The kernel's struct pidfd_info and its request. This system's headers may be too old to have
// them.
struct PidfdInfo {
  std::uint64_t mask;
  std::uint64_t cgroup;
  std::uint32_t ids[11];
  std::int32_t exit_status;
};
constexpr std::uint64_t kInfoExit = 1u << 3;  // PIDFD_INFO_EXIT
const unsigned long kGetInfo = _IOWR(0xFF, 11, PidfdInfo);

ExitStatus decode(int wait_status) {
  if (WIFEXITED(wait_status)) return Exited{WEXITSTATUS(wait_status)};
  return Signaled{WTERMSIG(wait_status), WCOREDUMP(wait_status) != 0};
}

// Another part of the program took the record (SIGCHLD ignored, a wait for any child). Newer
// kernels keep a copy at the pidfd.
ExitStatus reaped_elsewhere(int handle) {
  PidfdInfo info{};
  info.mask = kInfoExit;
  if (ioctl(handle, kGetInfo, &info) == 0 && (info.mask & kInfoExit) != 0) {
    return decode(info.exit_status);
  }
  return Unseen{};
}

// The call that asks for the record has failed: the record is gone (ECHILD), or we may not ask.
std::optional<ExitStatus> ended_unseen(int handle) {
  pollfd ended{handle, POLLIN, 0};
  if (poll(&ended, 1, 0) != 1) return std::nullopt;  // it lives
  return reaped_elsewhere(handle);
}

std::optional<ExitStatus> wait_for(int handle, int more_options) {
  siginfo_t info;
  int answer = 0;
  do {
    info.si_pid = 0;
    answer = waitid(P_PIDFD, static_cast<id_t>(handle), &info, WEXITED | more_options);
  } while (answer != 0 && errno == EINTR);
  if (answer != 0) return ended_unseen(handle);
  if (info.si_pid == 0) return std::nullopt;
  if (info.si_code == CLD_EXITED) return Exited{info.si_status};
  return Signaled{info.si_status, info.si_code == CLD_DUMPED};
}

}  // namespace

std::optional<ExitStatus> try_reap_by_handle(int handle) { return wait_for(handle, WNOHANG); }

ExitStatus reap_by_handle(int handle) {
  if (const std::optional<ExitStatus> status = wait_for(handle, 0)) return *status;
  // The call is refused, and the process is alive.
  pollfd ended{handle, POLLIN, 0};
  while (poll(&ended, 1, -1) < 0 && errno == EINTR) continue;
  return reaped_elsewhere(handle);
}

void reap_by_pid(int pid) {
  siginfo_t info;
  while (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED) != 0 && errno == EINTR) continue;
}

void end_by_pid(int pid) {
  siginfo_t info{};
  if (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0) return;
  if (::kill(pid, SIGKILL) == 0) return reap_by_pid(pid);
  // We may not kill it. Its lifeline is also closed by now, which may end it soon.
  for (auto pause = std::chrono::milliseconds(1); pause < std::chrono::seconds(1); pause *= 2) {
    info.si_pid = 0;
    const int asked = waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG);
    if (asked != 0 || info.si_pid != 0) return;
    std::this_thread::sleep_for(pause);
  }
}

int missing_for_reaping() {
  siginfo_t info;
  const bool answers = waitid(P_PIDFD, ~0U >> 1, &info, WEXITED | WNOHANG) == 0 || errno == EBADF;
  return answers ? 0 : errno;
}

}  // namespace poolproof::os
