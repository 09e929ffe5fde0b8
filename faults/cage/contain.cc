#include "faults/cage/contain.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "faults/cage/watch.h"

namespace poolproof::faults {
namespace {

void write_file(const std::string& path, const std::string& text) {
  const Fd file(checked(::open(path.c_str(), O_WRONLY | O_CLOEXEC), "open " + path));
  checked(static_cast<int>(::write(file.get(), text.data(), text.size())), "write " + path);
}

// Inside a user namespace the ids stay the same: one user id and one group id, each mapped to
// itself.
void map_ids(uid_t uid, gid_t gid) {
  write_file("/proc/self/setgroups", "deny");
  write_file("/proc/self/uid_map", std::to_string(uid) + " " + std::to_string(uid) + " 1");
  write_file("/proc/self/gid_map", std::to_string(gid) + " " + std::to_string(gid) + " 1");
}

void settle_in_namespaces() {
  checked(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "make mounts private");
  checked(::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr),
          "mount of a private /proc");
  // When this process ends, the namespace ends: so even SIGKILL of the guard ends everything.
  checked(::prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl PDEATHSIG");
}

pid_t clone_with(unsigned long flags) {
  return static_cast<pid_t>(
      ::syscall(SYS_clone, flags | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
}

struct Rung {
  const char* name;
  unsigned long flags;
};

[[noreturn]] void run_keeper(const Rung& rung, uid_t uid, gid_t gid, Standing standing,
                             const std::function<int(Standing)>& live) {
  try {
    if ((rung.flags & CLONE_NEWUSER) != 0) map_ids(uid, gid);
    if ((rung.flags & CLONE_NEWPID) != 0)
      settle_in_namespaces();
    else
      checked(::prctl(PR_SET_CHILD_SUBREAPER, 1), "prctl CHILD_SUBREAPER");
  } catch (const std::exception& failure) {
    tell(standing.tie, kTieRefused + std::string(failure.what()));
    ::_exit(1);
  }
  tell(standing.tie, kTieReady);
  // If the guard ended before PDEATHSIG was set, this shows as EOF, and the keeper's loop sees it
  // first.
  ::_exit(live(std::move(standing)));
}

}  // namespace

void tell(const Fd& tie, const std::string& line) {
  static_cast<void>(!::send(tie.get(), line.data(), line.size(), MSG_NOSIGNAL));
}

std::string hear(const Fd& tie) {
  std::array<char, 4096> buffer;
  ssize_t got = 0;
  while ((got = ::recv(tie.get(), buffer.data(), buffer.size(), 0)) < 0 && errno == EINTR) {
  }
  return got > 0 ? std::string(buffer.data(), static_cast<std::size_t>(got)) : std::string();
}

Keeper start_keeper(bool namespaces, const std::function<int(Standing)>& live) {
  std::vector<Rung> rungs;
  if (namespaces && ::geteuid() == 0)
    rungs.push_back({"PID, mount and IPC namespaces", CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC});
  if (namespaces)
    rungs.push_back({"user, PID, mount and IPC namespaces",
                     CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC});
  rungs.push_back({"a subreaper", 0});
  const uid_t uid = ::geteuid();
  const gid_t gid = ::getegid();

  std::string why = namespaces ? "" : "namespaces were not asked for";
  for (const Rung& rung : rungs) {
    const auto refused = [&](const std::string& reason) {
      why += (why.empty() ? "" : "; ") + std::string(rung.name) + ": " + reason;
    };
    std::array<int, 2> ends;
    checked(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), "socketpair");
    Keeper keeper;
    keeper.tie = Fd(ends[0]);
    Fd keepers_end(ends[1]);
    keeper.containment =
        (rung.flags & CLONE_NEWPID) != 0 ? Containment::kPidNamespace : Containment::kSubreaper;
    keeper.pid = clone_with(rung.flags);
    if (keeper.pid == 0) {
      keeper.tie.reset();
      run_keeper(rung, uid, gid, {keeper.containment, why, std::move(keepers_end)}, live);
    }
    if (keeper.pid < 0) {
      refused("clone: " + errno_text(errno));
      continue;
    }
    keepers_end.reset();
    const std::string said = hear(keeper.tie);
    if (said == kTieReady) {
      keeper.pidfd = open_pidfd(keeper.pid);
      checked(keeper.pidfd.get(), "pidfd_open of the keeper");
      return keeper;
    }
    ::waitpid(keeper.pid, nullptr, 0);
    refused(said.empty() ? "the keeper died at its start" : said.substr(sizeof kTieRefused - 1));
  }
  throw std::runtime_error("no keeper could be started: " + why);
}

}  // namespace poolproof::faults
