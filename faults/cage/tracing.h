// The tracer's own process: what it knows about the processes that it traces, and the loop over
// their reports. It sleeps only when there is no report. traced_calls.cc has the actions at a call.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "faults/cage/cut.h"
#include "faults/cage/fd.h"
#include "faults/cage/life.h"
#include "faults/cage/proc.h"
#include "faults/cage/shared_memory.h"
#include "faults/cage/syscall.h"
#include "faults/cage/tracer.h"

namespace poolproof::faults {

// A process that is traced.
struct Traced {
  Identity who;
  std::string lineage;
  std::string parent_lineage;
  int parent = 0;
  Life life;
  bool counts = false;  // it was started after `armed`
  bool frozen = false;

  bool is_one_of(const std::vector<std::string>& lineages) const {
    return std::find(lineages.begin(), lineages.end(), lineage) != lineages.end();
  }
};

// A call that a thread is in, and whose return is awaited.
struct TracedCall {
  CallLabel label;
  int fd = -1;
  std::string to;
  std::optional<long> bytes;
  long long t_ns = 0;
  bool told = false;       // it is reported when it has returned
  bool to_strike = false;  // the strike comes when it has returned
  bool to_step = false;    // its thread then continues step by step
  std::optional<Cut> cut;
};

struct TracedThread {
  pid_t process = 0;
  std::optional<TracedCall> call;
};

// The one thread that runs step by step between two places.
struct Steps {
  pid_t tid = 0;
  SharedMemory memory;
  std::uint64_t until = 0;  // an address; 0: until a call is made
  long steps = 0;
  int stores = 0;
};

// A breakpoint in the memory of a process, and the original bytes there.
struct Breakpoint {
  std::uint64_t address = 0;
  std::string was;
};

class Tracing {
 public:
  Tracing(const TracerOptions& options, Fd socket)
      : trace_(options.trace),
        ledger_(options.ledger),
        errors_(options.errors),
        socket_(std::move(socket)) {}

  [[noreturn]] void live();

 private:
  void take_commands();
  void seize(pid_t pid);
  bool take_news();
  void on_stop(pid_t tid, int code);
  void on_call(pid_t tid);
  void on_return(pid_t tid);
  void on_exec(pid_t tid);
  void on_end(const siginfo_t& end);

  pid_t process_with(pid_t tid) const;
  TracedThread& thread_of(pid_t tid);
  Traced& process_of(pid_t tid) { return processes_.at(thread_of(tid).process); }
  void meet_process(pid_t pid);
  void tell_born(const Traced& process);
  std::optional<TracedCall> named(pid_t tid, Traced& process, const Syscall& syscall);
  bool is_due(const Traced& process, const TracedCall& call) const;
  // These functions return false if the thread must not continue.
  bool strike_before(pid_t tid, Traced& process, TracedCall& call, const Syscall& syscall);
  bool strike(pid_t tid, Traced& process, const TracedCall& call, std::optional<long> moved);
  void tell_strike(pid_t tid, const Traced& process, const TracedCall& call,
                   std::optional<long> moved, bool seen);
  void tell_call(pid_t tid, const Traced& process, const TracedCall& call,
                 std::optional<long> result);
  bool apply(pid_t tid, Traced& process, const CallEffect& effect);
  void go_on(pid_t tid, int signal = 0);

  // Step by step (traced_steps.cc).
  bool steps_in(const Traced& process) const;
  void set_breakpoint(const Traced& process);
  bool ran_into_breakpoint(pid_t tid);
  void begin_steps(pid_t tid);
  void on_step(pid_t tid);
  void end_steps();

  void post(const char* ev, nlohmann::json fields);
  void send();

  const Trace trace_;
  const std::string ledger_, errors_;
  Fd socket_;
  std::map<pid_t, TracedThread> threads_;
  std::map<pid_t, Traced> processes_;
  std::vector<std::string> outgoing_;
  bool armed_ = false, shutdown_ = false;
  // The strike is reported: a call that is not reported needs no action any more.
  bool struck_ = false;
  bool claimed_ = false;  // a call is, or will be, struck; or a thread runs step by step
  std::optional<Steps> steps_;
  std::map<pid_t, Breakpoint> breakpoints_;  // by process
};

// {"pid", "start"}
nlohmann::json identity_of(const Traced& process);

}  // namespace poolproof::faults
