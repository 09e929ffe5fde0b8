// What the tracer's process does. One loop over what its tracees report; it sleeps only when none
// does.
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

#include "faults/cage/cut.h"
#include "faults/cage/life.h"
#include "faults/cage/outbox.h"
#include "faults/cage/proc.h"
#include "faults/cage/syscall.h"
#include "faults/cage/tracer.h"
#include "faults/cage/watch.h"
#include "faults/fault.h"

namespace poolproof::faults {
namespace {

using nlohmann::json;

constexpr int kReturned = SIGTRAP | 0x80;  // PTRACE_O_TRACESYSGOOD
constexpr int kEventStop = 128;            // PTRACE_EVENT_STOP
constexpr std::size_t kLongestLine = 512;  // of the ledger

// Results that no program sees: the call is to be made again after a signal.
bool is_to_be_made_again(long result) { return result <= -512 && result >= -516; }

struct Process {
  Identity who;
  std::string lineage;
  std::string parent_lineage;
  int parent = 0;
  Life life;
  bool counts = false;  // born after `armed`
  bool frozen = false;
};

// A call that a thread is in, of which its return is awaited.
struct Call {
  CallLabel label;
  int fd = -1;
  std::string to;
  std::optional<long> bytes;
  long long t_ns = 0;
  bool told = false;       // it is to be told when it has returned
  bool to_strike = false;  // the strike comes when it has returned
  std::optional<Cut> cut;
};

struct Thread {
  pid_t process = 0;
  std::optional<Call> call;
};

class Tracing {
 public:
  Tracing(const TracerOptions& options, Fd socket)
      : trace_(options.trace),
        ledger_(options.ledger),
        errors_(options.errors),
        socket_(std::move(socket)) {}

  [[noreturn]] void live() {
    sigset_t news;
    sigemptyset(&news);
    sigaddset(&news, SIGCHLD);
    sigaddset(&news, SIGIO);
    ::sigprocmask(SIG_SETMASK, &news, nullptr);
    ::fcntl(socket_.get(), F_SETOWN, ::getpid());
    ::fcntl(socket_.get(), F_SETFL, O_ASYNC | O_NONBLOCK);
    take_commands();  // what came before its signal could
    while (true) {
      siginfo_t told{};
      ::sigwaitinfo(&news, &told);
      take_commands();
      while (take_news()) {
      }
      send();
    }
  }

 private:
  void take_commands();
  void seize(pid_t pid);
  bool take_news();
  void on_stop(pid_t tid, int code);
  void on_call(pid_t tid);
  void on_return(pid_t tid);
  void on_exec(pid_t tid);
  void on_end(const siginfo_t& end);

  Thread& thread_of(pid_t tid);
  Process& process_of(pid_t tid) { return processes_.at(thread_of(tid).process); }
  void meet_process(pid_t pid);
  std::optional<Call> named(pid_t tid, Process& process, const Syscall& syscall);
  bool is_due(const Process& process, const Call& call) const;
  // Both return false if the thread must not go on.
  bool strike_before(pid_t tid, Process& process, Call& call, const Syscall& syscall);
  bool strike(pid_t tid, Process& process, const Call& call, std::optional<long> moved);
  void tell_strike(pid_t tid, const Process& process, const Call& call, std::optional<long> moved,
                   bool seen);
  void tell_call(pid_t tid, const Process& process, const Call& call, std::optional<long> result);
  void go_on(pid_t tid, int signal = 0);

  void post(const char* ev, json fields);
  void send();

