#include "executor/os/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "executor/os/lifeline.h"
#include "executor/os/memory.h"
#include "executor/os/nesting.h"
#include "executor/os/os.h"

namespace poolproof::os {
namespace {

using Refusal = std::optional<SysError>;  // nullopt: this process may serve

// The user is read from a socket, as for our peer. Tools that change the answers of getuid
// (fakeroot, proot) then change both values or neither.
bool is_own_user(uid_t user) {
  if (user == getuid()) return true;
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return false;
  ucred self{};
  socklen_t size = sizeof(self);
  const bool told = getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &self, &size) == 0;
  close(pair[0]);
  close(pair[1]);
  return told && self.uid == user;
}

Refusal check_channel(const WorkerStart& start) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (getsockopt(kWorkerChannel, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return SysError{"getsockopt(SO_PEERCRED) on descriptor 3, its channel", errno};
  }
  if (peer.pid == 0) {
    return SysError{
        "its parent is in another PID namespace (has the program called unshare or "
        "setns with CLONE_NEWPID?)"};
  }
  if (peer.pid != start.parent) {
    return SysError{"the other end of descriptor 3 was not made by the parent that argv names"};
  }
  if (!is_own_user(peer.uid)) return SysError{"its parent is another user's"};
  return std::nullopt;
}

// The terminal's signals reach every process of its group. The program decides what they mean; when
// it ends, the worker ends too.
void leave_terminal_to_program() {
  for (const int number : {SIGINT, SIGQUIT, SIGHUP}) ::signal(number, SIG_IGN);
}

// A worker that never gets the byte is killed, or its parent has ended.
void await_go() {
  char go = 0;
  ssize_t size = 0;
  do {
    size = read(kWorkerChannel, &go, sizeof(go));
  } while (size < 0 && errno == EINTR);
  if (size != sizeof(go) || go != kGo) _exit(1);
}

}  // namespace

bool is_called_worker(int argc, char** argv) {
  return argc > 0 && std::strcmp(argv[0], kWorkerMarker) == 0;
}

bool is_made_by_parent(int channel) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  return getsockopt(channel, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.pid == getppid();
}

std::variant<WorkerStart, SysError> begin_as_worker(int argc, char** argv) {
  const std::optional<WorkerStart> start = parse_words(argc, argv);
  if (!start) {
    return SysError{"its arguments are not those that an executor of the same program passes"};
  }
  if (getauxval(AT_SECURE) != 0) {
    return SysError{"the kernel gave it more rights than its caller's (AT_SECURE)"};
  }
  if (const Refusal why = check_channel(*start)) return *why;
  set_nesting(start->depth, start->share);
  if (const Refusal why = bind_to_parent(start->parent)) return *why;
  if (const Refusal why = hold_lifeline()) return *why;
  if (const Refusal why = keep_at_most(start->capabilities)) return *why;
  if (start->leaves_terminal != 0) leave_terminal_to_program();
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (start->memory_limit != 0) limit_memory(start->memory_limit);
  if (start->waits != 0) await_go();
  return *start;
}

std::optional<WorkerStart> begun_by_another_copy(int argc, char** argv) {
  const std::optional<WorkerStart> start = parse_words(argc, argv);
  if (!start || !find_held_lifeline()) return std::nullopt;
  set_nesting(start->depth, start->share);
  return start;
}

std::optional<SysError> bind_to_parent(int parent) {
  // This order matters: if the parent dies between the two calls, one of them shows it. If a
  // seccomp filter refuses the first, the lifeline still works.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int now = getppid();
  if (now < 0) return SysError{"getppid", -now};  // no errno: only a filter makes it fail
  if (now != parent) _exit(1);
  return std::nullopt;
}

void settle_in(const WorkerStart& start) {
  // A second time, because a static constructor of the program may have set a handler.
  if (start.leaves_terminal != 0) leave_terminal_to_program();
  // If the parent had no stdout or stderr, a file that a task opens must not get its number.
  // Without /dev/null, stdin is used: a write to it is an error.
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(fd, F_GETFD) >= 0) continue;
    const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(null >= 0 ? null : STDIN_FILENO, fd);
    if (null >= 0 && null != fd) close(null);
  }
  // A program that a task execs must not have the channel.
  fcntl(kWorkerChannel, F_SETFD, FD_CLOEXEC);
  prctl(PR_SET_NAME, start.name);  // truncated by the kernel
  watch_lifeline_where_needed();
}

}  // namespace poolproof::os
