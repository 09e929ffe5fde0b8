#include "reports/staged_record.h"

#include "reports/staged_cells.h"

namespace poolproof::reports::staged {
namespace {

using conformance::Observation;
using nlohmann::json;

constexpr const char* kPlan = R"({
  "scenario": "death/killed_while_running",
  "claim": "A task whose worker is killed ends with an error that says so.",
  "workers": 2,
  "tasks": [
    {"id": "t1", "role": "warm-up", "body": "rendezvous"},
    {"id": "t2", "role": "warm-up", "body": "rendezvous"},
    {"id": "t5", "role": "victim", "body": "rendezvous", "deadline_ms": 1500},
    {"id": "t6", "role": "bystander", "body": "echo"},
    {"id": "t7", "role": "bystander", "body": "echo"},
    {"id": "t8", "role": "bystander", "body": "echo"},
    {"id": "t9", "role": "probe", "body": "echo"}],
  "faults": [{"effect": "kill", "nth": 1, "point": "running", "role": "victim", "target": "worker"}],
  "steps": [
    {"kind": "open"}, {"kind": "warm-up", "tasks": ["t1", "t2"]}, {"kind": "close", "how": "drain"},
    {"kind": "open"}, {"kind": "submit", "tasks": ["t5", "t6", "t7", "t8"]},
    {"kind": "strike", "fault": 0, "tasks": ["t6", "t7", "t8"]}, {"kind": "await-settled"},
    {"kind": "probe", "tasks": ["t9"]}, {"kind": "bye"}],
  "expect": {
    "roles": [{"role": "victim", "within_ms": 3000,
               "outcome": {"one_of": ["worker-lost", "pool-broken"], "level": "must"},
               "cause": {"one_of": ["signal:KILL"], "level": "should"}}],
    "after": {"one_of": ["usable"], "level": "must"},
    "leftovers": {"one_of": ["none"], "level": "must"},
    "closes_within_ms": 2500}})";

void step(std::vector<Observation>& lines, int index, const char* state, double at_ms) {
  lines.push_back(line("step", {{"index", index}, {"state", state}}, at_ms));
}

json thread(int tid, const char* wait) { return {{"tid", tid}, {"state", "S"}, {"wait", wait}}; }

json started(const char* task, int pid, const char* ev) {
  return {{"entry", {{"ev", ev}, {"task", task}, {"pid", pid}, {"t_ns", 1}}}};
}

json submit(const char* task) { return {{"message", {{"cmd", "submit"}, {"id", task}}}}; }

}  // namespace

Observation line(const std::string& kind, json fields, double at_ms) {
  Observation made;
  made.t_ns = static_cast<std::int64_t>(at_ms * 1e6);
  made.run = "multiprocessing_pool:death/killed_while_running";
  made.attempt = 1;
  made.kind = kind;
  made.fields = std::move(fields);
  return made;
}

std::vector<Observation> hung_attempt() {
  const json settled = {{"event", "settled"}, {"id", "t6"}, {"outcome", {{"kind", "value"}}}};
  std::vector<Observation> lines = {
      line("plan", {{"plan", json::parse(kPlan)}, {"factor", 1.0}}, 1000),
      line("cage", {{"mode", "pid-namespace"}, {"adapter", {{"pid", 10}, {"start", 500}}}}, 1001),
      line("sent", {{"message", {{"cmd", "open"}, {"workers", 2}}}}, 1002),
      line("sent", {{"message", {{"cmd", "open"}, {"workers", 2}}}}, 1010)};
  step(lines, 4, "begin", 1011);
  lines.push_back(line("sent", submit("t5"), 1012));
  lines.push_back(line("sent", submit("t6"), 1012.5));
  step(lines, 4, "end", 1013);
  lines.push_back(line("ledger", started("t5", 21, "start"), 1014));
  lines.push_back(line("ledger", started("t6", 22, "start"), 1014.5));
  lines.push_back(
      line("met", {{"pid", 21}, {"start", 501}, {"task", "t5"}, {"point", "running"}}, 1015));
  lines.push_back(
      line("told", {{"fault", 0}, {"pid", 21}, {"start", 501}, {"task", "t5"}, {"effect", "kill"}},
           1016));
  lines.push_back(line("exit",
                       {{"pid", 21},
                        {"start", 501},
                        {"status", {{"signal", "KILL"}, {"core", false}}},
                        {"adapter", false}},
                       1017));
  lines.push_back(line("ledger", started("t6", 22, "end"), 1018));
  lines.push_back(line("received", {{"message", settled}}, 1019));
  step(lines, 6, "begin", 1020);
  lines.push_back(line("process",
                       {{"snap", 3},
                        {"pid", 10},
                        {"ppid", 1},
                        {"start", 500},
                        {"state", "S"},
                        {"name", "python"},
                        {"threads", json::array({thread(10, "futex, no time limit"),
                                                 thread(12, "futex, no time limit"),
                                                 thread(14, "read fd 5 pipe:[7]")})}},
                       5000));
  lines.push_back(line(
      "still", {{"before", 2}, {"after", 3}, {"moved", json::array()}, {"since_ns", 1004000000}},
      5001));
  step(lines, 6, "stuck", 5002);
  lines.push_back(line("stderr", {{"bytes", 5}, {"head", "hello"}, {"tail", ""}}, 5003));
  lines.push_back(line("ended", {{"how", "stuck"}, {"why", "a step did not end"}}, 5004));
  return lines;
}

Judged hung_record() {
  Observation header = line("header",
                            {{"version", "0.1.0"},
                             {"argv", {"check", "multiprocessing_pool"}},
                             {"level", "must"},
                             {"repeat", 3},
                             {"machine", {{"kernel", "6.1.0"}, {"cpus", 2}}}},
                            0);
  Observation pool = line("pool",
                          {{"name", "multiprocessing_pool"},
                           {"facts",
                            {{"pool", "multiprocessing.Pool"},
                             {"version", "3.11.2"},
                             {"recovers", "replaces"},
                             {"capabilities", {"worker_processes"}},
                             {"longest_wait_s", 0.1}}}},
                          1);
  header.attempt = pool.attempt = 0;
  header.run = pool.run = "";
  Judged judged;
  judged.cells = {hung_cell()};
  judged.observations = hung_attempt();
  judged.took_ns = judged.observations.back().t_ns;
  judged.observations.insert(judged.observations.begin(), {header, pool});
  return judged;
}

}  // namespace poolproof::reports::staged
