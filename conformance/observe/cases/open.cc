// Trees that can continue, and by what. None of them may ever be called hung.
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
namespace {

void sleep_a_minute() { ::sleep(60); }

void sleeps() { ready(), sleep_a_minute(); }
void pauses() { ready(), ::pause(); }
void reads_stdin() { ready(), take(STDIN_FILENO); }

void polls_stdin_and_its_own() {
  const Pair ends = new_pipe();
  std::array<pollfd, 2> set{{{ends[0], POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}}};
  ready();
  ::poll(set.data(), set.size(), -1);
}

void epolls_stdin() {
  const int set = ::epoll_create1(0);
  epoll_event event{};
  event.events = EPOLLIN;
  DEMAND(::epoll_ctl(set, EPOLL_CTL_ADD, STDIN_FILENO, &event) == 0);
  ready();
  ::epoll_wait(set, &event, 1, -1);
}

void polls_with_a_limit() {
  const Pair ends = new_pipe();
  pollfd set{ends[0], POLLIN, 0};
  ready();
  ::poll(&set, 1, 60'000);
}

void semaphore_with_a_limit() {
  Shared& all = shared_by_processes();
  timespec until{};
  ::clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += 60;
  ready();
  ::sem_timedwait(&all.semaphore, &until);
}

void socket_with_a_limit() {  // no argument of the call shows SO_RCVTIMEO
  const Pair ends = new_sockets(SOCK_STREAM);
  const timeval limit{60, 0};
  DEMAND(::setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0);
  ready();
  take(ends[0]);
}

void on_alarm(int) {}

void alarm_with_handler() {  // nothing in /proc/PID shows an interval timer
  std::signal(SIGALRM, on_alarm);
  const itimerval timer{{60, 0}, {60, 0}};
  DEMAND(::setitimer(ITIMER_REAL, &timer, nullptr) == 0);
  reads_its_own_pipe();
}

void alarm_without_handler() {  // its own watchdog will end it
  ::alarm(60);
  reads_its_own_pipe();
}

void child_with_a_watchdog() {  // and so its parent will go on
  const Pair ends = new_pipe();
  const pid_t pid = child([&] { ::alarm(60), take(ends[0]); });
  ready();
  ::waitpid(pid, nullptr, 0);
}

void timer_of_posix() {
  timer_t timer{};
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGUSR1;
  std::signal(SIGUSR1, on_alarm);
  DEMAND(::timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
  const itimerspec when{{0, 0}, {60, 0}};
  DEMAND(::timer_settime(timer, 0, &when, nullptr) == 0);
  reads_its_own_pipe();
}

void timer_in_epoll() {
  const int set = ::epoll_create1(0), timer = ::timerfd_create(CLOCK_MONOTONIC, 0);
  const itimerspec when{{0, 0}, {60, 0}};
  DEMAND(::timerfd_settime(timer, 0, &when, nullptr) == 0);
  epoll_event event{};
  event.events = EPOLLIN;
  DEMAND(::epoll_ctl(set, EPOLL_CTL_ADD, timer, &event) == 0);
  ready();
  ::epoll_wait(set, &event, 1, -1);
}

void child_computes() {
  const pid_t pid = child([] {
    for (volatile bool on = true; on;) {
    }
  });
  ready();
  ::waitpid(pid, nullptr, 0);
}

void child_sleeps() {  // and holds the end that its parent waits for
  const Pair ends = new_pipe();
  child([&] { sleep_a_minute(), give(ends[1]); });
  ready();
  take(ends[0]);
}

void child_is_stopped() {  // the process that stopped it may continue it
  const Pair ends = new_pipe();
  const pid_t pid = child([&] { ::raise(SIGSTOP), give(ends[1]); });
  DEMAND(::waitpid(pid, nullptr, WUNTRACED) == pid);
  ready();
  take(ends[0]);
}

void two_play_ball() {  // asleep in almost every look, but never stuck
  const Pair there = new_pipe(), back = new_pipe();
  child([&] {
    for (;;) take(there[0]), give(back[1]);
  });
  ready();
  for (;;) give(there[1]), take(back[0]);
}

void slow_ball() {  // it moves only every 30 ms
  const Pair there = new_pipe(), back = new_pipe();
  child([&] {
    for (;;) take(there[0]), give(back[1]);
  });
  ready();
  for (;; ::usleep(30'000)) give(there[1]), take(back[0]);
}

void starts_children() {
  ready();
  for (;;) ::waitpid(child([] { ::usleep(1000); }), nullptr, 0);
}

void writes_to_disk() {
  std::string name = "/tmp/hang_case.XXXXXX";
  const int fd = ::mkstemp(name.data());
  DEMAND(fd >= 0 && ::unlink(name.c_str()) == 0);
  ready();
  for (;;) DEMAND(::pwrite(fd, "x", 1, 0) == 1 && ::fsync(fd) == 0);
}

void waits_for_a_signal() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  ready();
  int got = 0;
  ::sigwait(&set, &got);
}

void polls_for_a_signal() {  // ppoll with a mask: it waits for a signal
  const Pair ends = new_pipe();
  std::signal(SIGTERM, on_alarm);
  sigset_t none;
  ::sigemptyset(&none);
  pollfd set{ends[0], POLLIN, 0};
  ready();
  ::ppoll(&set, 1, nullptr, &none);
}

// Cleans up once the whole tree is gone; it is not part of the tree.
void after_us(const std::function<void()>& tidy) {
  const Pair life = new_pipe();
  const pid_t middle = child([&] {
    child([&] {
      ::close(life[1]), ::close(STDIN_FILENO), ::close(STDOUT_FILENO);
      take(life[0]);
      tidy();
    });
  });
  ::close(life[0]);
  DEMAND(::waitpid(middle, nullptr, 0) == middle);
}

void fifo_with_a_name() {  // any process may open it
  const std::string name = "/tmp/hang_case." + std::to_string(::getpid());
  DEMAND(::mkfifo(name.c_str(), 0600) == 0);
  after_us([&] { ::unlink(name.c_str()); });
  const int fd = ::open(name.c_str(), O_RDWR);
  ready();
  take(fd);
}

void semaphore_with_a_name() {  // another program may open it and post
  const std::string name = "/hang_case_" + std::to_string(::getpid());
  after_us([&] { ::sem_unlink(name.c_str()); });
  sem_t* semaphore = ::sem_open(name.c_str(), O_CREAT, 0600, 0);
  DEMAND(semaphore != SEM_FAILED);
  ready();
  ::sem_wait(semaphore);
}

void listens(int family, const sockaddr* address, socklen_t size) {
  const int fd = ::socket(family, SOCK_STREAM, 0);
  DEMAND(fd >= 0 && ::bind(fd, address, size) == 0 && ::listen(fd, 5) == 0);
  ready();
  ::accept(fd, nullptr, nullptr);
}

void listens_to_the_network() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  listens(AF_INET, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

void listens_locally() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = "hang_case" + std::to_string(::getpid());  // abstract
  name.copy(address.sun_path + 1, name.size());
  listens(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

void reads_a_terminal() {
  const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY);
  NEED(terminal >= 0 && ::grantpt(terminal) == 0 && ::unlockpt(terminal) == 0);
  const int fd = ::open(::ptsname(terminal), O_RDWR | O_NOCTTY);
  DEMAND(fd >= 0);
  ready();
  take(fd);
}

// After a minute, an outsider that was started in the tree and has left it does `body`. It ends
// when the tree ends.
void orphan(const std::function<void()>& body) {
  const Pair life = new_pipe();
  const pid_t middle = child([&] {
    ::setsid();  // otherwise it would still count as part of the tree
    child([&] {
      ::close(life[1]);
      pollfd tree_ends{life[0], POLLIN, 0};
      if (::poll(&tree_ends, 1, 60'000) == 0) body();
    });
  });
  ::close(life[0]);
  DEMAND(::waitpid(middle, nullptr, 0) == middle);
}

void orphan_holds_the_pipe() {  // it will write
  const Pair ends = new_pipe();
  orphan([&] { give(ends[1]); });
  ::close(ends[1]);
  ready();
  take(ends[0]);
}

void orphan_shares_the_semaphore() {  // it will post
  Shared& all = shared_by_processes();
  orphan([&] { ::sem_post(&all.semaphore); });
  ready();
  ::sem_wait(&all.semaphore);
}

void orphan_holds_the_lock() {  // it will let go
  std::string name = "/tmp/hang_case.XXXXXX";
  const int fd = ::mkstemp(name.data()), other = ::open(name.c_str(), O_RDWR);
  DEMAND(fd >= 0 && other >= 0 && ::unlink(name.c_str()) == 0);
  DEMAND(::flock(fd, LOCK_EX) == 0);
  orphan([&] { ::flock(fd, LOCK_UN); });
  ::close(fd);
  ready();
  ::flock(other, LOCK_EX);
}

}  // namespace

Cases open_cases() {
#define CASE(name) \
  { #name, name }
  return {
      CASE(sleeps),
      CASE(pauses),
      CASE(reads_stdin),
      CASE(polls_stdin_and_its_own),
      CASE(epolls_stdin),
      CASE(polls_with_a_limit),
      CASE(semaphore_with_a_limit),
      CASE(socket_with_a_limit),
      CASE(alarm_with_handler),
      CASE(alarm_without_handler),
      CASE(child_with_a_watchdog),
      CASE(timer_of_posix),
      CASE(timer_in_epoll),
      CASE(child_computes),
      CASE(child_sleeps),
      CASE(child_is_stopped),
      CASE(two_play_ball),
      CASE(slow_ball),
      CASE(starts_children),
      CASE(writes_to_disk),
      CASE(waits_for_a_signal),
      CASE(polls_for_a_signal),
      CASE(fifo_with_a_name),
      CASE(semaphore_with_a_name),
      CASE(listens_to_the_network),
      CASE(listens_locally),
      CASE(reads_a_terminal),
      CASE(orphan_holds_the_pipe),
      CASE(orphan_shares_the_semaphore),
      CASE(orphan_holds_the_lock),
  };
#undef CASE
}

}  // namespace poolproof::hang::cases
