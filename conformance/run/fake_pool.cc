// What the pool of FakeOutside does: it runs tasks in workers, replaces a dead worker or breaks,
// and closes as it is told.
#include <utility>

#include "conformance/run/fake_outside.h"

namespace poolproof::conformance {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

std::string cause_of(const json& status) {
  if (status.contains("signal")) return "signal:" + status["signal"].get<std::string>();
  return "exit:" + std::to_string(status["code"].get<int>());
}

json value_of(const json& command) {
  const json& args = command.at("args");
  if (command.at("body") == "large") return {{"length", args.at("bytes")}};
  return args.value("value", json());
}

}  // namespace

void FakeOutside::open(const json& command) {
  pool_open_ = true;
  broken_ = false;
  workers_wanted_ = command.at("workers");
  for (int i = 0; i < workers_wanted_; ++i) spawn_worker();
  adapter_says({{"event", "opened"}});
}

void FakeOutside::spawn_worker() {
  workers_.insert(++last_pid_);
  ledger("init", "", last_pid_);
}

void FakeOutside::submit(const json& command) {
  const json& args = command.at("args");
  Task task{.id = command.at("id"),
            .body = command.at("body"),
            .stage = args.value("stage", ""),
            .value = value_of(command),
            .on_done = command.value("on_done", json())};
  if (command.contains("deadline_ms")) task.deadline_ms = command["deadline_ms"];
  const std::string id = task.id;
  tasks_.push_back(std::move(task));
  if (!pool_open_ || !closing_.empty()) return settle(id, {{"kind", "shutdown"}});
  if (broken_) return settle(id, {{"kind", "pool-broken"}});
  if (tasks_.back().stage == "encode-args") {
    tasks_.back().worker = kAdapter;
    return meets(id, "encode-args", kAdapter);
  }
  hand_out();
}

void FakeOutside::hand_out() {
  std::set<int> idle = workers_;
  for (const Task& task : tasks_) idle.erase(task.worker);
  for (Task& task : tasks_) {
    if (idle.empty()) return;
    if (task.worker != 0) continue;
    task.worker = *idle.begin();
    idle.erase(idle.begin());
    at(kSoon, [this, id = task.id, pid = task.worker] {
      Task* found = find(id);
      if (found != nullptr && found->worker == pid) begin(*found);
    });
  }
}

void FakeOutside::begin(Task& task) {
  if (task.deadline_ms) {
    at(std::chrono::milliseconds(*task.deadline_ms), [this, id = task.id, pid = task.worker] {
      if (find(id) == nullptr || workers_.count(pid) == 0) return;
      settle(id, {{"kind", "deadline"}, {"cause", "deadline"}, {"blame", {{"pid", pid}}}});
      kill_worker(pid, {{"signal", "KILL"}, {"core", false}});
    });
  }
  if (task.stage == "decode-args") return meets(task.id, "decode-args", task.worker);
  body(task);
}

void FakeOutside::body(Task& task) {
  ledger("start", task.id, task.worker);
  if (task.body == "rendezvous" || task.body == "large")
    return meets(task.id, "running", task.worker);
  return_value(task);
}

void FakeOutside::meets(const std::string& task, const std::string& point, int pid) {
  const int conn = ++last_conn_;
  meetings_[conn] = {task, point, pid};
  cage_says("met",
            {{"conn", conn}, {"pid", pid}, {"start", 1000 + pid}, {"task", task}, {"point", point}},
            task);
}

// The order `go`.
void FakeOutside::go_on(const std::string& id, const std::string& point) {
  Task* task = find(id);
  if (task == nullptr) return;  // after its done-callback
  if (point == "encode-args") {
    task->worker = 0;
    return hand_out();
  }
  if (point == "decode-args") return body(*task);
  if (point == "running") return return_value(*task);
  task->stage = "";  // the result has been encoded, or decoded
  return_value(*task);
}

void FakeOutside::obey(const std::string& id, const std::string& point, int pid,
                       const json& order) {
  const std::string what = order.at("do");
  if (what == "go") return go_on(id, point);
  if (what == "exit") return kill_worker(pid, {{"code", order.at("code")}});
  if (what == "raise") return kill_worker(pid, {{"signal", order.at("signal")}, {"core", false}});
  if (what == "loop" || what == "sleep") return;
  const std::string kind = limited_.count(pid) > 0 ? limited_[pid] : "";
  if (what == "exhaust" && kind == "memory") {
    cage_says("limit-seen", {{"limit", limits_.back()},
                             {"what", kind},
                             {"pid", pid},
                             {"start", 1000 + pid},
                             {"before", {{"oom_kill", 0}}},
                             {"now", {{"oom_kill", 1}}}});
    return kill_worker(pid, {{"signal", "KILL"}, {"core", false}});
  }
  if (what == "fork") {
    children_.insert(++last_pid_);
    ledger("struck", id, pid, last_pid_);
    return meets(id, point, pid);
  }
  ledger("struck", id, pid);
  if (what == "close-fds" || what == "garbage") return kill_worker(pid, {{"code", 1}});
  if (point == "callback") return;  // it throws into the pool, which goes on
  settle(id, {{"kind", point == "running" ? "task-error" : point},
              {"cause", "none"},
              {"native", {{"type", "Error"}, {"text", "thrown because the scenario says so"}}}});
  hand_out();
  close_if_done();
}

