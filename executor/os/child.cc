#include "executor/os/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "executor/os/memory.h"

namespace poolproof::os {
namespace {

template <class T>
bool parse(const char* text, T& value) {
  const char* end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, value);
  return error == std::errc() && stop == end;
}

int depth = 0;

// Whoever never hears of it is killed, or its parent is gone.
void await_go() {
  char go = 0;
  ssize_t size = 0;
  do {
    size = read(kWorkerChannel, &go, sizeof(go));
  } while (size < 0 && errno == EINTR);
  if (size != sizeof(go) || go != kGo) _exit(1);
}

}  // namespace

std::optional<WorkerStart> read_worker_start(int argc, char** argv) {
  if (argc != 10 || std::strcmp(argv[0], kWorkerMarker) != 0) return std::nullopt;
  if (getauxval(AT_SECURE) != 0) return std::nullopt;
  WorkerStart start;
  if (!parse(argv[1], start.parent) || !parse(argv[2], start.index) ||
      !parse(argv[3], start.max_payload) || !parse(argv[4], start.memory_limit) ||
      !parse(argv[5], start.memory_interval_ms) || !parse(argv[6], start.has_initializer) ||
      !parse(argv[8], start.depth) || !parse(argv[9], start.waits)) {
    return std::nullopt;
  }
  start.name = argv[7];
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (getsockopt(kWorkerChannel, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
  if (peer.pid != start.parent || peer.uid != getuid()) return std::nullopt;
  return start;
}

bool may_have_workers() {
  return getauxval(AT_SECURE) == 0 && getuid() == geteuid() && getgid() == getegid();
}

void bind_to_parent(int parent) {
  // In this order: were the parent to die between the two, one of them would tell.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
}

void begin_as_worker(const WorkerStart& start) {
  bind_to_parent(start.parent);
  if (start.memory_limit != 0) limit_memory(start.memory_limit);
  if (start.waits != 0) await_go();
}

void settle_in(const WorkerStart& start) {
  depth = start.depth;
  // If the parent had no stdout or stderr, a file that a task opens must not become it.
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(fd, F_GETFD) >= 0) continue;
    const int null = open("/dev/null", O_WRONLY);
    if (null >= 0 && null != fd) dup2(null, fd), close(null);
  }
  // What a task execs has no business with the channel.
  fcntl(kWorkerChannel, F_SETFD, FD_CLOEXEC);
  prctl(PR_SET_NAME, start.name);  // takes what fits
}

int nesting_depth() { return depth; }

}  // namespace poolproof::os
