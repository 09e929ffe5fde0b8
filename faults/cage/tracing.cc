#include "faults/cage/tracing.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "faults/cage/outbox.h"
#include "faults/fault.h"

namespace poolproof::faults {

using nlohmann::json;

namespace {

constexpr int kReturned = SIGTRAP | 0x80;  // PTRACE_O_TRACESYSGOOD
constexpr int kEventStop = 128;            // PTRACE_EVENT_STOP

}  // namespace

json identity_of(const Traced& process) {
  return {{"pid", process.who.pid}, {"start", process.who.start}};
}

void Tracing::live() {
  sigset_t news;
  sigemptyset(&news);
  sigaddset(&news, SIGCHLD);
  sigaddset(&news, SIGIO);
  ::sigprocmask(SIG_SETMASK, &news, nullptr);
  ::fcntl(socket_.get(), F_SETOWN, ::getpid());
  ::fcntl(socket_.get(), F_SETFL, O_ASYNC | O_NONBLOCK);
  take_commands();  // commands that came before its signal
  while (true) {
    siginfo_t told{};
    ::sigwaitinfo(&news, &told);
    take_commands();
    while (take_news()) {
    }
    send();
  }
}

void Tracing::post(const char* ev, json fields) {
  fields["ev"] = ev;
  if (!fields.contains("t_ns")) fields["t_ns"] = monotonic_ns();
  outgoing_.push_back(fields.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

// Waits if the keeper does not read now, because its harness has too much to read already.
void Tracing::send() {
  for (const std::string& message : outgoing_) {
    while (::send(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL) < 0) {
      if (errno != EAGAIN && errno != EINTR) ::_exit(0);  // it is gone
      pollfd room = {socket_.get(), POLLOUT, 0};
      ::poll(&room, 1, -1);
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
    if (got <= 0) ::_exit(0);  // the keeper is gone; everything that we trace ends with us
    const json command = json::parse(buffer.begin(), buffer.begin() + got);
    if (const auto pid = command.find("seize"); pid != command.end()) {
      seize(*pid);
    } else {
      const std::string word = command.at("mark");
      armed_ = armed_ || word == "armed";
      for (auto& [number, process] : processes_)
        if (armed_ && trace_.parent_too && process.lineage == "adapter") process.counts = true;
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

// Reports of deaths also reap them. So all waiting reports are read before any stopped thread is
// examined. False: there was no report.
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
    } catch (const CallFailed&) {  // killed from elsewhere while stopped: its end is reported next
    }
  }
  return any;
}

// Signal 0 shows whether a thread belongs to a process; this is cheaper than a look into /proc.
pid_t Tracing::process_with(pid_t tid) const {
  const auto has_it = [tid](pid_t pid) { return ::syscall(SYS_tgkill, pid, tid, 0) == 0; };
  if (has_it(tid)) return tid;
  for (const auto& [pid, process] : processes_)
    if (has_it(pid)) return pid;
  const std::string status = read_file("/proc/" + std::to_string(tid) + "/status", 4096).text;
  const auto at = status.find("\nTgid:\t");
  if (at == std::string::npos) {
    errno = ESRCH;
    throw CallFailed("read of a thread's status");
  }
  return std::atoi(status.c_str() + at + 7);
}

TracedThread& Tracing::thread_of(pid_t tid) {
  const auto known = threads_.find(tid);
  if (known != threads_.end()) return known->second;
  const pid_t pid = process_with(tid);
  if (processes_.count(pid) == 0) meet_process(pid);
  return threads_[tid] = TracedThread{pid, std::nullopt};
}

void Tracing::meet_process(pid_t pid) {
  Traced process;
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
  tell_born(process);
  threads_[pid] = TracedThread{pid, std::nullopt};
  set_breakpoint(processes_[pid] = std::move(process));
}

void Tracing::tell_born(const Traced& process) {
  json fields = identity_of(process);
  fields["parent"] = process.parent;
  fields["lineage"] = process.lineage;
  post("born", std::move(fields));
}

void Tracing::go_on(pid_t tid, int signal) {
  const bool awaited = threads_.count(tid) > 0 && threads_[tid].call.has_value();
  const bool steps = steps_ && steps_->tid == tid;
  ::ptrace(steps ? PTRACE_SINGLESTEP : (awaited ? PTRACE_SYSCALL : PTRACE_CONT), tid, nullptr,
           signal);
}

void Tracing::on_stop(pid_t tid, int code) {
  const int event = code >> 8;
  const int signal = code & 0xff;
  Traced& process = process_of(tid);
  if (process.frozen && event != kEventStop) return;  // it stays stopped
  if (event == PTRACE_EVENT_SECCOMP) return on_call(tid);
  if (event == PTRACE_EVENT_EXEC) return on_exec(tid);
  if (event == kEventStop && signal != SIGTRAP) {  // a group stop: it stays stopped until SIGCONT
    ::ptrace(PTRACE_LISTEN, tid, nullptr, 0);
    return;
  }
  if (event != 0) return go_on(tid);
  if (code == kReturned) return on_return(tid);
  if (signal == SIGTRAP && steps_ && steps_->tid == tid) return on_step(tid);
  if (signal == SIGTRAP && ran_into_breakpoint(tid)) return begin_steps(tid);
  go_on(tid, signal);
}

void Tracing::on_exec(pid_t tid) {
  Traced& process = process_of(tid);
  const std::string arguments =
      read_file("/proc/" + std::to_string(process.who.pid) + "/cmdline", 4096).text;
  if (process.lineage != "adapter")
    process.lineage = lineage_of_exec(process.parent_lineage, arguments);
  process.life.on_exec();
  TracedThread& thread = threads_.at(tid);
  std::optional<TracedCall> call = std::exchange(thread.call, std::nullopt);
  tell_born(process);
  if (call && call->told) tell_call(tid, process, *call, 0);
  if (call && call->to_strike && !strike(tid, process, *call, 0)) return;
  set_breakpoint(process);
  go_on(tid);
}

void Tracing::on_end(const siginfo_t& end) {
  if (steps_ && steps_->tid == end.si_pid) end_steps();
  breakpoints_.erase(end.si_pid);
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

void live_as_tracer(const TracerOptions& options, Fd socket) {
  Tracing(options, std::move(socket)).live();
}

}  // namespace poolproof::faults