void FakeOutside::return_value(Task& task) {
  if (task.stage == "encode-result" || task.stage == "decode-result") {
    if (task.stage == "encode-result") ledger("end", task.id, task.worker);
    return meets(task.id, task.stage, task.stage == "encode-result" ? task.worker : kAdapter);
  }
  if (!std::exchange(task.sending, true)) ledger("end", task.id, task.worker);
  if (adapter_stopped_) return;  // the result is larger than any buffer
  settle(task.id, {{"kind", "value"}, {"value", task.value}});
  hand_out();
  close_if_done();
}

void FakeOutside::settle(std::string id, json outcome) {
  const Task task = *find(id);
  std::erase_if(tasks_, [&](const Task& each) { return each.id == id; });
  adapter_says({{"event", "settled"}, {"id", id}, {"outcome", std::move(outcome)}});
  if (!task.on_done.is_object()) return;
  if (task.on_done.at("do") == "meet") return meets(task.id, "callback", kAdapter);
  at(kSoon, [this, next = task.on_done] { submit(next); });
}

void FakeOutside::kill_worker(int pid, const json& status) {
  tell_exit(pid, status);
  if (workers_.erase(pid) == 0) return;
  if (!pool_open_) return;
  for (const Task& task : std::list(tasks_))
    if (task.worker == pid) lose(task.id, cause_of(status), pid);
  if (facts.recovers != scenarios::Recovery::kReplaces && status != json{{"code", 0}})
    return break_pool(cause_of(status), pid);
  if (static_cast<int>(workers_.size()) < workers_wanted_) spawn_worker();
  hand_out();
  close_if_done();
}

void FakeOutside::lose(const std::string& id, const std::string& cause, int pid) {
  const bool replaces = facts.recovers == scenarios::Recovery::kReplaces;
  settle(id, {{"kind", replaces ? "worker-lost" : "pool-broken"},
              {"cause", cause},
              {"intent", "unplanned"},
              {"certainty", "unknown"},
              {"scope", replaces ? "worker" : "pool"},
              {"blame", {{"pid", pid}, {"task", id}}}});
}

void FakeOutside::break_pool(const std::string& cause, int pid) {
  for (const Task& task : std::list(tasks_)) lose(task.id, cause, pid);
  broken_ = facts.recovers == scenarios::Recovery::kBreaks;
  if (broken_) workers_wanted_ = 0;
  const std::set<int> others = std::exchange(workers_, {});
  at(kSoon, [this, others] {  // by then, all that are struck together are dead
    for (const int other : others) tell_exit(other, {{"signal", "TERM"}, {"core", false}});
  });
  if (!broken_)
    for (int i = 0; i < workers_wanted_; ++i) spawn_worker();
  close_if_done();
}

// Once for each process.
void FakeOutside::tell_exit(int pid, const json& status) {
  if (!exits_told_.insert(pid).second) return;
  for (const auto& [conn, meeting] : meetings_)
    if (meeting.pid == pid)
      cage_says("left", {{"conn", conn}, {"pid", pid}, {"read", false}}, meeting.task);
  cage_says("exit",
            {{"pid", pid},
             {"start", 1000 + pid},
             {"status", status},
             {"adapter", pid == kAdapter},
             {"source", "pidfd"}},
            std::to_string(pid));
}

void FakeOutside::cancel(const std::string& id) {
  if (const Task* task = find(id); task != nullptr && task->worker == 0)
    settle(id, {{"kind", "cancelled"}, {"cause", "none"}});
}

void FakeOutside::resize(int workers) {
  workers_wanted_ = workers;
  while (static_cast<int>(workers_.size()) < workers) spawn_worker();
  adapter_says({{"event", "resized"}});
  hand_out();
}

void FakeOutside::close(const std::string& how) {
  closing_ = how;
  if (how != "drain")
    for (const Task& task : std::list(tasks_))
      if (task.worker == 0 || how == "kill") settle(task.id, {{"kind", "cancelled"}});
  close_if_done();
}

void FakeOutside::close_if_done() {
  if (closing_.empty() || !tasks_.empty()) return;
  closing_ = "";
  pool_open_ = false;
  workers_wanted_ = 0;
  for (const int pid : std::set(workers_)) kill_worker(pid, {{"code", 0}});
  adapter_says({{"event", "closed"}}, 2 * kSoon);
}

void FakeOutside::bye() {
  for (const int pid : std::set(workers_)) kill_worker(pid, {{"signal", "KILL"}, {"core", false}});
  adapter_ends({{"code", 0}});
}

void FakeOutside::ledger(const std::string& ev, const std::string& task, int pid, int child) {
  json entry = {{"ev", ev}, {"pid", pid}, {"t_ns", (now_.time_since_epoch() / 1ns)}};
  if (!task.empty()) entry["task"] = task;
  if (child != 0) entry["child"] = child;
  cage_says("ledger", {{"entry", std::move(entry)}}, ev + " " + task);
}

FakeOutside::Task* FakeOutside::find(const std::string& id) {
  for (Task& task : tasks_)
    if (task.id == id) return &task;
  return nullptr;
}

}  // namespace poolproof::conformance
