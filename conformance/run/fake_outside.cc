#include "conformance/run/fake_outside.h"

#include <utility>

namespace poolproof::conformance {

using nlohmann::json;

FakeOutside::FakeOutside(scenarios::Recovery recovers) {
  facts = {.pool = "fake",
           .version = "1",
           .capabilities = {"worker_processes", "arguments_cross", "results_cross", "task_deadline",
                            "cancel", "done_callback", "initializer", "recycles", "resize",
                            "close_drain", "close_cancel", "close_kill"},
           .recovers = recovers,
           .longest_wait_s = 0.1,
           .longest_wait_source = "its own source"};
  cage_says("ready", {{"mode", "pid-namespace"},
                      {"mounts", true},
                      {"why", ""},
                      {"ledger", "/tmp/a/ledger"},
                      {"rendezvous", "/tmp/a/meet"},
                      {"tmp", "/tmp/a"},
                      {"adapter", {{"pid", kAdapter}, {"start", 1000 + kAdapter}}}});
  at(kSoon, [this] {
    adapter_says({{"event", "hello"},
                  {"protocol", 1},
                  {"pool", facts.pool},
                  {"version", facts.version},
                  {"language", "C++"},
                  {"capabilities", facts.capabilities},
                  {"recovers", scenarios::to_string(facts.recovers)},
                  {"longest_wait",
                   {{"seconds", facts.longest_wait_s}, {"source", facts.longest_wait_source}}}});
  });
}

void FakeOutside::at(Clock::duration from_now, std::function<void()> what) {
  agenda_.emplace(now_ + from_now, std::move(what));
}

void FakeOutside::event(const std::string& name, Event event, Clock::duration after) {
  const std::string first = name.substr(0, name.find(' '));
  for (const std::string& each : {name, first})
    if (const auto found = late.find(each); found != late.end()) {
      after += found->second;
      break;
    }
  at(after, [this, name, first, event = std::move(event)] {
    if (lost.count(name) + lost.count(first) == 0) coming_.push_back(event);
  });
}

void FakeOutside::adapter_says(json message, Clock::duration after) {
  if (!adapter_alive_) return;
  const std::string id = message.value("id", "");
  const std::string name = message.value("event", "") + (id.empty() ? "" : " " + id);
  AdapterLine::Received received;
  received.text = message.dump();
  received.message = std::move(message);
  event(name, AdapterSaid{std::move(received)}, after);
}

void FakeOutside::cage_says(const std::string& ev, json fields, const std::string& about,
                            Clock::duration after) {
  fields["ev"] = ev;
  fields["t_ns"] = (now_ + after).time_since_epoch() / std::chrono::nanoseconds(1);
  event(about.empty() ? ev : ev + " " + about, CageSaid{std::move(fields)}, after);
}

void FakeOutside::adapter_ends(const json& status) {
  if (!std::exchange(adapter_alive_, false)) return;
  tell_exit(kAdapter, status);
  event("line", LineEnded{}, 2 * kSoon);
  tasks_.clear();
  pool_open_ = false;
  for (const int pid : std::set(workers_)) kill_worker(pid, {{"signal", "KILL"}, {"core", false}});
}

std::vector<Event> FakeOutside::next(Clock::time_point limit) {
  if (agenda_.empty() || agenda_.begin()->first > limit) {
    now_ = std::max(now_, limit);
    return {};
  }
  now_ = std::max(now_, agenda_.begin()->first);
  while (!agenda_.empty() && agenda_.begin()->first <= now_) {
    const auto first = agenda_.extract(agenda_.begin());
    first.mapped()();
  }
  return std::exchange(coming_, {});
}

void FakeOutside::note(std::string command) {
  if (on_command) on_command(command);
  commands_.push_back(std::move(command));
}

void FakeOutside::send(const json& command) {
  const std::string cmd = command.at("cmd");
  const std::string more = command.value("id", command.value("how", ""));
  note(cmd + (more.empty() ? "" : " " + more));
  read_at_ = now_ + adapter_reads_after;
  at(adapter_reads_after, [this, cmd, command] {
    if (!adapter_alive_) return;
    if (cmd == "open") open(command);
    if (cmd == "submit") submit(command);
    if (cmd == "cancel") cancel(command.at("id"));
    if (cmd == "resize") resize(command.at("workers"));
    if (cmd == "close") close(command.at("how"));
    if (cmd == "bye") bye();
  });
}

void FakeOutside::answer(int conn, const json& what_to_do) {
  const Meeting meeting = meetings_.at(conn);
  note("answer " + meeting.task + " " + what_to_do.at("do").get<std::string>());
  cage_says("left", {{"conn", conn}, {"pid", meeting.pid}, {"read", true}}, meeting.task);
  at(kSoon, [this, meeting, what_to_do] {
    const bool alive = meeting.pid == kAdapter ? adapter_alive_ : workers_.count(meeting.pid) > 0;
    if (alive) obey(meeting.task, meeting.point, meeting.pid, what_to_do);
  });
}

void FakeOutside::signal(Identity process, const std::string& signal) {
  const bool adapter = process.pid == 0 || process.pid == kAdapter;
  note("signal " + std::to_string(process.pid) + " " + signal);
  cage_says("signalled",
            {{"pid", process.pid}, {"start", process.start}, {"signal", signal}, {"error", ""}});
  if (signal == "STOP" || signal == "CONT") {
    if (!adapter) return;
    adapter_stopped_ = signal == "STOP";
    std::vector<std::string> sent;
    for (const Task& task : tasks_)
      if (task.sending) sent.push_back(task.id);
    if (!adapter_stopped_)
      for (const std::string& id : sent) return_value(*find(id));
    return;
  }
  const json status = {{"signal", signal}, {"core", false}};
  at(kSoon, [this, process, adapter, status] {
    adapter ? adapter_ends(status) : kill_worker(process.pid, status);
  });
}

void FakeOutside::signal_group(const std::string& signal) {
  note("signal-group " + signal);
  cage_says("signalled", {{"pid", kAdapter},
                          {"start", 1000 + kAdapter},
                          {"signal", signal},
                          {"group", true},
                          {"error", ""}});
  at(kSoon, [this, signal] { adapter_ends({{"signal", signal}, {"core", false}}); });
}

void FakeOutside::limit(int number, Identity process, const std::string& what, bool room) {
  note("limit " + what);
  const bool possible = no_limits.count(what) == 0;
  if (possible && process.pid != 0) limited_[process.pid] = what;
  limits_.push_back(number);
  cage_says("limited", {{"limit", number},
                        {"what", what},
                        {"pid", process.pid == 0 ? kAdapter : process.pid},
                        {"start", process.pid == 0 ? 1000 + kAdapter : process.start},
                        {"all", !room},
                        {"by", "a fake"},
                        {"amount", 1 << 20},
                        {"error", possible ? "" : "EPERM"}});
}

void FakeOutside::lift() {
  note("lift");
  cage_says("lifted", {{"limits", limits_}, {"error", ""}});
}

void FakeOutside::snapshot(int number) {
  note("snapshot");
  int count = 0;
  const auto process = [&](int pid, int threads) {
    json all = json::array();
    for (int i = 0; i < threads; ++i)
      all.push_back({{"tid", pid + 100 * i}, {"state", "S"}, {"wait", "read"}, {"switches", 1}});
    cage_says("process", {{"snap", number},
                          {"pid", pid},
                          {"ppid", pid == kAdapter ? 1 : kAdapter},
                          {"start", 1000 + pid},
                          {"state", "S"},
                          {"name", pid == kAdapter ? "adapter" : "worker"},
                          {"command", pid == kAdapter ? "adapter" : "worker"},
                          {"cpu_ticks", cpu_ticks},
                          {"io_bytes", io_bytes},
                          {"threads", all},
                          {"fds", {{{"fd", 3}, {"to", "socket:[1]"}, {"mode", "rw"}}}}});
    ++count;
  };
  if (adapter_alive_) process(kAdapter, 1 + more_threads);
  for (const int pid : workers_) process(pid, 1);
  for (const int pid : children_) process(pid, 1);
  cage_says("snapshot", {{"snap", number},
                         {"count", count},
                         {"shm", json::array()},
                         {"files", json::array()},
                         {"groups", json::array()}});
}

void FakeOutside::activity(int number) {
  cage_says("activity", {{"n", number}, {"threads", json::array()}, {"rests", rests()}});
}

void FakeOutside::ping(int number) { cage_says("pong", {{"n", number}}, "", ping_takes); }

void FakeOutside::mark(const std::string& word) {
  note("mark " + word);
  cage_says("marked", {{"word", word}}, word);
}

void FakeOutside::end() {
  note("end");
  cage_says("healed", {{"killed", json::array()}});
  event("gone", CageGone{"the cage has ended"}, 2 * kSoon);
  event("stderr", StderrEnded{}, 2 * kSoon);
}

std::optional<Outside::HangAnswer> FakeOutside::examine(bool names_are_private,
                                                        const std::function<bool()>& pause) {
  ++questions;
  if (on_question) on_question();
  if (!names_are_private || !pause()) return std::nullopt;
  HangAnswer answer;
  answer.line = "socket:[1]";
  answer.examination.proof.verdict = proof;
  answer.examination.proof.reason = "the test says so";
  if (longest_time_limit.count() > 0) {
    hang::ThreadLook thread;
    thread.wait.timed = true;
    thread.wait.left = longest_time_limit;
    answer.examination.look.processes.emplace_back().threads.push_back(thread);
  }
  return answer;
}

}  // namespace poolproof::conformance
