// The syscall door: a process of the cage that traces all others inside, names the calls that it is
// asked for, and strikes one of them. Only the chosen calls stop (seccomp RET_TRACE), and no thread
// is stopped longer than the look takes. The tracer reaps deaths before anything else, so that a
// pool that waits for its child never waits for the tracer.
//
// The keeper starts it. When it ends, everything that it traces ends (PTRACE_O_EXITKILL).
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
  std::string ledger;  // path: the lines written to it begin and end bodies
  // Link target of the adapter's stderr: printing there is not communication of a pool.
  std::string errors;
};

// The keeper's side.
class Tracer {
 public:
  // Forks it. Throws CallFailed.
  explicit Tracer(const TracerOptions& options);
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;
  ~Tracer() { end(); }

  pid_t pid() const { return pid_; }
  int fd() const { return socket_.get(); }  // readable: messages wait
  // From now on this process, and all its descendants, are traced. Throws std::runtime_error with
  // the reason if that fails. The process must be stopped, and must get the filter after this.
  void seize(pid_t pid);
  void mark(const std::string& word);  // "armed", "shutdown"; the answer is a message `marked`
  // The waiting messages (protocol.md: born, call, call-struck, marked, exit), each with `ev` and
  // `t_ns`.
  std::vector<nlohmann::json> take();
  void end();  // kills it, and with it everything that it still traces

 private:
  nlohmann::json next(bool wait);  // null: none waits, or it has ended

  pid_t pid_ = 0;
  Fd socket_;
  std::vector<nlohmann::json> early_;  // messages that came while an answer was awaited
};

// Runs in the tracer's process until the keeper's end of `socket` is closed.
[[noreturn]] void live_as_tracer(const TracerOptions& options, Fd socket);

}  // namespace poolproof::faults