  const Trace trace_;
  const std::string ledger_, errors_;
  Fd socket_;
  std::map<pid_t, Thread> threads_;
  std::map<pid_t, Process> processes_;
  std::vector<std::string> outgoing_;
  bool armed_ = false, shutdown_ = false;
  bool claimed_ = false;  // some call is, or will be, struck
};

json identity_of(const Process& process) {
  return {{"pid", process.who.pid}, {"start", process.who.start}};
}

void Tracing::post(const char* ev, json fields) {
  fields["ev"] = ev;
  if (!fields.contains("t_ns")) fields["t_ns"] = monotonic_ns();
  outgoing_.push_back(fields.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

// The keeper always reads; when it does not, there is nobody to tell anything.
void Tracing::send() {
  for (const std::string& message : outgoing_) {
    while (::send(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL) < 0) {
      if (errno == EAGAIN || errno == EINTR) {
        ::usleep(100);
        continue;
      }
      ::_exit(0);
    }
  }
  outgoing_.clear();
}

void Tracing::take_commands() {
  std::array<char, 4096> buffer;
  while (true) {
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) ::_exit(0);  // the keeper is gone, and all that we trace goes with us
    const json command = json::parse(buffer.begin(), buffer.begin() + got);
    if (const auto pid = command.find("seize"); pid != command.end()) {
      seize(*pid);
    } else {
      const std::string word = command.at("mark");
      armed_ = armed_ || word == "armed";
      shutdown_ = shutdown_ || word == "shutdown";
      post("marked", {{"word", word}});
    }
    send();
  }
}

void Tracing::seize(pid_t pid) {
  constexpr long kOptions = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                            PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL |
                            PTRACE_O_TRACESYSGOOD;
  std::string error;
  if (::ptrace(PTRACE_SEIZE, pid, nullptr, kOptions) != 0)
    error = "ptrace SEIZE: " + errno_text(errno);
  else
    meet_process(pid);
  post("seized", {{"error", error}});
}

// To hear of a death is to reap it: all that waits is heard before any that stands is looked at.
// False: nobody had anything to report.
bool Tracing::take_news() {
  std::vector<siginfo_t> standing;
  bool any = false;
  siginfo_t news{};
  while (::waitid(P_ALL, 0, &news, WEXITED | WSTOPPED | WNOHANG | __WALL) == 0 &&
         news.si_pid != 0) {
    any = true;
    const bool stands = news.si_code == CLD_TRAPPED || news.si_code == CLD_STOPPED;
    if (stands)
      standing.push_back(news);
    else
      on_end(news);
    news = {};
  }
  for (const siginfo_t& each : standing) {
    try {
      on_stop(each.si_pid, each.si_status);
    } catch (const CallFailed&) {  // killed from elsewhere while it stood: its end is told next
    }
  }
  return any;
}

Thread& Tracing::thread_of(pid_t tid) {
  const auto known = threads_.find(tid);
  if (known != threads_.end()) return known->second;
  const std::string status = read_file("/proc/" + std::to_string(tid) + "/status", 4096).text;
  const auto at = status.find("\nTgid:\t");
  if (at == std::string::npos) {
    errno = ESRCH;
    throw CallFailed("read of a thread's status");
  }
  const pid_t pid = std::atoi(status.c_str() + at + 7);
  if (processes_.count(pid) == 0) meet_process(pid);
  return threads_[tid] = Thread{pid, std::nullopt};
}

void Tracing::meet_process(pid_t pid) {
  Process process;
  process.who.pid = pid;
  process.counts = armed_;
  if (const auto stat = read_stat(pid)) {
    process.who = stat->identity();
    process.parent = stat->ppid;
  }
  const auto parent = processes_.find(process.parent);
  if (processes_.empty()) {
    process.lineage = "adapter";
  } else {
    process.parent_lineage = parent == processes_.end() ? "?" : parent->second.lineage;
    process.lineage = lineage_of_fork(process.parent_lineage);
  }
  json fields = identity_of(process);
  fields["parent"] = process.parent;
  fields["lineage"] = process.lineage;
  post("born", std::move(fields));
  threads_[pid] = Thread{pid, std::nullopt};
  processes_[pid] = std::move(process);
}

void Tracing::go_on(pid_t tid, int signal) {
  const bool awaited = threads_.count(tid) > 0 && threads_[tid].call.has_value();
  ::ptrace(awaited ? PTRACE_SYSCALL : PTRACE_CONT, tid, nullptr, signal);
}

void Tracing::on_stop(pid_t tid, int code) {
  const int event = code >> 8;
  const int signal = code & 0xff;
  Process& process = process_of(tid);
  if (process.frozen && event != kEventStop) return;  // it stays where it is
  if (event == PTRACE_EVENT_SECCOMP) return on_call(tid);
  if (event == PTRACE_EVENT_EXEC) return on_exec(tid);
  if (event == kEventStop && signal != SIGTRAP) {  // a group's stop: it stays so until SIGCONT
    ::ptrace(PTRACE_LISTEN, tid, nullptr, 0);
    return;
  }
  if (event != 0) return go_on(tid);
  if (code == kReturned) return on_return(tid);
  go_on(tid, signal);
}

// The call that is about to be made, with its name; nothing if it is none that processes talk by.
std::optional<Call> Tracing::named(pid_t tid, Process& process, const Syscall& syscall) {
  Call call;
  const std::string name = name_of_call(syscall.number);
  if (name.empty()) return std::nullopt;
  std::string object = "-";
  if (first_argument_is_descriptor(name)) {
    call.fd = static_cast<int>(syscall.arguments[0]);
    call.to = link_target("/proc/" + std::to_string(tid) + "/fd/" + std::to_string(call.fd));
    if (name == "write" && call.to == ledger_) {
      process.life.on_ledger_line(read_memory(
          process.who.pid, syscall.arguments[1],
          std::min<std::size_t>(kLongestLine, static_cast<std::size_t>(syscall.arguments[2]))));
      return std::nullopt;
    }
    object = kind_of_object(call.to);
    if (object.empty() || call.to == errors_) return std::nullopt;
  }
  call.label = process.life.name_call(name, object, shutdown_);
  call.bytes = bytes_of(process.who.pid, name, syscall);
  call.t_ns = monotonic_ns();
  return call;
}

bool Tracing::is_due(const Process& process, const Call& call) const {
  if (!trace_.strike || claimed_ || call.label != trace_.strike->at) return false;
  const auto& lineages = trace_.strike->lineages;
  return std::find(lineages.begin(), lineages.end(), process.lineage) != lineages.end();
}

void Tracing::on_call(pid_t tid) {
  Process& process = process_of(tid);
  if (!process.counts) return go_on(tid);
  const Syscall syscall = read_syscall(tid);
  std::optional<Call> call = named(tid, process, syscall);
  if (!call) return go_on(tid);
  call->told = trace_.tells_calls;
  bool goes_on = true;
  if (is_due(process, *call)) goes_on = strike_before(tid, process, *call, syscall);
  if (!goes_on) return;
  if (call->told || call->to_strike || call->cut) threads_.at(tid).call = std::move(call);
  go_on(tid);
}

// At the entry: strikes now, or prepares what is struck at the return.
bool Tracing::strike_before(pid_t tid, Process& process, Call& call, const Syscall& syscall) {
  using Kind = CallEffect::Kind;
  const CallStrike& strike_to_be = *trace_.strike;
  const CallEffect& effect = strike_to_be.effect;
  const bool shortens = effect.kind == Kind::kShort || is_torn(strike_to_be.moment);
  if (shortens) {
    const long kept = bytes_kept(strike_to_be.moment, call.bytes.value_or(0));
    if (kept <= 0) return true;  // too few bytes to be torn: this is no place for this strike
    call.cut = cut_call(tid, process.who.pid, call.label.call, syscall, kept);
  }
  claimed_ = true;
  if (strike_to_be.moment != Moment::kBefore || shortens) {
    call.to_strike = true;
    return true;
  }
  if (effect.kind == Kind::kErrno) {
    call.to_strike = true;  // its return is the receipt
    skip_syscall(tid, -effect.number);
    return true;
  }
  if (effect.kind == Kind::kExit) {
    tell_strike(tid, process, call, std::nullopt, false);
    Syscall exit = syscall;
    exit.number = SYS_exit_group;
    exit.arguments[0] = static_cast<std::uint64_t>(effect.number);
    replace_syscall(tid, exit);
    return true;
  }
  // Not made, whatever comes of the signal.
  if (effect.kind == Kind::kSignal && effect.number != SIGKILL) skip_syscall(tid, -EINTR);
  return strike(tid, process, call, std::nullopt);
}

bool Tracing::strike(pid_t tid, Process& process, const Call& call, std::optional<long> moved) {
  const CallEffect& effect = trace_.strike->effect;
  if (effect.kind == CallEffect::Kind::kFreeze) {
    process.frozen = true;
    ::kill(process.who.pid, SIGSTOP);  // its other threads; this one is just never let go
    tell_strike(tid, process, call, moved, true);
    return false;
  }
  tell_strike(tid, process, call, moved, false);
  send();  // before what it does can be seen
  if (effect.number == SIGKILL) {
    ::kill(process.who.pid, SIGKILL);
    return false;
  }
  ::syscall(SYS_tgkill, process.who.pid, tid, effect.number);
  return true;
}

void Tracing::on_return(pid_t tid) {
  Process& process = process_of(tid);
  Thread& thread = threads_.at(tid);
  if (!thread.call) return go_on(tid);
  Call call = std::move(*thread.call);
  thread.call.reset();
  const long result = read_result(tid);
  if (call.cut) mend(*call.cut, tid, process.who.pid);
  if (is_to_be_made_again(result)) {
    process.life.take_back(call.label);
    if (call.to_strike) claimed_ = false;
    return go_on(tid);
  }
  if (call.told) tell_call(tid, process, call, result);
  if (!call.to_strike) return go_on(tid);
  const CallEffect::Kind kind = trace_.strike->effect.kind;
  if (kind == CallEffect::Kind::kErrno || kind == CallEffect::Kind::kShort) {
    tell_strike(tid, process, call, result, true);
    return go_on(tid);
  }
  if (strike(tid, process, call, result)) go_on(tid);
}

void Tracing::on_exec(pid_t tid) {
  Process& process = process_of(tid);
  const std::string arguments =
      read_file("/proc/" + std::to_string(process.who.pid) + "/cmdline", 4096).text;
  if (process.lineage != "adapter")
    process.lineage = lineage_of_exec(process.parent_lineage, arguments);
  process.life.on_exec();
  Thread& thread = threads_.at(tid);
  std::optional<Call> call = std::exchange(thread.call, std::nullopt);
  json fields = identity_of(process);
  fields["parent"] = process.parent;
  fields["lineage"] = process.lineage;
  post("born", std::move(fields));
  if (call && call->told) tell_call(tid, process, *call, 0);
  if (call && call->to_strike && !strike(tid, process, *call, 0)) return;
  go_on(tid);
}

void Tracing::on_end(const siginfo_t& end) {
  const auto thread = threads_.find(end.si_pid);
  if (thread != threads_.end()) {
    const auto process = processes_.find(thread->second.process);
    if (thread->second.call && thread->second.call->told)
      tell_call(end.si_pid, process->second, *thread->second.call, std::nullopt);
    threads_.erase(thread);
  }
  const auto process = processes_.find(end.si_pid);
  if (process == processes_.end()) return;
  for (auto other = threads_.begin(); other != threads_.end();)
    other = other->second.process == end.si_pid ? threads_.erase(other) : std::next(other);
  if (process->second.counts) {
    json fields = identity_of(process->second);
    fields["status"] = end.si_code == CLD_EXITED ? json{{"code", end.si_status}}
                                                 : json{{"signal", signal_name(end.si_status)},
                                                        {"core", end.si_code == CLD_DUMPED}};
    post("exit", std::move(fields));
  }
  processes_.erase(process);
}

void Tracing::tell_strike(pid_t tid, const Process& process, const Call& call,
                          std::optional<long> moved, bool seen) {
  json fields = identity_of(process);
  fields["tid"] = tid;
  fields["lineage"] = process.lineage;
  fields["at"] = to_string(call.label);
  fields["moment"] = to_string(trace_.strike->moment);
  fields["effect"] = to_string(trace_.strike->effect);
  fields["fd"] = call.fd;
  fields["to"] = call.to;
  fields["seen"] = seen;
  if (call.bytes) fields["bytes"] = *call.bytes;
  if (moved) fields["moved"] = *moved;
  post("call-struck", std::move(fields));
}

void Tracing::tell_call(pid_t tid, const Process& process, const Call& call,
                        std::optional<long> result) {
  json fields = identity_of(process);
  fields["t_ns"] = call.t_ns;
  fields["tid"] = tid;
  fields["lineage"] = process.lineage;
  fields["at"] = to_string(call.label);
  fields["fd"] = call.fd;
  fields["to"] = call.to;
  if (call.bytes) fields["bytes"] = *call.bytes;
  if (result) fields["result"] = *result;
  post("call", std::move(fields));
}

}  // namespace

void live_as_tracer(const TracerOptions& options, Fd socket) {
  Tracing(options, std::move(socket)).live();
}

}  // namespace poolproof::faults
