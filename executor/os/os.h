// What the supervisor needs from the operating system: spawn, signal, reap, read, write, wait,
// time.
//
// It is an interface, so that the supervisor also runs on a simulated system with virtual time
// (fake_os.h). Operating errors are values. All functions are called on the supervisor's thread,
// except `now`, `ring` and `reap`, which any thread may call.
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

// The instant `delay` after `now`. nullopt if there is no delay, or if the instant is later than
// the clock can represent (it never comes). If it is earlier than the clock can represent, the
// first instant of the clock.
inline std::optional<Instant> after(Instant now, std::optional<std::chrono::nanoseconds> delay) {
  constexpr std::chrono::nanoseconds kNone{0};
  if (!delay || (*delay > kNone && now > Instant::max() - *delay)) return std::nullopt;
  if (*delay < kNone && now < Instant::min() - *delay) return Instant::min();
  return now + *delay;
}

// The time from `now` until `until`: 0 if that has passed, and at most what the clock can
// represent.
inline std::chrono::nanoseconds time_left(Instant now, Instant until) {
  constexpr std::chrono::nanoseconds kNone{0};
  if (until <= now) return kNone;
  const bool overflows = now < Instant() && until > Instant::max() + now.time_since_epoch();
  return overflows ? std::chrono::nanoseconds::max() : until - now;
}

inline std::optional<Instant> earlier(std::optional<Instant> a, std::optional<Instant> b) {
  return a && (!b || *a < *b) ? a : b;
}

// A system call that failed, and its errno; 0: `call` is the whole message.
struct SysError {
  const char* call = "";
  int number = 0;
  std::string hint = {};  // what else was seen; it follows the error's text
};
std::string to_string(const SysError& error);  // "execve: No such file or directory"

// A worker process, as its parent sees it. The owner of the value owns the descriptors.
struct Child {
  int pid = 0;
  int handle = -1;          // pidfd: readable once the process has ended
  int channel = -1;         // our end of its channel, non-blocking
  int errors = -1;          // the read end of its stderr, non-blocking; -1: stderr is inherited
  std::string cgroup = {};  // its own cgroup, which limits its memory; empty: none
  int lifeline = -1;        // when it is closed, the kernel kills the process
  int share = 0;  // its share of nested workers (nesting.h), given back after it was reaped
};

struct IoResult {
  enum class Kind {
    kSome,        // `bytes` > 0 were moved
    kWouldBlock,  // nothing can be moved now
    kGone,        // the other end is closed (EOF, EPIPE, ECONNRESET)
  };
  Kind kind = Kind::kWouldBlock;
  std::size_t bytes = 0;
};

// How all workers of a pool are started.
struct WorkerSettings {
  std::size_t max_payload = 0;   // the longest message that a worker may send
  std::size_t memory_limit = 0;  // in bytes; 0: none
  // The cgroup in which each worker gets its own, with that limit; empty: RLIMIT_DATA.
  std::string memory_cgroup = {};
  // A worker reports its anonymous memory before a reply, but not more often than this. 0: never.
  std::chrono::milliseconds memory_interval{0};
  bool keep_stderr = false;      // its stderr comes to Child::errors
  bool has_initializer = false;  // an initializer is sent to it, and must run before its hello
  std::string name = "poolproof";
  std::vector<std::string> environment = {};  // the whole environment, "NAME=value"
  std::vector<int> cpus = {};   // the CPUs it may run on; empty: those of the supervisor
  int share = 0;                // the share of each worker (nesting.h)
  bool leaves_terminal = true;  // ignores SIGINT, SIGQUIT and SIGHUP
};

// Two ends of one connection, both ours. A thread that sleeps on one end is woken when the other
// end is written to, or when it is closed. So if the program closes all descriptors, the supervisor
// notices at once without polling.
struct Bell {
  int read_end = -1;
  int write_end = -1;
};

// A descriptor to watch: what is requested, and what `wait` reported.
struct Watch {
  int fd = -1;
  bool for_reading = true;
  bool for_writing = false;
  bool readable = false;  // or at its end: a read shows which
  bool writable = false;
  bool hung_up = false;  // the other end is closed everywhere
  bool foreign = false;  // not an open descriptor any more: the program closed it
};

class Os {
 public:
  virtual ~Os() = default;

  virtual Instant now() = 0;

  // Starts this program again as a worker. The channel is fd 3, the lifeline fd 4. stdin reads
  // nothing, stdout and stderr are inherited, and no other descriptor is open. The worker ignores
  // the signals that the program ignores. `index`: its place in the pool. Returns an error while
  // the program has rights that a worker cannot have (rights.h).
  virtual std::variant<Child, SysError> spawn_worker(int index, const WorkerSettings& settings) = 0;
  // Sends SIGKILL; it is no error if the worker has already ended. If the program may not send the
  // signal any more (it has given up its rights), `child`'s lifeline is closed instead, and the
  // error is returned. The exit record shows whether closing it has helped.
  virtual std::optional<SysError> kill(Child& child) = 0;
  // A value that changes when the program's user, groups or capabilities change. Workers that were
  // started before a change have the old ones.
  virtual std::uint64_t rights() { return 0; }
  // Whether a signal or a debugger has stopped it: it is alive but does not run.
  virtual bool is_frozen(const Child& child) = 0;
  // The exit record, once. nullopt while the kernel does not provide it, even if the handle is
  // readable (a traced process reports its end to the tracer first).
  virtual std::optional<ExitStatus> try_reap(const Child& child) = 0;
  virtual ExitStatus reap(const Child& child) = 0;  // blocks until there is a record

  // How many out-of-memory kills the kernel has counted in this program's cgroup, which is also its
  // workers' cgroup; nullopt if it does not count.
  virtual std::optional<std::uint64_t> out_of_memory_kills() = 0;
  // The same for the worker's own cgroup, which no other worker shares; nullopt if it has none.
  virtual std::optional<std::uint64_t> own_out_of_memory_kills(const Child&) {
    return std::nullopt;
  }
  // Call it after the exit record was taken: ends the processes that are left in the worker's own
  // cgroup, and removes the cgroup. Waits for nothing. False: something in there has not died yet;
  // try again.
  virtual bool clear_away(const Child&) { return true; }

  virtual IoResult read(int fd, std::span<std::byte> into) = 0;
  // Writes one message part after the other; never raises SIGPIPE.
  virtual IoResult write(int channel, std::array<std::span<const std::byte>, 2> parts) = 0;
  // How many bytes were sent to this end and are not yet read.
  virtual std::size_t unread(int channel) = 0;
  virtual void close(int fd) = 0;

  // Identifies the open file behind a descriptor, independent of its number; 0 if it is not open.
  // The value changes when the program closes our descriptor and its number is used for another
  // file.
  virtual std::uint64_t identity(int fd) = 0;
  // Ends a worker whose descriptors the program has closed, as far as that is possible by its pid.
  virtual void abandon(const Child& child) = 0;

  // Starts a thread of the library, for a call that must block; nullopt if none can be started now.
  virtual std::optional<std::thread> start_thread(const char* name, std::function<void()> body);

  // A bell wakes a waiting supervisor. Ringing it twice has the same effect as once.
  virtual std::variant<Bell, SysError> open_bell() = 0;
  virtual void ring(const Bell& bell) = 0;
  virtual void drain(const Bell& bell) = 0;

  // Sleeps until a watch has an answer or `until` has come; forever if there is neither. After an
  // error it cannot sleep, and another call would not help.
  virtual std::optional<SysError> wait(std::span<Watch> watches, std::optional<Instant> until) = 0;
};

}  // namespace poolproof::os
