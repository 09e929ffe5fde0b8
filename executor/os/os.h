// All that the supervisor asks of the operating system: spawn, signal, reap, read, write, wait,
// time.
//
// One interface, so that the supervisor also runs on a simulated one with virtual time (fake_os.h).
// Operating errors are values. Called on the supervisor's thread, except `now`, `ring` and `reap`,
// which any thread may call.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "poolproof/error.h"

namespace poolproof::os {

using Instant = std::chrono::steady_clock::time_point;

// The instant that far from now; none if there is no delay, or if it lies beyond what the clock can
// tell (never comes). One before the clock's beginning is the first that it can tell.
inline std::optional<Instant> after(Instant now, std::optional<std::chrono::nanoseconds> delay) {
  constexpr std::chrono::nanoseconds kNone{0};
  if (!delay || (*delay > kNone && now > Instant::max() - *delay)) return std::nullopt;
  if (*delay < kNone && now < Instant::min() - *delay) return Instant::min();
  return now + *delay;
}

// A system call that failed, and with what errno; 0: `call` says it all.
// How long it is until then: 0 if that has passed, and no more than the clock can tell.
inline std::chrono::nanoseconds time_left(Instant now, Instant until) {
  constexpr std::chrono::nanoseconds kNone{0};
  if (until <= now) return kNone;
  const bool overflows = now < Instant() && until > Instant::max() + now.time_since_epoch();
  return overflows ? std::chrono::nanoseconds::max() : until - now;
}

inline std::optional<Instant> earlier(std::optional<Instant> a, std::optional<Instant> b) {
  return a && (!b || *a < *b) ? a : b;
}

// A system call that failed, and with what errno; 0: `call` says it all.
struct SysError {
  const char* call = "";
  int number = 0;
  std::string hint = {};  // what was seen beyond that; follows the error's text
};
std::string to_string(const SysError& error);  // "execve: No such file or directory"

// A worker process, from its parent's side. Descriptors are owned by whoever holds the value.
struct Child {
  int pid = 0;
  int handle = -1;          // pidfd: readable once the process has ended
  int channel = -1;         // our end of its channel, non-blocking
  int errors = -1;          // what it writes to stderr, non-blocking; -1: that is inherited
  std::string cgroup = {};  // of its own, which its memory is limited by; empty: none
  int lifeline = -1;        // when it is closed, the kernel kills the process
  int share = 0;            // of nested workers (nesting.h), given back once it has been reaped
};

struct IoResult {
  enum class Kind {
    kSome,        // `bytes` > 0 were moved
    kWouldBlock,  // nothing now
    kGone,        // the other end is closed (EOF, EPIPE, ECONNRESET)
  };
  Kind kind = Kind::kWouldBlock;
  std::size_t bytes = 0;
};

// How all workers of a pool are started.
struct WorkerSettings {
  std::size_t max_payload = 0;     // the longest message that a worker may send
  std::size_t memory_limit = 0;    // in bytes; 0: none
  std::string memory_cgroup = {};  // in which each has a cgroup with that limit; empty: RLIMIT_DATA
  // Before a reply it tells its anonymous memory, but not more often. 0: never.
  std::chrono::milliseconds memory_interval{0};
  bool keep_stderr = false;      // its stderr comes to us, in Child::errors
  bool has_initializer = false;  // an initializer is sent to it, and is to run before its hello
  std::string name = "poolproof";
  std::vector<std::string> environment = {};  // all of it, "NAME=value"
  std::vector<int> cpus = {};                 // it may run on; empty: those of the supervisor
  int share = 0;                              // of each worker (nesting.h)
  bool leaves_terminal = true;                // ignores SIGINT, SIGQUIT and SIGHUP
};

// Two ends of one line, both ours: who sleeps at one of them is woken by what is written to the
// other one, and also by its being closed. So the program's closing all descriptors behind our back
// is noticed at once, though nothing polls.
struct Bell {
  int read_end = -1;
  int write_end = -1;
};

// A descriptor to watch: what is asked, and what `wait` answered.
struct Watch {
  int fd = -1;
  bool for_reading = true;
  bool for_writing = false;
  bool readable = false;  // or ended: a read tells which
  bool writable = false;
  bool hung_up = false;  // nobody holds the other end
  bool foreign = false;  // no longer an open descriptor: somebody closed it
};

class Os {
 public:
  virtual ~Os() = default;

  virtual Instant now() = 0;

  // Starts this program anew as a worker with its channel as fd 3 and its lifeline as fd 4, stdin
  // that reads nothing, stdout and stderr inherited, nothing else open; what the program ignores of
  // signals it ignores, too. `index`: its place in the pool. An error while the program has rights
  // that a worker cannot have (rights.h).
  virtual std::variant<Child, SysError> spawn_worker(int index, const WorkerSettings& settings) = 0;
  // SIGKILL; one that has already ended is no error. If the program may not send it any more (it
  // has given up its rights), `child`'s lifeline is closed instead, and the error is given: whether
  // that has helped its exit record tells.
  virtual std::optional<SysError> kill(Child& child) = 0;
  // Another value than before: the program's user, groups or capabilities have changed, and workers
  // that were started before have the old ones.
  virtual std::uint64_t rights() { return 0; }
  // Whether it is stopped by a signal or a debugger: alive, and deaf.
  virtual bool is_frozen(const Child& child) = 0;
  // The exit record, once: nullopt while the kernel has none to give, even if the handle is
  // readable (a traced process shows its end to the tracer first).
  virtual std::optional<ExitStatus> try_reap(const Child& child) = 0;
  virtual ExitStatus reap(const Child& child) = 0;  // blocks until there is one

  // How many out-of-memory kills the kernel has counted in this program's cgroup, which is its
  // workers' too; nullopt if it does not count.
  virtual std::optional<std::uint64_t> out_of_memory_kills() = 0;
  // The same of the worker's own cgroup, in which nobody else is; nullopt if it has none.
  virtual std::optional<std::uint64_t> own_out_of_memory_kills(const Child&) {
    return std::nullopt;
  }
  // Its exit record was taken: ends what is left of it in its own cgroup, and removes that. Waits
  // for nothing. False: something in there has not died yet; to be tried again.
  virtual bool clear_away(const Child&) { return true; }

  virtual IoResult read(int fd, std::span<std::byte> into) = 0;
  // One message part after the other; never raises SIGPIPE.
  virtual IoResult write(int channel, std::array<std::span<const std::byte>, 2> parts) = 0;
  // How many bytes were sent to this end and not yet read.
  virtual std::size_t unread(int channel) = 0;
  virtual void close(int fd) = 0;

  // What a descriptor is, apart from its number; 0 if it is not open. It changes when the program
  // closes what is ours and the number becomes that of something else.
  virtual std::uint64_t identity(int fd) = 0;
  // Ends a worker whose descriptors the program has closed, as far as that can be done by its pid.
  virtual void abandon(const Child& child) = 0;

  // A thread of the library, for what must block; nullopt if none can be started now.
  virtual std::optional<std::thread> start_thread(const char* name, std::function<void()> body);

  // A bell wakes a waiting supervisor; ringing twice is ringing once.
  virtual std::variant<Bell, SysError> open_bell() = 0;
  virtual void ring(const Bell& bell) = 0;
  virtual void drain(const Bell& bell) = 0;

  // Sleeps until a watch has an answer or `until` has come; forever if there is neither. An error:
  // it cannot sleep, and there is no use in asking again.
  virtual std::optional<SysError> wait(std::span<Watch> watches, std::optional<Instant> until) = 0;
};

}  // namespace poolproof::os
