#include "conformance/judge/staged_attempt.h"

namespace poolproof::conformance::staged {
namespace {

using nlohmann::json;
using scenarios::Plan;
using scenarios::Recovery;

constexpr int kAdapter = 10;

class Stage {
 public:
  explicit Stage(const Plan& plan) : plan_(plan) {
    add("plan", {{"plan", plan}, {"factor", 1.0}, {"ping_ns", 100'000}});
    add("cage", {{"mode", "pid-namespace"},
                 {"mounts", true},
                 {"why", ""},
                 {"ledger", "/tmp/a/ledger"},
                 {"rendezvous", "/tmp/a/meet"},
                 {"tmp", "/tmp/a"},
                 {"adapter", {{"pid", kAdapter}, {"start", 1000}}}});
    receive({{"event", "hello"}});
  }

  void add(const std::string& kind, json fields) {
    ++now_ms_;
    lines_.push_back(line(kind, std::move(fields), now_ms_));
  }
  void wait_ms(double ms) { now_ms_ += ms; }
  void send(json message) { add("sent", {{"message", std::move(message)}}); }
  void receive(json message) { add("received", {{"message", std::move(message)}}); }
  void step(const std::function<void()>& body) {
    add("step", {{"index", step_}, {"state", "begin"}});
    body();
    add("step", {{"index", step_}, {"state", "end"}});
    ++step_;
  }

  void open() {
    send({{"cmd", "open"}, {"workers", 2}});
    receive({{"event", "opened"}});
  }
  void submit(const std::string& task) {
    send({{"cmd", "submit"}, {"id", task}, {"body", "rendezvous"}, {"args", json::object()}});
  }
  void settle(const std::string& task, json outcome) {
    receive({{"event", "settled"}, {"id", task}, {"outcome", std::move(outcome)}});
  }
  void settle_value(const std::string& task) {
    for (const auto& planned : plan_.tasks)
      if (planned.id == task)
        settle(task, {{"kind", "value"}, {"value", json::parse(planned.value_json)}});
  }
  void ledger(const std::string& ev, const std::string& task, int pid) {
    add("ledger", {{"entry", {{"ev", ev}, {"task", task}, {"pid", pid}, {"t_ns", 1}}}});
  }
  int meet(const std::string& task, int pid) {
    ledger("start", task, pid);
    add("met", {{"conn", ++conn_},
                {"pid", pid},
                {"start", 1000 + pid},
                {"task", task},
                {"point", "running"}});
    return conn_;
  }
  void answer(int conn, const std::string& task, int pid, json what) {
    add("answered", {{"conn", conn}, {"pid", pid}, {"task", task}, {"do", std::move(what)}});
    add("left", {{"conn", conn}, {"pid", pid}});
  }
  void finish(const std::string& task, int pid) {
    ledger("end", task, pid);
    settle_value(task);
  }
  void exit(int pid, json status) {
    add("exit", {{"pid", pid},
                 {"start", 1000 + (pid == kAdapter ? 0 : pid)},
                 {"status", std::move(status)},
                 {"adapter", pid == kAdapter},
                 {"source", "pidfd"}});
  }
  void warm_up(const std::vector<std::string>& tasks, int first_pid) {
    std::vector<int> conns;
    for (const auto& task : tasks) submit(task);
    for (std::size_t i = 0; i < tasks.size(); ++i)
      conns.push_back(meet(tasks[i], first_pid + static_cast<int>(i)));
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      const int pid = first_pid + static_cast<int>(i);
      answer(conns[i], tasks[i], pid, {{"do", "go"}});
      finish(tasks[i], pid);
    }
  }
  void process(json fields) {
    fields["snap"] = snap_ + 1;
    add("process", std::move(fields));
    ++processes_;
  }
  void adapter_process() {
    process({{"pid", kAdapter},
             {"ppid", 1},
             {"start", 1000},
             {"state", "S"},
             {"name", "adapter"},
             {"command", "adapter"},
             {"cpu_ticks", 3},
             {"io_bytes", 100},
             {"threads", {{{"tid", kAdapter}, {"state", "S"}, {"wait", "futex, no time limit"}}}},
             {"fds",
              {{{"fd", 3}, {"to", "socket:[1]"}, {"mode", "rw"}},
               {{"fd", 2}, {"to", "pipe:[2]"}, {"mode", "w"}}}}});
  }
  void take(const std::string& why) {
    add("snapshot", {{"snap", ++snap_},
                     {"count", processes_},
                     {"shm", json::array()},
                     {"files", {"/tmp/a/ledger", "/tmp/a/meet"}}});
    add("taken", {{"snap", snap_}, {"why", why}});
    processes_ = 0;
  }
  void close(const std::string& why, const std::vector<int>& workers) {
    send({{"cmd", "close"}, {"how", "drain"}});
    for (const int pid : workers) exit(pid, {{"code", 0}});
    receive({{"event", "closed"}});
    adapter_process();
    take(why);
  }
  void bye() {
    send({{"cmd", "bye"}});
    exit(kAdapter, {{"code", 0}});
    take("end");
  }
  void end(const std::string& how) {
    add("healed", {{"killed", json::array()}});
    add("stderr", {{"bytes", 12}, {"head", "hello stderr"}, {"tail", ""}});
    add("ended", {{"how", how}, {"why", ""}});
  }
  int conn() const { return conn_; }
  Lines lines() const { return lines_; }

 private:
  const Plan& plan_;
  Lines lines_;
  double now_ms_ = 0;
  int step_ = 0, conn_ = 0, snap_ = 0, processes_ = 0;
};

json victim_error(const Plan& plan) {
  const bool breaks = plan.pool.recovers != Recovery::kReplaces;
  return {{"kind", breaks ? "pool-broken" : "worker-lost"},
          {"cause", "signal:KILL"},
          {"certainty", "ran"},
          {"blame", {{"pid", 21}}}};
}

}  // namespace

scenarios::Scenario killed_scenario(const std::string& effect) {
  return scenarios::parse_scenario(
      "claim = \"A task whose worker dies ends with an error that says so.\"\n"
      "see = [\"a test\"]\n"
      "needs = [\"worker_processes\"]\n"
      "pool = { workers = 2 }\n"
      "task.victim = { body = \"rendezvous\" }\n"
      "task.bystander = { body = \"rendezvous\", value = 7, count = 2 }\n"
      "fault = [{ at = \"running:victim\", do = \"" +
          effect +
          "\" }]\n"
          "[expect.victim]\n"
          "error = { if.replaces = \"worker-lost\", if.breaks = [\"worker-lost\", \"pool-broken\"] "
          "}\n"
          "within = \"3s\"\n"
          "cause = { is = \"signal:KILL\", level = \"should\" }\n"
          "certainty = { is = [\"ran\", \"unknown\"], level = \"should\" }\n"
          "blame = { is = \"victim\", level = \"should\" }\n"
          "[expect.bystander]\n"
          "outcome = { if.replaces = \"value\", if.breaks = [\"value\", \"pool-broken\"] }\n"
          "within = \"3s\"\n"
          "[expect]\n"
          "after = \"usable\"\n"
          "leftovers = \"none\"\n"
          "closes_within = \"3s\"\n",
      "death/killed_while_running", "killed.toml");
}

Plan killed_plan(Recovery recovers, const std::string& effect) {
  const scenarios::PoolFacts facts{"staged", "1", {"worker_processes", "close_drain"},
                                   recovers, 1.0, "a test"};
  return scenarios::make_plan(killed_scenario(effect), facts);
}

Plan parent_plan() {
  const auto scenario = scenarios::parse_scenario(
      "claim = \"When its parent is killed, a worker does not outlive it.\"\n"
      "see = [\"a test\"]\n"
      "needs = [\"worker_processes\"]\n"
      "task.victim = { body = \"rendezvous\" }\n"
      "fault = [{ at = \"running:victim\", do = \"kill\", target = \"parent\" }]\n"
      "[expect]\n"
      "leftovers = \"none\"\n",
      "parent/killed_with_busy_workers", "parent.toml");
  return scenarios::make_plan(
      scenario,
      {"staged", "1", {"worker_processes", "close_drain"}, Recovery::kReplaces, 1.0, "a test"});
}

Lines healthy(const Plan& plan) {
  const bool breaks = plan.pool.recovers == Recovery::kBreaks;
  const bool replaces = plan.pool.recovers == Recovery::kReplaces;
  Stage stage(plan);
  int held = 0, victim = 0;
  stage.step([&] { stage.open(); });
  stage.step([&] { stage.warm_up({"t1", "t2"}, 11); });
  stage.step([&] { stage.close("baseline", {11, 12}); });
  stage.step([&] { stage.open(); });
  stage.step([&] { stage.warm_up({"t3", "t4"}, 21); });
  stage.step([&] {
    for (const char* task : {"t5", "t6", "t7"}) stage.submit(task);
  });
  stage.step([&] {
    victim = stage.meet("t5", 21);
    held = stage.meet("t6", 22);
    stage.add("told",
              {{"fault", 0}, {"pid", 21}, {"start", 1021}, {"task", "t5"}, {"effect", "kill"}});
    stage.add("signalled", {{"pid", 21}, {"start", 1021}, {"signal", "KILL"}, {"error", ""}});
    stage.add("left", {{"conn", victim}, {"pid", 21}});
    stage.exit(21, {{"signal", "KILL"}, {"core", false}});
    stage.answer(held, "t6", 22, {{"do", "go"}});
  });
  stage.step([&] {
    stage.finish("t6", 22);
    stage.settle("t5", victim_error(plan));
    if (replaces) {
      stage.answer(stage.meet("t7", 23), "t7", 23, {{"do", "go"}});
      stage.finish("t7", 23);
    } else {
      stage.settle("t7", victim_error(plan));
    }
  });
  stage.step([&] {
    stage.submit("t8");
    if (replaces) {
      stage.ledger("start", "t8", 23);
      stage.finish("t8", 23);
      return;
    }
    stage.settle("t8", {{"kind", "pool-broken"}});
    if (breaks) {
      stage.close("closed", {22});
      stage.open();
    }
    stage.submit("t9");
    stage.ledger("start", "t9", 31);
    stage.finish("t9", 31);
  });
  stage.step([&] { stage.close("closed", replaces ? std::vector{22, 23} : std::vector{31, 32}); });
  stage.step([&] { stage.bye(); });
  stage.end("done");
  return stage.lines();
}

Lines healthy_parent_kill(const Plan& plan) {
  Stage stage(plan);
  stage.step([&] { stage.open(); });
  stage.step([&] { stage.warm_up({"t1", "t2"}, 11); });
  stage.step([&] { stage.close("baseline", {11, 12}); });
  stage.step([&] { stage.open(); });
  stage.step([&] { stage.warm_up({"t3", "t4"}, 21); });
  stage.step([&] { stage.submit("t5"); });
  stage.step([&] {
    stage.meet("t5", 21);
    stage.add("told", {{"fault", 0}, {"pid", kAdapter}, {"start", 1000}, {"effect", "kill"}});
    stage.exit(kAdapter, {{"signal", "KILL"}, {"core", false}});
  });
  stage.step([&] {
    stage.exit(21, {{"signal", "KILL"}, {"core", false}});
    stage.take("end");
  });
  stage.end("done");
  return stage.lines();
}

}  // namespace poolproof::conformance::staged
