#include "faults/cage/watch.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstdint>

#include "faults/fault.h"

namespace poolproof::faults {
namespace {

// The first form of the kernel's struct pidfd_info; Debian 12's headers are older than it.
struct PidfdInfo {
  std::uint64_t mask;
  std::uint64_t cgroup;
  std::uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
  std::int32_t exit_code;
};
static_assert(sizeof(PidfdInfo) == 64, "PIDFD_INFO_SIZE_VER0");
constexpr std::uint64_t kInfoExit = 1u << 3;
constexpr unsigned long kGetInfo = _IOWR(0xff, 11, PidfdInfo);

int send_by(int pidfd, int signal) {
  return static_cast<int>(::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0));
}

}  // namespace

Fd open_pidfd(int pid) { return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

bool still_there(int pidfd) { return send_by(pidfd, 0) == 0 || errno == EPERM; }

std::optional<int> reaped_status(int pidfd) {
  PidfdInfo info{};
  info.mask = kInfoExit;
  if (::ioctl(pidfd, kGetInfo, &info) != 0 || (info.mask & kInfoExit) == 0) return std::nullopt;
  return info.exit_code;
}

nlohmann::json status_words(int wait_status) {
  if (WIFSIGNALED(wait_status))
    return {{"signal", signal_name(WTERMSIG(wait_status))}, {"core", WCOREDUMP(wait_status) != 0}};
  return {{"code", WEXITSTATUS(wait_status)}};
}

int Watch::add(const Identity& who, Fd pidfd, bool adapter) {
  if (knows(who)) return -1;
  if (watched_.count(who.pid) > 0) on_pidfd_ready(who.pid);  // its pid is used again: it has ended
  Watched& watched = watched_[who.pid];
  watched = {who, std::move(pidfd), adapter};
  return watched.pidfd.get();
}

void Watch::on_pidfd_ready(int pid) {
  const auto found = watched_.find(pid);
  if (found == watched_.end()) return;
  // Our own child, or an orphan that became ours: waiting for it gives the status. WNOHANG, because
  // a traced child can be ready here although we may not reap it yet.
  int status = 0;
  if (::waitpid(pid, &status, WNOHANG) == pid) return reaped(pid, status);
  // A zombie of the pool. Its start time shows that it is still the same process.
  const auto stat = read_stat(pid);
  if (stat && stat->identity() == found->second.who && !stat->alive() && may_read_exit_code(pid))
    return tell(pid, status_words(stat->exit_code), "stat");
  if (const auto known = reaped_status(found->second.pidfd.get()))
    return tell(pid, status_words(*known), "pidfd");
  tell(pid, {{"unseen", true}}, "none");
}

void Watch::ended(const Identity& who, nlohmann::json status) {
  if (told_.count(who) > 0) return;
  if (knows(who)) return tell(who.pid, std::move(status), "tracer");
  told_.insert(who);
  on_exit_({who, false, std::move(status), "tracer"});
}

void Watch::reap() {
  int status = 0;
  for (int pid = ::waitpid(-1, &status, WNOHANG); pid > 0; pid = ::waitpid(-1, &status, WNOHANG))
    reaped(pid, status);
}

std::string Watch::send(const Identity& who, int signal) {
  const auto found = watched_.find(who.pid);
  Fd opened;
  int pidfd = -1;
  if (found != watched_.end() && found->second.who == who) {
    pidfd = found->second.pidfd.get();
  } else {
    opened = open_pidfd(who.pid);
    if (!opened) return errno_text(errno);
    pidfd = opened.get();
  }
  // A signal to a zombie also counts as "sent"; it would be a receipt for nothing.
  const auto stat = read_stat(who.pid);
  if (!stat || stat->identity() != who) return errno_text(ESRCH) + ": that process was reaped";
  if (!stat->alive()) return errno_text(ESRCH) + ": that process has ended and is not reaped yet";
  return send_by(pidfd, signal) == 0 ? "" : errno_text(errno);
}

void Watch::reaped(int pid, int wait_status) {
  if (watched_.count(pid) > 0) tell(pid, status_words(wait_status), "wait");
}

void Watch::tell(int pid, nlohmann::json status, const char* source) {
  const auto found = watched_.find(pid);
  const Exit exit{found->second.who, found->second.adapter, std::move(status), source};
  told_.insert(exit.who);
  watched_.erase(found);  // closes the pidfd, which removes it from the poll set
  on_exit_(exit);
}

}  // namespace poolproof::faults
