#include "conformance/sweep/staged_recording.h"

#include <algorithm>

namespace poolproof::conformance::sweep::staged {
namespace {

using nlohmann::json;

constexpr char kFork[] = "adapter>fork";
constexpr char kWorker[] = "adapter>fork>exec:worker #";

class Stage {
 public:
  void born(int pid, const char* lineage) {
    add("born", {{"pid", pid}, {"start", 1000 + pid}, {"parent", 10}, {"lineage", lineage}});
  }
  void call(int pid, const char* lineage, const char* at, int bytes, bool returns = true) {
    json fields = {
        {"pid", pid}, {"start", 1000 + pid}, {"tid", pid}, {"lineage", lineage}, {"at", at},
        {"fd", 3},    {"to", "pipe:[7]"}};
    if (bytes > 0) fields["bytes"] = bytes;
    if (returns) fields["result"] = bytes;
    add("call", fields);
  }
  void body(const char* ev, const char* task, int pid) {
    add("ledger", {{"entry", {{"ev", ev}, {"task", task}, {"pid", pid}, {"t_ns", 1}}}});
  }
  std::vector<Observation> lines;

 private:
  void add(const char* kind, json fields) {
    Observation line;
    line.seq = line.t_ns = static_cast<std::int64_t>(lines.size()) + 1;
    line.attempt = 1;
    line.kind = kind;
    line.fields = std::move(fields);
    lines.push_back(std::move(line));
  }
};

}  // namespace

std::vector<Observation> run_of_a_forking_pool() {
  Stage stage;
  stage.body("start", "t1", 11);  // of the round without a trace
  for (const int pid : {21, 22}) {
    stage.born(pid, kFork);
    stage.call(pid, kFork, "read:pipe#1 in start", 4);
    stage.body("start", "t3", pid);
    stage.body("end", "t3", pid);
    stage.call(pid, kFork, "write:pipe#1 in after-1", 4);
    stage.call(pid, kFork, "write:pipe#2 in after-1", pid == 21 ? 200 : 300);
    stage.call(pid, kFork, "exit_group:-#1 in shutdown", 0, false);
  }
  return stage.lines;
}

std::vector<Observation> run_of_a_recycling_pool() {
  Stage stage;
  for (const int pid : {21, 22, 23}) {
    stage.born(pid, kFork);
    stage.call(pid, kFork, "read:pipe#1 in start", 4);
    stage.body("start", "t3", pid);
    stage.body("end", "t3", pid);
    stage.call(pid, kFork, "write:pipe#1 in after-1", 200);
    stage.call(pid, kFork, "close:pipe#1 in after-1", 0);
    stage.call(pid, kFork, "exit_group:-#1 in after-1", 0, false);
  }
  return stage.lines;
}

std::vector<Observation> run_of_a_spawning_pool() {
  Stage stage;
  stage.born(30, kFork);
  stage.born(30, "adapter>fork>exec:tracker");
  stage.call(30, "adapter>fork>exec:tracker", "write:pipe#9 in start", 1);
  stage.born(31, kFork);
  stage.born(31, kWorker);
  stage.call(31, kWorker, "execve:-#1 in start", 0);  // reported when it has returned
  stage.call(31, kWorker, "read:socket#1 in start", 64);
  stage.body("start", "t3", 31);
  stage.body("end", "t3", 31);
  stage.call(31, kWorker, "write:socket#1 in after-1", 64);
  stage.call(31, kWorker, "exit_group:-#1 in shutdown", 0, false);
  return stage.lines;
}

void go_on(std::vector<Observation>& run, int pid) {
  Stage stage;
  stage.call(pid, kFork, "read:pipe#1 in after-1", 4);
  stage.body("start", "t4", pid);
  stage.body("end", "t4", pid);
  stage.call(pid, kFork, "write:pipe#1 in after-2", 4);
  const auto end = std::find_if(run.begin(), run.end(), [&](const Observation& line) {
    return line.fields.value("at", "") == "exit_group:-#1 in shutdown" &&
           line.fields.at("pid") == pid;
  });
  for (Observation& line : stage.lines) line.t_ns += end->t_ns;
  run.insert(end, stage.lines.begin(), stage.lines.end());
}

void probe_before_going_on(std::vector<Observation>& run) {
  Observation plan, sent;
  plan.kind = "plan";
  plan.fields = {{"plan", {{"tasks", {{{"id", "t4"}, {"role", "probe"}}}}}}};
  sent.kind = "sent";
  sent.fields = {{"message", {{"cmd", "submit"}, {"id", "t4"}}}};
  const auto second = std::find_if(run.begin(), run.end(), [](const Observation& line) {
    return line.fields.value("at", "") == "read:pipe#1 in after-1";
  });
  sent.t_ns = second->t_ns;
  run.insert(second, sent);
  run.insert(run.begin(), plan);
}

void drop_calls(std::vector<Observation>& run, const std::string& at) {
  std::erase_if(run, [&](const Observation& line) {
    return line.kind == "call" && line.fields.at("at") == at;
  });
}

}  // namespace poolproof::conformance::sweep::staged
