#include "faults/cage/wait_words.h"

#include <linux/futex.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <iterator>
#include <optional>
#include <string_view>

#include "faults/cage/fd.h"

namespace poolproof::faults {
namespace {

struct Call {
  long number = -1;
  std::array<unsigned long long, 6> args{};
};

// How the arguments of a call show what it waits for and whether it ends by itself.
enum class Shape {
  kFd,              // args[0] is a descriptor
  kFdMilliseconds,  // args[0] is a descriptor, args[3] a time-out in ms, negative for none
  kPoll,            // args[1] descriptors, args[2] a time-out in ms
  kTimespecAt2,     // args[1] descriptors, args[2] a pointer, null for no limit (ppoll)
  kTimespecAt4,     // args[0] descriptors, args[4] a pointer, null for no limit (select)
  kFutex,
  kChild,    // args[0] is a pid, or negative
  kChildId,  // args[0] a kind of id, args[1] the id (waitid)
  kNamed,    // the name alone says it
  kSignal,   // args[2] a pointer, null for no limit (rt_sigtimedwait)
};

struct Known {
  long number;
  const char* name;
  Shape shape;
};

constexpr Known kCalls[] = {
    {SYS_read, "read", Shape::kFd},
    {SYS_write, "write", Shape::kFd},
    {SYS_readv, "read", Shape::kFd},
    {SYS_writev, "write", Shape::kFd},
    {SYS_pread64, "read", Shape::kFd},
    {SYS_pwrite64, "write", Shape::kFd},
    {SYS_recvfrom, "receive", Shape::kFd},
    {SYS_recvmsg, "receive", Shape::kFd},
    {SYS_sendto, "send", Shape::kFd},
    {SYS_sendmsg, "send", Shape::kFd},
    {SYS_accept, "accept", Shape::kFd},
    {SYS_accept4, "accept", Shape::kFd},
    {SYS_connect, "connect", Shape::kFd},
    {SYS_flock, "flock", Shape::kFd},
    {SYS_fcntl, "lock", Shape::kFd},
    {SYS_fsync, "fsync", Shape::kFd},
    {SYS_epoll_pwait, "epoll", Shape::kFdMilliseconds},
    {SYS_ppoll, "poll", Shape::kTimespecAt2},
    {SYS_pselect6, "select", Shape::kTimespecAt4},
    {SYS_futex, "futex", Shape::kFutex},
    {SYS_wait4, "wait", Shape::kChild},
    {SYS_waitid, "wait", Shape::kChildId},
    {SYS_nanosleep, "sleep", Shape::kNamed},
    {SYS_clock_nanosleep, "sleep", Shape::kNamed},
    {SYS_rt_sigsuspend, "wait for a signal, no time limit", Shape::kNamed},
    {SYS_rt_sigtimedwait, "wait for a signal", Shape::kSignal},
#ifdef SYS_epoll_wait  // older calls, which newer architectures do not have
    {SYS_epoll_wait, "epoll", Shape::kFdMilliseconds},
#endif
#ifdef SYS_poll
    {SYS_poll, "poll", Shape::kPoll},
#endif
#ifdef SYS_select
    {SYS_select, "select", Shape::kTimespecAt4},
#endif
#ifdef SYS_pause
    {SYS_pause, "wait for a signal, no time limit", Shape::kNamed},
#endif
#ifdef SYS_open
    {SYS_open, "open", Shape::kNamed},
#endif
    {SYS_openat, "open", Shape::kNamed},
};

std::optional<Call> parse_call(const std::string& text) {
  Call call;
  const char* const end = text.data() + text.size();
  auto read = std::from_chars(text.data(), end, call.number);
  if (read.ec != std::errc{}) return std::nullopt;
  if (call.number < 0) return call;
  for (auto& arg : call.args) {
    if (text.compare(static_cast<std::size_t>(read.ptr - text.data()), 3, " 0x") != 0)
      return std::nullopt;
    read = std::from_chars(read.ptr + 3, end, arg, 16);
    if (read.ec != std::errc{}) return std::nullopt;
  }
  return call;
}

std::string limit_ms(unsigned long long arg) {
  const int limit = static_cast<int>(static_cast<unsigned>(arg));
  return limit < 0 ? ", no time limit" : ", at most " + std::to_string(limit) + " ms";
}

std::string limit_pointer(unsigned long long arg) {
  return arg == 0 ? ", no time limit" : ", with a time limit";
}

std::string fds(unsigned long long count) {
  return " of " + std::to_string(count) + (count == 1 ? " fd" : " fds");
}

std::string child(long long id) {
  return id > 0 ? "wait for child " + std::to_string(id) : "wait for any child";
}

std::string futex_words(const Call& call) {
  const auto operation =
      call.args[1] & ~static_cast<unsigned long long>(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME);
  const bool owned = operation == FUTEX_LOCK_PI || operation == 13;  // 13: FUTEX_LOCK_PI2
  return (owned ? "futex with an owner" : "futex") + limit_pointer(call.args[3]);
}

std::string call_words(const Known& known, const Call& call,
                       const std::function<std::string(int)>& target_of) {
  const std::string name = known.name;
  const auto descriptor = [&] {
    const int fd = static_cast<int>(call.args[0]);
    const std::string target = target_of(fd);
    return name + " fd " + std::to_string(fd) + (target.empty() ? "" : " " + target);
  };
  switch (known.shape) {
    case Shape::kFd:
      return descriptor();
    case Shape::kFdMilliseconds:
      return descriptor() + limit_ms(call.args[3]);
    case Shape::kPoll:
      return name + fds(call.args[1]) + limit_ms(call.args[2]);
    case Shape::kTimespecAt2:
      return name + fds(call.args[1]) + limit_pointer(call.args[2]);
    case Shape::kTimespecAt4:
      return name + " of fds below " + std::to_string(call.args[0]) + limit_pointer(call.args[4]);
    case Shape::kFutex:
      return futex_words(call);
    case Shape::kChild:
      return child(static_cast<int>(call.args[0]));
    case Shape::kChildId:  // P_ALL 0, P_PID 1; a pidfd or a group is not named by a pid
      return child(call.args[0] == 1 ? static_cast<int>(call.args[1]) : 0);
    case Shape::kSignal:
      return name + limit_pointer(call.args[2]);
    case Shape::kNamed:
      break;
  }
  return name;
}

// After a stop or a freeze the kernel restarts a timed wait by a call without arguments.
std::string restarted_words(const std::string& wchan) {
  if (wchan.find("nanosleep") != std::string::npos) return "sleep";
  if (wchan.find("futex") != std::string::npos) return "futex, with a time limit";
  if (wchan.find("poll") != std::string::npos) return "poll, with a time limit";
  return "a restarted wait, with a time limit";
}

}  // namespace

std::string wait_words(const ThreadWait& thread, const std::function<std::string(int)>& target_of) {
  if (thread.state == 'Z' || thread.state == 'X') return "ended";
  if (thread.state == 'T') return "stopped";
  if (thread.state == 't') return "stopped by a tracer";
  if (thread.state == 'R') return "running";
  if (thread.syscall_error != 0) {
    const char* name = strerrorname_np(thread.syscall_error);
    return std::string("unavailable: ") + (name != nullptr ? name : "E?");
  }
  if (thread.syscall.rfind("running", 0) == 0) return "running";

  const bool knows_wchan = !thread.wchan.empty() && thread.wchan != "0";
  const std::string in_kernel = knows_wchan ? " in " + thread.wchan : "";
  const std::string uninterruptible = thread.state == 'D' ? ", uninterruptible" : "";
  const auto call = parse_call(thread.syscall);
  if (!call) return "unknown" + in_kernel + uninterruptible;
  if (call->number < 0) return "outside a system call" + in_kernel + uninterruptible;
  if (call->number == SYS_restart_syscall) return restarted_words(thread.wchan) + uninterruptible;
  for (const Known& known : kCalls)
    if (known.number == call->number) return call_words(known, *call, target_of) + uninterruptible;
  return "system call " + std::to_string(call->number) + in_kernel + uninterruptible;
}

bool has_no_limit(const std::string& syscall) {
  const auto call = parse_call(syscall);
  const auto known = std::find_if(std::begin(kCalls), std::end(kCalls), [&](const Known& one) {
    return call && one.number == call->number;
  });
  if (known == std::end(kCalls)) return false;
  const auto negative = [](unsigned long long arg) {
    return static_cast<int>(static_cast<unsigned>(arg)) < 0;
  };
  switch (known->shape) {
    case Shape::kFdMilliseconds:
      return negative(call->args[3]);
    case Shape::kPoll:
      return negative(call->args[2]);
    case Shape::kTimespecAt2:
    case Shape::kSignal:
      return call->args[2] == 0;
    case Shape::kTimespecAt4:
      return call->args[4] == 0;
    case Shape::kFutex:
      return call->args[3] == 0;
    case Shape::kNamed:
      return std::string_view(known->name) != "sleep";
    case Shape::kFd:
    case Shape::kChild:
    case Shape::kChildId:
      return true;
  }
  return false;
}

}  // namespace poolproof::faults
