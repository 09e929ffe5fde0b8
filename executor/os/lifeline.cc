#include "executor/os/lifeline.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <map>
#include <mutex>

#include "executor/os/rights.h"
#include "executor/os/spawn.h"
#include "executor/os/worker_start.h"

namespace poolproof::os {
namespace {

// The program's ends of lifelines, by number. An end that was closed stays in the list until its
// number is used again, so the list is never longer than the program's largest number of
// descriptors.
class ProgramsEnds {
 public:
  void add(int fd) {
    struct stat what {};
    if (fstat(fd, &what) != 0) return;
    const std::lock_guard lock(mutex_);
    ends_.insert_or_assign(fd, File{what.st_dev, what.st_ino});
  }

  void before_fork() { mutex_.lock(); }
  void after_fork_in_parent() { mutex_.unlock(); }
  void after_fork_in_child() {
    for (const auto& [fd, file] : ends_) {
      if (is_open(fd, file)) close(fd);
    }
    ends_.clear();
    mutex_.unlock();
  }

 private:
  struct File {
    dev_t device = 0;
    ino_t inode = 0;
  };
  static bool is_open(int fd, const File& file) {
    struct stat what {};
    return fstat(fd, &what) == 0 && what.st_dev == file.device && what.st_ino == file.inode;
  }

  std::mutex mutex_;
  std::map<int, File> ends_;
};

// Never destroyed: the program may fork while its static objects are destroyed.
ProgramsEnds& programs_ends() {
  static ProgramsEnds& ends = [&]() -> ProgramsEnds& {
    auto& made = *new ProgramsEnds;
    pthread_atfork([] { programs_ends().before_fork(); },
                   [] { programs_ends().after_fork_in_parent(); },
                   [] { programs_ends().after_fork_in_child(); });
    return made;
  }();
  return ends;
}

// Puts a copy into the queue of the other end. The kernel may refuse this (ETOOMANYREFS: too many
// descriptors of this user are in such queues). Then only the worker's own descriptor keeps it
// open.
void keep_open(int fd) {
  char byte = 0;
  iovec part{&byte, sizeof(byte)};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  cmsghdr* rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(rights), &fd, sizeof(fd));
  sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

// Far from the low numbers that a task may close in a loop; the limit may be lower.
constexpr int kLeastNumbers[] = {1000, 500, 250, 100, kWorkerLifeline + 1};
constinit int held = -1;  // in a worker
constinit std::atomic<bool> watches = false;

// This thread has its own descriptor table, so that a task cannot close the descriptor that it
// waits for. The table holds nothing else: if a task closes the channel, the parent must notice.
void* watch(void*) {
  const bool has_own_table = unshare(CLONE_FILES) == 0;
  if (has_own_table) {
    close_range(0, static_cast<unsigned>(held) - 1, 0);
    close_range(static_cast<unsigned>(held) + 1, ~0U, 0);
  }
  watches = true;
  watches.notify_all();
  pollfd ended{held, 0, 0};
  while (poll(&ended, 1, -1) < 0 && errno == EINTR) continue;
  if ((ended.revents & POLLHUP) != 0) ::kill(getpid(), SIGKILL);
  return nullptr;
}

// A small stack, because a memory limit counts it.
constexpr std::size_t kStackBytes = std::size_t{64} << 10;

}  // namespace

std::variant<Lifeline, SysError> open_lifeline() {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    return SysError{"socketpair", errno};
  }
  Lifeline line{lifted(pair[0]), -1};
  int error = errno;
  line.workers = lifted(pair[1]);
  if (line.programs >= 0 && line.workers >= 0) {
    keep_open(line.workers);
    try {
      programs_ends().add(line.programs);
    } catch (...) {  // no memory
      for (const int fd : {line.programs, line.workers}) close(fd);
      throw;
    }
    return line;
  }
  if (line.programs >= 0) error = errno;
  for (const int fd : {line.programs, line.workers}) {
    if (fd >= 0) close(fd);
  }
  return SysError{"fcntl(F_DUPFD_CLOEXEC)", error};
}

std::optional<SysError> hold_lifeline() {
  int fd = -1;
  for (const int least : kLeastNumbers) {
    fd = fcntl(kWorkerLifeline, F_DUPFD_CLOEXEC, least);
    if (fd >= 0) break;
  }
  if (fd < 0) return SysError{"fcntl(F_DUPFD_CLOEXEC) of descriptor 4, its lifeline", errno};
  close(kWorkerLifeline);
  if (fcntl(fd, F_SETOWN, getpid()) != 0 || fcntl(fd, F_SETSIG, SIGKILL) != 0 ||
      fcntl(fd, F_SETFL, O_ASYNC | O_NONBLOCK) != 0) {
    return SysError{"fcntl(F_SETSIG) of its lifeline", errno};
  }
  // Was it closed before the signal was set up?
  pollfd ended{fd, POLLIN, 0};
  if (poll(&ended, 1, 0) == 1 && (ended.revents & POLLHUP) != 0) _exit(1);
  held = fd;
  return std::nullopt;
}

bool find_held_lifeline() {
  for (const int fd : kLeastNumbers) {
    if (fcntl(fd, F_GETSIG) != SIGKILL || fcntl(fd, F_GETOWN) != getpid()) continue;
    held = fd;
    return true;
  }
  return false;
}

void watch_lifeline_where_needed() {
  if (held < 0 || !may_become_another_user()) return;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t thread;
  const bool started = pthread_create(&thread, &attributes, &watch, nullptr) == 0;
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (started) watches.wait(false);
}

}  // namespace poolproof::os
