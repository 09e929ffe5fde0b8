#include "conformance/observe/wait.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

namespace poolproof::hang {
namespace {

using std::chrono::nanoseconds;

constexpr short kIn = POLLIN | POLLPRI | POLLRDNORM | POLLRDBAND | POLLRDHUP;
constexpr short kOut = POLLOUT | POLLWRNORM | POLLWRBAND;
constexpr std::uint64_t kMostDescriptors = 65536;

struct Context {
  const CallText& call;
  const Memory& memory;
  const ProcessLook& process;

  std::uint64_t argument(std::size_t i) const { return call.arguments.at(i); }
  // Descriptors, pids and timeouts are 32 bits wide; higher bits of the register do not belong to
  // them.
  int number(std::size_t i) const { return static_cast<int>(argument(i)); }
};

Wait not_understood(std::string why) {
  Wait wait;
  wait.not_understood = std::move(why);
  return wait;
}

Wish wish_for(const Context& at, int fd, bool in, bool out) {
  Wish wish{.fd = fd, .in = in, .out = out};
  const auto& all = at.process.descriptors;
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Descriptor& d) { return d.fd == fd; });
  if (found == all.end()) {
    wish.not_understood = "descriptor " + std::to_string(fd) + " is not open any more";
    return wish;
  }
  wish.object = found->object;
  wish.reads = found->reads;
  wish.writes = found->writes;
  wish.armed = found->armed;
  wish.target = found->target;
  if (found->descriptors_in_queue > 0) wish.not_understood = "descriptors are in flight in it";
  return wish;
}

Wait one_descriptor(const Context& at, bool in) {
  Wait wait{.kind = Wait::Kind::descriptors};
  wait.wishes = {wish_for(at, at.number(0), in, !in)};
  return wait;
}

Wait reading(const Context& at) {
  Wait wait = one_descriptor(at, true);
  wait.bytes = at.argument(2);
  return wait;
}

Wait reading_parts(const Context& at) { return one_descriptor(at, true); }
Wait writing(const Context& at) { return one_descriptor(at, false); }

void limit_ms(Wait& wait, int ms) {
  if (ms < 0) return;
  wait.timed = true;
  wait.left = std::chrono::milliseconds(ms);
}

