// The syscall door: a process of the cage that traces all others inside, names the calls that it is
// asked for, and strikes one of them. Only the chosen calls stop (seccomp RET_TRACE), and nothing
// is held longer than it takes to look at it; deaths are reaped before anything else, so that a
// pool that waits for its child never waits for us.
//
// The keeper starts it, and its end is the end of all that it traces (PTRACE_O_EXITKILL).
#pragma once

#include <linux/filter.h>
#include <sys/types.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "faults/cage/fd.h"
#include "faults/call_strike.h"

namespace poolproof::faults {

struct TracerOptions {
  Trace trace;
  std::string ledger;  // path: lines written to it begin and end bodies
  std::string errors;  // link target of the adapter's stderr: what is printed is no talk of a pool
};

// The keeper's end.
class Tracer {
 public:
  // Forks it. Throws CallFailed.
  explicit Tracer(const TracerOptions& options);
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;
  ~Tracer() { end(); }

  pid_t pid() const { return pid_; }
  int fd() const { return socket_.get(); }  // readable: there are messages
  // From here on this process, and all that come of it, are traced. Throws std::runtime_error that
  // says why not. The process must stand still, and have the filter after that.
  void seize(pid_t pid);
  void mark(const std::string& word);  // "armed", "shutdown"; answered by a message `marked`
  // Messages that wait (protocol.md: born, call, call-struck, marked, exit), each with `ev`,
  // `t_ns`.
  std::vector<nlohmann::json> take();
  void end();  // kills it, and with it whatever it still traces

 private:
  nlohmann::json next(bool wait);  // null: none waits, or it has ended

  pid_t pid_ = 0;
  Fd socket_;
  std::vector<nlohmann::json> early_;  // came while an answer was awaited
};

// Runs in the tracer's process until the keeper's end of `socket` is closed.
[[noreturn]] void live_as_tracer(const TracerOptions& options, Fd socket);

}  // namespace poolproof::faults
