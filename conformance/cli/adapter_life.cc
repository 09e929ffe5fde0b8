#include "conformance/cli/adapter_life.h"

#include <set>

namespace poolproof::cli {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr int kWorkers = 2;
constexpr int kTasks = 4;  // more than the workers may have who are there first

json opening(const Interview& talk) {
  json open = {{"cmd", "open"}, {"workers", kWorkers}};
  if (talk.can("recycles")) open["tasks_per_worker"] = 1;
  if (talk.can("initializer")) open["initializer"] = {{"ledger", talk.addresses().at("ledger")}};
  return open;
}

// Each task ends with its value, and its line of the ledger has come.
bool run_tasks(Interview& talk, int tasks, const std::string& when) {
  for (int n = 0; n < tasks; ++n) {
    const std::string id = talk.submit("echo", {{"value", n}});
    talk.wait([&] { return talk.outcome(id) != nullptr || talk.refused(id); });
    const json* outcome = talk.outcome(id);
    if (outcome == nullptr || outcome->value("value", json()) != n) {
      talk.find("a task that was submitted " + when + " " +
                    (outcome == nullptr ? "was not settled" : "ended with " + outcome->dump()),
                "the pool goes on as before: its outcome is {\"kind\": \"value\", ...}");
      return false;
    }
    talk.wait([&] { return talk.written(id, "start") > 0; }, kLedgerComes);
  }
  return true;
}

// Lines of one process are in the ledger in the order in which it wrote them.
void look_at_the_ledger(Interview& talk, std::size_t from) {
  std::map<int, int> began;
  std::set<int> initialized;
  bool twice = false, missing = false, more = false;
  for (std::size_t i = from; i < talk.ledger().size(); ++i) {
    const json& line = talk.ledger()[i];
    const int pid = line.value("pid", 0);
    if (line.value("ev", "") == "init") twice = !initialized.insert(pid).second || twice;
    if (line.value("ev", "") != "start") continue;
    missing = missing || initialized.count(pid) == 0;
    more = ++began[pid] > 1 || more;
  }
  if (talk.can("initializer") && missing)
    talk.find(
        "a process ran a task and had written no `init` to the ledger",
        "in each worker the pool calls the kit's initializer before the first task; else leave "
        "`initializer` out of `hello`");
  if (talk.can("initializer") && twice)
    talk.find("a process wrote `init` twice", "the initializer runs once in each worker");
  if (talk.can("recycles") && more)
    talk.find(
        "with `tasks_per_worker` 1 a process ran more than one task",
        "the pool's own option makes it replace a worker after so many; else leave `recycles` "
        "out of `hello`");
}

}  // namespace

void refuse_lives(Interview& talk) {
  const json open = {{"cmd", "open"}, {"workers", 1}};
  const auto with = [&](const char* key, json value) {
    json command = open;
    command[key] = std::move(value);
    return command;
  };
  talk.ask(with("tasks_per_worker", talk.can("recycles") ? 0 : 1), "refused");
  json place = {{"ledger", talk.addresses().at("ledger")}};
  talk.ask(with("initializer", talk.can("initializer") ? json::object() : place), "refused");
  talk.ask({{"cmd", "resize"}, {"workers", 1}}, "refused");  // no pool is open, or none can be
}

void try_life(Interview& talk, const std::string& how) {
  if (!talk.can("initializer") && !talk.can("recycles") && !talk.can("resize")) return;
  talk.where = "lives of workers";
  const std::size_t from = talk.ledger().size();
  if (!talk.ask(opening(talk), "opened")) return;
  if (!run_tasks(talk, kTasks, "to a pool opened with " + opening(talk).dump())) return;
  look_at_the_ledger(talk, from);
  if (talk.can("resize")) {
    talk.ask({{"cmd", "resize"}, {"workers", 0}}, "refused");
    for (const int workers : {1, kWorkers}) {
      if (!talk.ask({{"cmd", "resize"}, {"workers", workers}}, "resized")) return;
      if (!run_tasks(talk, 1, "after a resize to " + std::to_string(workers))) return;
    }
  }
  talk.ask({{"cmd", "close"}, {"how", how}}, "closed");
}

}  // namespace poolproof::cli