void limit_at(Wait& wait, const Context& at, std::uint64_t address, long per_second) {
  if (address == 0) return;
  wait.timed = true;
  std::array<std::int64_t, 2> time{};  // a timespec or a timeval
  if (at.memory.read(address, time.data(), sizeof time))
    wait.left = std::chrono::seconds(time[0]) + nanoseconds(time[1] * (1'000'000'000 / per_second));
}

// An absolute time is converted into the remaining time.
void until(Wait& wait, clockid_t clock) {
  timespec now{};
  if (!wait.left || ::clock_gettime(clock, &now) != 0) return;
  *wait.left -= std::chrono::seconds(now.tv_sec) + nanoseconds(now.tv_nsec);
}

// With a mask, the call also accepts signals that are otherwise blocked, so it may wait for one.
Wait of_wishes(Wait wait, std::uint64_t mask) {
  if (mask != 0 || wait.wishes.empty()) wait.kind = Wait::Kind::signal;
  return wait;
}

Wait polling(const Context& at, bool precise) {
  Wait wait{.kind = Wait::Kind::descriptors};
  if (precise) limit_at(wait, at, at.argument(2), 1'000'000'000);
  if (!precise) limit_ms(wait, at.number(2));
  if (at.argument(1) > kMostDescriptors) return not_understood("poll of too many descriptors");
  std::vector<pollfd> set(at.argument(1));
  if (!set.empty() && !at.memory.read(at.argument(0), set.data(), set.size() * sizeof set[0]))
    return not_understood("its set of descriptors cannot be read");
  for (const pollfd& entry : set)
    if (entry.fd >= 0)
      wait.wishes.push_back(
          wish_for(at, entry.fd, (entry.events & kIn) != 0, (entry.events & kOut) != 0));
  return of_wishes(std::move(wait), precise ? at.argument(3) : 0);
}

Wait poll_call(const Context& at) { return polling(at, false); }
Wait ppoll_call(const Context& at) { return polling(at, true); }

Wait selecting(const Context& at, std::uint64_t mask) {
  Wait wait{.kind = Wait::Kind::descriptors};
  const int count = at.number(0);
  std::array<std::vector<std::uint64_t>, 3> sets;  // to read, to write, exceptional
  for (std::size_t i = 0; i < sets.size(); ++i) {
    if (at.argument(i + 1) == 0 || count <= 0) continue;
    sets[i].resize((static_cast<std::size_t>(count) + 63) / 64);
    if (!at.memory.read(at.argument(i + 1), sets[i].data(), sets[i].size() * 8))
      return not_understood("its set of descriptors cannot be read");
  }
  for (int fd = 0; fd < count; ++fd) {
    const auto in_set = [&](std::size_t i) {
      const auto word = static_cast<std::size_t>(fd) / 64;
      return word < sets[i].size() && ((sets[i][word] >> (fd % 64)) & 1) != 0;
    };
    if (in_set(0) || in_set(1) || in_set(2))
      wait.wishes.push_back(wish_for(at, fd, in_set(0) || in_set(2), in_set(1)));
  }
  return of_wishes(std::move(wait), mask);
}

[[maybe_unused]] Wait select_call(const Context& at) {
  Wait wait = selecting(at, 0);
  limit_at(wait, at, at.argument(4), 1'000'000);
  return wait;
}

Wait pselect_call(const Context& at) {
  std::uint64_t mask = 0;  // the sixth argument points to {mask, its size}
  if (at.argument(5) != 0 && !at.memory.read(at.argument(5), &mask, sizeof mask))
    return not_understood("its signal mask cannot be read");
  Wait wait = selecting(at, mask);
  limit_at(wait, at, at.argument(4), 1'000'000'000);
  return wait;
}

Wait epolling(const Context& at, std::uint64_t mask) {
  Wait wait{.kind = Wait::Kind::descriptors};
  const int epoll = at.number(0);
  const auto& all = at.process.descriptors;
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Descriptor& d) { return d.fd == epoll; });
  if (found == all.end() || found->object.kind != Object::Kind::epoll)
    return not_understood("its epoll descriptor is not open any more");
  for (const EpollMember& member : found->members) {
    Wish wish = wish_for(at, member.fd, (member.events & kIn) != 0, (member.events & kOut) != 0);
    wish.epoll = epoll;
    const auto target = std::find_if(all.begin(), all.end(),
                                     [&](const Descriptor& d) { return d.fd == member.fd; });
    if (target != all.end() && target->inode != member.inode)
      wish.not_understood = "epoll watches what is not open here any more";
    wait.wishes.push_back(std::move(wish));
  }
  return of_wishes(std::move(wait), mask);
}

Wait epoll_call(const Context& at) {
  Wait wait = epolling(at, 0);
  limit_ms(wait, at.number(3));
  return wait;
}

Wait epoll_pwait_call(const Context& at) {
  Wait wait = epolling(at, at.argument(4));
  limit_ms(wait, at.number(3));
  return wait;
}

Wait epoll_pwait2_call(const Context& at) {
  Wait wait = epolling(at, at.argument(4));
  limit_at(wait, at, at.argument(3), 1'000'000'000);
  return wait;
}

// Which thread owns the lock? Only for the explanation: the mapping decides which processes may
// wake the waiter.
void explain_futex(FutexWait& futex, const Context& at) {
  struct Mutex {  // the beginning of glibc's pthread_mutex_t
    std::uint32_t lock, count;
    std::int32_t owner;
    std::uint32_t users;
  } mutex{};
  static_assert(sizeof(Mutex) == 16);
  if (!at.memory.read(futex.address, &mutex, sizeof mutex)) return;
  futex.word = mutex.lock;
  // glibc's sem_t: value, number of waiters, 0 or 128 for shared
  futex.semaphore = futex.expected == 0 && mutex.lock == 0 && mutex.count > 0 &&
                    (mutex.owner == 0 || mutex.owner == 128);
  if ((futex.expected & FUTEX_WAITERS) != 0 && (mutex.lock & FUTEX_TID_MASK) != 0)
    futex.owner = static_cast<pid_t>(mutex.lock & FUTEX_TID_MASK);  // robust
  else if (futex.expected == 2 && mutex.lock == 2 && mutex.owner > 0)
    futex.owner = mutex.owner;
}

Wait futex_call(const Context& at) {
  const int operation = at.number(1);
  Wait wait{.kind = Wait::Kind::futex};
  const int command = operation & ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME);
  const bool relative = command == FUTEX_WAIT;
  const bool priority = command == FUTEX_LOCK_PI || command == 13;  // FUTEX_LOCK_PI2
  if (!relative && !priority && command != FUTEX_WAIT_BITSET)
    return not_understood("futex operation " + std::to_string(command));
  limit_at(wait, at, at.argument(3), 1'000'000'000);
  if (!relative)
    until(wait, (operation & FUTEX_CLOCK_REALTIME) != 0 || command == FUTEX_LOCK_PI
                    ? CLOCK_REALTIME
                    : CLOCK_MONOTONIC);
  wait.futex.address = at.argument(0);
  wait.futex.expected = priority ? FUTEX_WAITERS : static_cast<std::uint32_t>(at.argument(2));
  explain_futex(wait.futex, at);
  if ((operation & FUTEX_PRIVATE_FLAG) != 0) return wait;
  for (const SharedMap& map : at.process.maps)
    if (map.begin <= wait.futex.address && wait.futex.address < map.end) {
      wait.futex.shared = true;
      wait.futex.device_inode = map.device_inode;
      wait.futex.path = map.path;
      wait.futex.offset = map.offset + (wait.futex.address - map.begin);
    }
  return wait;
}

Wait wait4_call(const Context& at) {
  Wait wait{.kind = Wait::Kind::children};
  wait.child = at.number(0);
  return wait;
}

Wait waitid_call(const Context& at) {
  Wait wait{.kind = Wait::Kind::children};
  const int id = at.number(1);
  switch (at.number(0)) {
    case P_ALL:
      wait.child = -1;
      return wait;
    case P_PID:
      wait.child = id;
      return wait;
    case P_PGID:
      wait.child = -id;
      return wait;
    case 3: {  // P_PIDFD
      wait.child = wish_for(at, id, true, false).target;
      wait.by_handle = true;
      if (wait.child > 0) return wait;
      return not_understood("it waits for a process that cannot be told");
    }
    default:
      return not_understood("a kind of waitid that is not known");
  }
}

Wait lock_call(const Context& at) {
  Wait wait{.kind = Wait::Kind::file_lock};
  const Wish file = wish_for(at, at.number(0), false, false);
  wait.locked = file.object;
  for (const Descriptor& descriptor : at.process.descriptors)
    if (descriptor.fd == at.number(0)) wait.locked_inode = descriptor.inode;
  if (!file.not_understood.empty()) return not_understood(file.not_understood);
  return wait;
}

Wait fcntl_call(const Context& at) {
  const int command = at.number(1);
  if (command == F_SETLKW || command == F_OFD_SETLKW) return lock_call(at);
  return not_understood("fcntl " + std::to_string(command));
}

Wait nanosleep_call(const Context& at) {
  Wait wait{.kind = Wait::Kind::sleep};
  limit_at(wait, at, at.argument(0), 1'000'000'000);
  wait.timed = true;
  return wait;
}

Wait clock_nanosleep_call(const Context& at) {
  Wait wait{.kind = Wait::Kind::sleep};
  limit_at(wait, at, at.argument(2), 1'000'000'000);
  wait.timed = true;
  if (at.number(1) == TIMER_ABSTIME) until(wait, at.number(0));
  return wait;
}

Wait signal_call(const Context&) { return {.kind = Wait::Kind::signal}; }

Wait sigtimedwait_call(const Context& at) {
  Wait wait{.kind = Wait::Kind::signal};
  limit_at(wait, at, at.argument(2), 1'000'000'000);
  return wait;
}

struct Row {
  long number;
  const char* name;
  Wait (*decode)(const Context&);
};

constexpr Row kCalls[] = {
    {SYS_read, "read", reading},
    {SYS_readv, "readv", reading_parts},
    {SYS_recvfrom, "recvfrom", reading},
    {SYS_recvmsg, "recvmsg", reading_parts},
    {SYS_write, "write", writing},
    {SYS_writev, "writev", writing},
    {SYS_sendto, "sendto", writing},
    {SYS_sendmsg, "sendmsg", writing},
    {SYS_accept4, "accept4", reading_parts},
    {SYS_accept, "accept", reading_parts},
#ifdef SYS_poll  // newer architectures have only the calls with a p
    {SYS_poll, "poll", poll_call},
    {SYS_select, "select", select_call},
    {SYS_epoll_wait, "epoll_wait", epoll_call},
    {SYS_pause, "pause", signal_call},
#endif
    {SYS_ppoll, "ppoll", ppoll_call},
    {SYS_pselect6, "pselect6", pselect_call},
    {SYS_epoll_pwait, "epoll_pwait", epoll_pwait_call},
    {SYS_epoll_pwait2, "epoll_pwait2", epoll_pwait2_call},
    {SYS_futex, "futex", futex_call},
    {SYS_wait4, "wait4", wait4_call},
    {SYS_waitid, "waitid", waitid_call},
    {SYS_flock, "flock", lock_call},
    {SYS_fcntl, "fcntl", fcntl_call},
    {SYS_nanosleep, "nanosleep", nanosleep_call},
    {SYS_clock_nanosleep, "clock_nanosleep", clock_nanosleep_call},
    {SYS_rt_sigsuspend, "rt_sigsuspend", signal_call},
    {SYS_rt_sigtimedwait, "rt_sigtimedwait", sigtimedwait_call},
};

}  // namespace

bool Wait::same_as(const Wait& other) const {
  Wait mine = *this, theirs = other;
  mine.left = theirs.left = std::nullopt;
  return mine == theirs;
}

Wait decode_wait(const CallText& call, const Memory& memory, const ProcessLook& process) {
  if (call.running) return {.kind = Wait::Kind::running};
  if (call.number < 0) return not_understood("it waits outside of any system call");
  for (const Row& row : kCalls)
    if (row.number == call.number) {
      Wait wait = row.decode({call, memory, process});
      wait.call = row.name;
      return wait;
    }
  Wait wait = not_understood("system call " + std::to_string(call.number) +
                             " is not in the table of waits");
  wait.call = "system call " + std::to_string(call.number);
  return wait;
}

}  // namespace poolproof::hang
