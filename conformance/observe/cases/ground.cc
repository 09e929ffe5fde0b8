#include "conformance/observe/cases/ground.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <new>

namespace poolproof::hang::cases {
namespace {

Shared& shared(int flags) {
  void* memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, flags, -1, 0);
  DEMAND(memory != MAP_FAILED);
  auto* all = new (memory) Shared{};
  const int across = (flags & MAP_SHARED) != 0 ? PTHREAD_PROCESS_SHARED : PTHREAD_PROCESS_PRIVATE;
  pthread_mutexattr_t lock;
  ::pthread_mutexattr_init(&lock);
  ::pthread_mutexattr_setpshared(&lock, across);
  for (auto& one : all->locks) ::pthread_mutex_init(&one, &lock);
  pthread_condattr_t condition;
  ::pthread_condattr_init(&condition);
  ::pthread_condattr_setpshared(&condition, across);
  ::pthread_cond_init(&all->changed, &condition);
  DEMAND(::sem_init(&all->semaphore, (flags & MAP_SHARED) != 0 ? 1 : 0, 0) == 0);
  return *all;
}

}  // namespace

Shared& shared_by_processes() { return shared(MAP_SHARED | MAP_ANONYMOUS); }
Shared& shared_by_threads() { return shared(MAP_PRIVATE | MAP_ANONYMOUS); }

void ready() { DEMAND(::write(STDOUT_FILENO, "ready\n", 6) == 6); }

Pair new_pipe() {
  Pair ends{};
  DEMAND(::pipe2(ends.data(), O_CLOEXEC) == 0);
  return ends;
}

Pair new_sockets(int type) {
  Pair ends{};
  DEMAND(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()) == 0);
  return ends;
}

pid_t child(const std::function<void()>& body) {
  const pid_t pid = ::fork();
  DEMAND(pid >= 0);
  if (pid == 0) {
    body();
    std::_Exit(0);
  }
  return pid;
}

char take(int fd) {  // one byte, as soon as there is one
  char byte = 0;
  const ssize_t got = ::read(fd, &byte, 1);
  return got == 1 ? byte : '\0';
}

void give(int fd) { DEMAND(::write(fd, "x", 1) == 1); }

}  // namespace poolproof::hang::cases
