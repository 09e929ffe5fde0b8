// Trees that can never continue, and why.
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <map>
#include <new>
#include <string>
#include <thread>

#include "conformance/observe/cases/ground.h"

namespace poolproof::hang::cases {

void reads_its_own_pipe() {  // it holds the write end that it waits for
  const Pair ends = new_pipe();
  ready();
  take(ends[0]);
}

namespace {

void fill_and_block(int fd) {
  static const std::array<char, 65536> bytes{};
  for (;;)
    if (::write(fd, bytes.data(), bytes.size()) < 0) std::_Exit(4);
}

void two_readers() {  // each waits for the other to write first
  const Pair there = new_pipe(), back = new_pipe();
  child([&] { take(there[0]), give(back[1]); });
  ready();
  take(back[0]), give(there[1]);
}

void two_writers() {  // each waits for room, and reads only after it has room
  const Pair there = new_pipe(), back = new_pipe();
  child([&] { fill_and_block(back[1]); });
  ready();
  fill_and_block(there[1]);
}

void two_ends_of_a_socket() {
  const Pair ends = new_sockets(SOCK_SEQPACKET);
  child([&] { ::close(ends[0]), take(ends[1]); });
  ::close(ends[1]);
  ready();
  take(ends[0]);
}

void lock_order() {  // two processes take two locks in opposite order
  Shared& all = shared_by_processes();
  const Pair there = new_pipe(), back = new_pipe();
  child([&] {
    ::pthread_mutex_lock(&all.locks[1]);
    give(back[1]), take(there[0]);
    ::pthread_mutex_lock(&all.locks[0]);
  });
  ::pthread_mutex_lock(&all.locks[0]);
  give(there[1]), take(back[0]);
  ready();
  ::pthread_mutex_lock(&all.locks[1]);
}

void dead_lock_owner() {  // the process that held the lock was killed and reaped
  Shared& all = shared_by_processes();
  const Pair back = new_pipe();
  const pid_t owner = child([&] {
    ::pthread_mutex_lock(&all.locks[0]);
    give(back[1]);
    for (;;) ::pause();
  });
  take(back[0]);
  DEMAND(::kill(owner, SIGKILL) == 0 && ::waitpid(owner, nullptr, 0) == owner);
  ready();
  ::pthread_mutex_lock(&all.locks[0]);
}

void threads_in_opposite_order() {
  Shared& all = shared_by_threads();
  const Pair there = new_pipe(), back = new_pipe();
  std::thread other([&] {
    ::pthread_mutex_lock(&all.locks[1]);
    give(back[1]), take(there[0]);
    ::pthread_mutex_lock(&all.locks[0]);
  });
  ::pthread_mutex_lock(&all.locks[0]);
  give(there[1]), take(back[0]);
  ready();
  ::pthread_mutex_lock(&all.locks[1]);
  other.join();
}

void semaphore_nobody_posts() {
  Shared& all = shared_by_processes();
  child([&] { ::sem_wait(&all.semaphore); });
  ready();
  ::sem_wait(&all.semaphore);
}

void condition_nobody_signals() {
  Shared& all = shared_by_processes();
  ready();
  ::pthread_mutex_lock(&all.locks[0]);
  for (;;) ::pthread_cond_wait(&all.changed, &all.locks[0]);
}

void waits_for_a_child_that_waits() {  // the child waits for the end of a pipe that we hold open
  const Pair ends = new_pipe();
  const pid_t pid = child([&] { take(ends[0]); });
  ready();
  ::waitpid(pid, nullptr, 0);
}

void watches_a_stuck_child() {  // the same by pidfd and poll
  const Pair ends = new_pipe();
  const pid_t pid = child([&] { take(ends[0]); });
  const int handle = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  DEMAND(handle >= 0);
  ready();
  pollfd set{handle, POLLIN, 0};
  ::poll(&set, 1, -1);
}

void epoll_of_its_own() {  // no other process can write to what it watches
  const Pair ends = new_pipe(), sockets = new_sockets(SOCK_STREAM);
  const int set = ::epoll_create1(0), bell = ::eventfd(0, EFD_CLOEXEC);
  for (const int fd : {ends[0], sockets[0], bell}) {
    epoll_event event{};
    event.events = EPOLLIN;
    DEMAND(::epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0);
  }
  ready();
  epoll_event event{};
  ::epoll_wait(set, &event, 1, -1);
}

void selects_on_its_own() {
  const Pair ends = new_pipe();
  fd_set set;
  FD_ZERO(&set);
  FD_SET(ends[0], &set);
  ready();
  ::select(ends[0] + 1, &set, nullptr, nullptr, nullptr);
}

void file_locks() {  // two processes lock two files in opposite order
  std::array<std::string, 2> names;
  for (auto& name : names) {
    name = "/tmp/hang_case.XXXXXX";
    const int fd = ::mkostemp(name.data(), O_CLOEXEC);
    DEMAND(fd >= 0 && ::close(fd) == 0);
  }
  const Pair there = new_pipe(), back = new_pipe();
  const auto open_both = [&] {
    return std::array{::open(names[0].c_str(), O_RDWR | O_CLOEXEC),
                      ::open(names[1].c_str(), O_RDWR | O_CLOEXEC)};
  };
  child([&] {
    const auto fds = open_both();
    DEMAND(::flock(fds[1], LOCK_EX) == 0);
    give(back[1]), take(there[0]);
    ::flock(fds[0], LOCK_EX);
  });
  const auto fds = open_both();
  DEMAND(::flock(fds[0], LOCK_EX) == 0);
  give(there[1]), take(back[0]);
  for (const auto& name : names) ::unlink(name.c_str());
  ready();
  ::flock(fds[1], LOCK_EX);
}

void grandchild_holds_the_pipe() {  // the worker is dead, but what it started keeps its end open
  const Pair result = new_pipe(), other = new_pipe();
  const pid_t worker = child([&] {
    child([&] { take(other[0]); });
    ::raise(SIGKILL);
  });
  ::close(result[1]);
  siginfo_t info{};
  DEMAND(::waitid(P_PID, static_cast<id_t>(worker), &info, WEXITED | WNOWAIT) == 0);
  ready();
  take(result[0]);
}

}  // namespace

Cases stuck_cases() {
#define CASE(name) \
  { #name, name }
  return {
      CASE(reads_its_own_pipe),
      CASE(two_readers),
      CASE(two_writers),
      CASE(two_ends_of_a_socket),
      CASE(lock_order),
      CASE(dead_lock_owner),
      CASE(threads_in_opposite_order),
      CASE(semaphore_nobody_posts),
      CASE(condition_nobody_signals),
      CASE(waits_for_a_child_that_waits),
      CASE(watches_a_stuck_child),
      CASE(epoll_of_its_own),
      CASE(selects_on_its_own),
      CASE(file_locks),
      CASE(grandchild_holds_the_pipe),
  };
#undef CASE
}

}  // namespace poolproof::hang::cases
