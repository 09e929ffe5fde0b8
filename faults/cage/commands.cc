// What the keeper does for each command of the harness: start, answer, signal, snapshot, end.
#include <signal.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <filesystem>

#include "faults/cage/adapter.h"
#include "faults/cage/heal.h"
#include "faults/cage/keeper.h"
#include "faults/cage/rest.h"
#include "faults/cage/snapshot.h"
#include "faults/cage/syscall.h"
#include "faults/fault.h"

namespace poolproof::faults {

using nlohmann::json;

void KeeperLoop::on_command(const json& command) {
  const std::string cmd = command.at("cmd");
  if (cmd == "env") return take_env(command.at("env"));
  if (cmd == "start") return start(command);
  if (cmd == "signal-group" && adapter_.pid != 0) return signal_group(command.at("signal"));
  if (cmd == "signal") return signal(command);
  if (cmd == "ping") return outbox_.post("pong", {{"n", command.at("n")}});
  if (cmd == "activity") return activity(command.at("n"));
  if (cmd == "mark" && tracer_) return tracer_->mark(command.at("word"));
  if (cmd == "end") return heal();
  if (takes_to_limiter(command)) return;
  if (cmd == "snapshot" && adapter_.pid != 0) return snapshot(command.at("snap"));
  if (cmd == "answer" && rendezvous_) {
    const int conn = command.at("conn");
    const std::string error = rendezvous_->answer(conn, command.at("do"));
    if (!error.empty()) outbox_.post("refused", {{"cmd", cmd}, {"conn", conn}, {"why", error}});
    return;
  }
  outbox_.post("refused", {{"cmd", cmd}, {"why", started_ ? "unknown command" : "not started"}});
}

void KeeperLoop::take_env(const json& env) {
  for (const auto& [name, value] : env.items())
    if (name != "TMPDIR") command_.env.push_back(name + "=" + value.get<std::string>());
}

void KeeperLoop::start(const json& command) {
  if (started_) return outbox_.post("refused", {{"cmd", "start"}, {"why", "started already"}});
  started_ = true;
  command_.argv = command.at("argv").get<std::vector<std::string>>();
  command_.cwd = command.at("cwd");
  if (command_.cwd.empty()) command_.cwd = "/";
  take_env(command.at("env"));
  try {
    arm_deadline(command.at("deadline_ms"));
    if (standing_.containment == Containment::kPidNamespace)
      places_ = make_places_private(texts_of(command_));
    groups_.begin();
    make_folder();
    command_.env.push_back("TMPDIR=" + tmp_);
    if (const auto trace = command.find("trace"); trace != command.end()) start_tracer(*trace);
    const pid_t pid = start_adapter(command_, kLineFd, kErrorsFd, [this](pid_t adapter) {
      if (tracer_) tracer_->seize(adapter);
    });
    const auto stat = read_stat(pid);
    if (!stat) throw std::runtime_error("the adapter vanished from /proc");
    adapter_ = stat->identity();
    listen_to(Source::kPid, pid, watch_.add(adapter_, open_pidfd(pid), true), EPOLLIN);
  } catch (const std::exception& failure) {
    outbox_.post("failed", {{"why", failure.what()}});
  }
  ::close(kLineFd);  // only the adapter's copies are left, so that the harness sees their EOF
  ::close(kErrorsFd);
  if (adapter_.pid == 0) return;
  std::string why = standing_.why;
  if (!places_.why.empty()) why += (why.empty() ? "" : "; ") + places_.why;
  json ready = {
      {"mode", standing_.containment == Containment::kPidNamespace ? "pid-namespace" : "subreaper"},
      {"mounts", places_.are_private},
      {"why", why},
      {"ledger", folder_ + "/ledger"},
      {"rendezvous", folder_ + "/meet"},
      {"tmp", tmp_},
      {"adapter", {{"pid", adapter_.pid}, {"start", adapter_.start}}}};
  if (tracer_) ready["tracer"] = tracer_->pid();
  outbox_.post("ready", std::move(ready));
}

void KeeperLoop::start_tracer(const json& trace) {
  TracerOptions options;
  options.trace = trace.get<Trace>();
  options.ledger = folder_ + "/ledger";
  options.errors = link_target("/proc/self/fd/" + std::to_string(kErrorsFd));
  auto calls = options.trace.calls;
  calls.emplace_back("write");  // ledger lines show the part of its life a process is in
  command_.filter = filter_for(calls);
  tracer_ = std::make_unique<Tracer>(options);
  listen_to(Source::kTracer, 0, tracer_->fd(), EPOLLIN);
}

void KeeperLoop::make_folder() {
  std::string pattern = "/tmp/poolproof-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw CallFailed("mkdtemp " + pattern);
  folder_ = pattern;
  if (!places_.are_private) tell(standing_.tie, kTieFolder + folder_);
  tmp_ = folder_ + "/tmp";
  checked(::mkdir(tmp_.c_str(), 0700), "mkdir " + tmp_);
  ledger_.emplace(folder_ + "/ledger");
  rendezvous_.emplace(folder_ + "/meet");
  listen_to(Source::kLedger, 0, ledger_->fd(), EPOLLIN);
  listen_to(Source::kMeeting, 0, rendezvous_->fd(), EPOLLIN);
}

void KeeperLoop::arm_deadline(long long ms) {
  itimerspec until{};
  until.it_value.tv_sec = ms / 1000;
  until.it_value.tv_nsec = ms % 1000 * 1'000'000;
  if (ms <= 0) until.it_value.tv_nsec = 1;  // zero would switch it off
  checked(::timerfd_settime(deadline_.get(), 0, &until, nullptr), "timerfd_settime");
  tell(standing_.tie, kTieDeadline + std::to_string(ms));
}

void KeeperLoop::signal(const json& command) {
  Identity who{command.at("pid"), command.at("start")};
  const std::string name = command.at("signal");
  if (who.pid == 0) who = adapter_;
  std::string error;
  const auto number = parse_signal(name);
  if (!number) {
    error = "EINVAL no such signal: " + name;
  } else if (who.pid <= 0) {
    error = "ESRCH there is no adapter";
  } else {
    watch_from_now_on(who);  // its exit is the second half of the receipt
    error = watch_.send(who, *number);
  }
  outbox_.post("signalled",
               {{"pid", who.pid}, {"start", who.start}, {"signal", name}, {"error", error}});
}

void KeeperLoop::watch_from_now_on(const Identity& who) {
  Fd pidfd;
  if (watch_.knows(who) || !(pidfd = open_pidfd(who.pid))) return;
  const auto stat = read_stat(who.pid);
  if (stat && stat->identity() == who && stat->alive() && still_there(pidfd.get()))
    listen_to(Source::kPid, who.pid, watch_.add(who, std::move(pidfd)), EPOLLIN);
}

// The adapter leads its own process group. Each process that it started is in the group, unless it
// moved out.
void KeeperLoop::signal_group(const std::string& name) {
  std::string error;
  const auto number = parse_signal(name);
  if (!number) error = "EINVAL no such signal: " + name;
  if (number && ::kill(-adapter_.pid, *number) != 0) error = errno_text(errno);
  outbox_.post("signalled", {{"pid", adapter_.pid},
                             {"start", adapter_.start},
                             {"signal", name},
                             {"group", true},
                             {"error", error}});
}

void KeeperLoop::snapshot(int number) {
  int count = 0;
  for (const Stat& process : processes_inside(standing_.containment)) {
    if (tracer_ && process.pid == tracer_->pid()) continue;
    groups_.look_at(process.pid);
    json picture = picture_of(process);
    picture["snap"] = number;
    outbox_.post("process", std::move(picture));
    ++count;
  }
  outbox_.post("snapshot", {{"snap", number},
                            {"count", count},
                            {"shm", shared_memory_names(places_)},
                            {"files", file_paths(places_, folder_, tmp_)},
                            {"groups", groups_.left()}});
}

void KeeperLoop::activity(int number) {
  const int spared = tracer_ ? tracer_->pid() : 0;
  const std::vector<ThreadMoves> moves = moves_inside(standing_.containment, spared);
  // A process at the rendezvous also sleeps, but we can wake it.
  const bool rests = !(rendezvous_ && rendezvous_->owes_an_answer()) &&
                     all_sleep_since(moves, standing_.containment, spared);
  json threads = json::array();
  for (const ThreadMoves& thread : moves)
    if (thread.process != adapter_.pid)
      threads.push_back({thread.tid, std::string(1, thread.state), thread.switches});
  outbox_.post("activity", {{"n", number}, {"threads", std::move(threads)}, {"rests", rests}});
}

void KeeperLoop::heal() {
  over_ = true;
  json killed = json::array();
  Identity tracer;
  if (const auto stat = tracer_ ? read_stat(tracer_->pid()) : std::nullopt)
    tracer = stat->identity();
  for (const Killed& each : kill_everything(standing_.containment, watch_, tracer)) {
    json entry = {{"pid", each.who.pid}, {"name", each.name}};
    if (!each.error.empty()) entry["error"] = each.error;
    killed.push_back(std::move(entry));
  }
  if (ledger_) take_ledger(Ledger::Take::kAllThatCanWait);
  if (tracer_) take_traced();
  tracer_.reset();
  limits_.remove();
  remove_folder();
  outbox_.post("healed", {{"killed", std::move(killed)}});
}

void KeeperLoop::remove_folder() {
  if (folder_.empty()) return;
  std::error_code error;  // the guard tries again; what cannot be removed does no harm
  std::filesystem::remove_all(folder_, error);
}

}  // namespace poolproof::faults
