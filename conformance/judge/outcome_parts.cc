#include "conformance/judge/outcome_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "conformance/judge/truth.h"
#include "conformance/judge/wording.h"

namespace poolproof::conformance::judging {
namespace {

using scenarios::Claim;
using scenarios::Level;
using scenarios::RoleExpectation;
using Tasks = std::vector<const TaskHistory*>;

struct Fault {  // what is wrong with one task
  Status status;
  Level level;
  std::string expected, got;
};

// A part with the worst of these faults, and how many tasks have one; a passing part if there is
// none.
Part part_of(std::string name, Level level, const std::vector<Fault>& wrong) {
  if (wrong.empty()) return {std::move(name), Status::kPass, level, "", ""};
  const auto first =
      std::min_element(wrong.begin(), wrong.end(), [](const Fault& a, const Fault& b) {
        return a.level != b.level ? a.level > b.level : worse(a.status, b.status);
      });
  std::string got = first->got;
  if (wrong.size() > 1) got += fmt::format(" (and {} more)", counted(wrong.size() - 1, "task"));
  return {std::move(name), first->status, first->level, first->expected, got};
}

bool contains(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::optional<Fault> misbehaviour_of(const TaskHistory& task) {
  if (task.settled.size() > 1) {
    return Fault{Status::kWrongError, Level::kMust, "one outcome for each task",
                 fmt::format("{} settled {} times: {}; then {}", name_of(task), task.settled.size(),
                             words_of(task.settled[0]), words_of(task.settled[1]))};
  }
  if (task.settled.empty()) return std::nullopt;
  const Settled& settled = task.settled.front();
  if (settled.kind() == "value" && !is_planned_value(task, settled)) {
    return Fault{Status::kWrongError, Level::kMust, "value " + task.planned.value_json,
                 fmt::format("{}: {}", name_of(task), words_of(settled))};
  }
  return std::nullopt;
}

std::optional<Fault> wrong_outcome(const TaskHistory& task, const Claim& claim) {
  if (!task.submitted_ns)
    throw FormError(fmt::format("task {} was never submitted", task.planned.id));
  if (task.settled.empty()) {
    const Status status = task.closed_over ? Status::kLostTask : Status::kTimeout;
    return Fault{status, claim.level, alternatives(claim.one_of),
                 fmt::format("{} is still open{}", name_of(task),
                             task.closed_over ? " after the pool said `closed`" : "")};
  }
  if (auto wrong = misbehaviour_of(task)) return wrong;
  const Settled& settled = task.settled.front();
  if (claim.one_of.empty() || contains(claim.one_of, settled.kind())) return std::nullopt;
  return Fault{Status::kWrongError, claim.level, alternatives(claim.one_of),
               fmt::format("{}: {}", name_of(task), words_of(settled))};
}

// Counted from the last strike; for a task that was submitted later, from its submit.
std::optional<Fault> too_late(const Trial& trial, const RoleExpectation& expected,
                              const TaskHistory& task) {
  const std::int64_t struck_ns = trial.receipts.last_ns().value_or(*task.submitted_ns);
  const bool after_strike = struck_ns > *task.submitted_ns;
  const std::int64_t from_ns = after_strike ? struck_ns : *task.submitted_ns;
  const auto limit_ns = static_cast<std::int64_t>(static_cast<double>(expected.within_ms) * 1e6 *
                                                  trial.history.factor);
  const std::int64_t took_ns = task.settled.front().t_ns - from_ns;
  if (took_ns <= limit_ns) return std::nullopt;
  return Fault{Status::kTimeout, expected.outcome.level,
               fmt::format("within {} ({} ms x {:.2f} machine factor)", duration(limit_ns),
                           expected.within_ms, trial.history.factor),
               fmt::format("{} settled {} after {}", name_of(task), duration(took_ns),
                           after_strike ? "the strike" : "its submit")};
}

// Cause, certainty or blame: a false one is wrong for any pool; otherwise the weight of the claim
// decides. `told` returns what the outcome reports, "" for nothing.
struct Testimony {
  const char* what;
  const Claim& claim;
  std::function<std::string(const TaskHistory&, const Settled&)> told;
  std::function<std::optional<std::string>(const TaskHistory&, const Settled&)> lie;
};

void testify(const Testimony& testimony, const std::string& role, const Tasks& tasks,
             std::vector<Part>& parts) {
  std::vector<Fault> wrong;
  for (const TaskHistory* task : tasks) {
    const Settled& settled = task->settled.front();
    const std::string told = testimony.told(*task, settled);
    if (const auto truth = testimony.lie(*task, settled)) {
      wrong.push_back({Status::kWrongError, Level::kMust,
                       fmt::format("no {} that the record contradicts", testimony.what),
                       fmt::format("{} tells {}, but {}", name_of(*task), told, *truth)});
    } else if (!testimony.claim.one_of.empty() && !contains(testimony.claim.one_of, told)) {
      wrong.push_back(
          {Status::kWrongError, testimony.claim.level, alternatives(testimony.claim.one_of),
           fmt::format("{} tells {}", name_of(*task), told.empty() ? "nothing" : told)});
    }
  }
  if (wrong.empty() && testimony.claim.one_of.empty()) return;
  parts.push_back(part_of(role + "." + testimony.what, testimony.claim.level, wrong));
}

void add_testimonies(const Trial& trial, const RoleExpectation& expected, const Tasks& tasks,
                     std::vector<Part>& parts) {
  Tasks failed = tasks;
  std::erase_if(failed, [](const TaskHistory* t) { return t->settled.front().kind() == "value"; });
  const auto blamed = [&](const TaskHistory& task, const Settled& settled) -> std::string {
    const auto pid = settled.blamed_pid();
    if (!pid) return "";
    // The worker that broke the pool is named. If two died together, only one of them broke it; the
    // pool itself may have ended the other one before we could.
    const bool of_pool = settled.kind() == "pool-broken";
    for (const ProcessId& struck : of_pool ? all_struck(trial) : struck_for(trial, task))
      if (struck.pid == *pid) return "victim";
    return fmt::format("process {}", *pid);
  };
  testify({"cause", expected.cause,
           [](const TaskHistory&, const Settled& settled) { return settled.text("cause"); },
           [&](const TaskHistory& t, const Settled& s) { return lie_in_cause(trial, t, s); }},
          expected.role, failed, parts);
  testify({"certainty", expected.certainty,
           [](const TaskHistory&, const Settled& settled) { return settled.text("certainty"); },
           [](const TaskHistory& t, const Settled& s) { return lie_in_certainty(t, s); }},
          expected.role, failed, parts);
  testify({"blame", expected.blame, blamed,
           [&](const TaskHistory& t, const Settled& s) { return lie_in_blame(trial, t, s); }},
          expected.role, failed, parts);
}

}  // namespace

bool is_planned_value(const TaskHistory& task, const Settled& settled) {
  const auto planned = nlohmann::json::parse(task.planned.value_json, nullptr, false);
  if (planned.is_discarded())
    throw FormError(fmt::format("plan: the value of task {} is no JSON", task.planned.id));
  return settled.outcome.value("value", nlohmann::json()) == planned;
}

std::optional<Part> misbehaviour(const std::string& name, const Tasks& tasks) {
  std::vector<Fault> wrong;
  for (const TaskHistory* task : tasks)
    if (auto one = misbehaviour_of(*task)) wrong.push_back(std::move(*one));
  if (wrong.empty()) return std::nullopt;
  return part_of(name, Level::kMust, wrong);
}

std::vector<Part> role_parts(const Trial& trial, const RoleExpectation& expected) {
  const Tasks tasks = trial.history.of_role(expected.role);
  std::vector<Part> parts;
  std::vector<Fault> wrong;
  for (const TaskHistory* task : tasks)
    if (auto one = wrong_outcome(*task, expected.outcome)) wrong.push_back(std::move(*one));
  parts.push_back(part_of(expected.role + ".outcome", expected.outcome.level, wrong));

  Tasks settled = tasks;
  std::erase_if(settled, [](const TaskHistory* task) { return task->settled.empty(); });
  std::vector<Fault> late;
  for (const TaskHistory* task : settled)
    if (auto one = too_late(trial, expected, *task)) late.push_back(std::move(*one));
  parts.push_back(part_of(expected.role + ".within", expected.outcome.level, late));
  add_testimonies(trial, expected, settled, parts);
  return parts;
}

Part run_once_part(const Trial& trial) {
  std::vector<Fault> wrong;
  for (const TaskHistory& task : trial.history.tasks) {
    if (task.starts.size() < 2) continue;
    std::set<int> pids;
    for (const LedgerLine& start : task.starts) pids.insert(start.pid);
    std::string where;
    for (const int pid : pids) where += fmt::format("{}{}", where.empty() ? "" : ", ", pid);
    wrong.push_back({Status::kDuplicateRun, Level::kMust, "each task runs at most once",
                     fmt::format("{} started {} times, in {} {}", name_of(task), task.starts.size(),
                                 pids.size() == 1 ? "process" : "processes", where)});
  }
  return part_of("run-once", Level::kMust, wrong);
}

Part initialized_part(const Trial& trial) {
  constexpr const char* kClaimed = "each worker runs its initializer once, before its first task";
  std::vector<Fault> wrong;
  std::map<int, int> ran;
  for (const LedgerLine& init : trial.history.inits)
    if (++ran[init.pid] == 2)
      wrong.push_back({Status::kDuplicateRun, Level::kMust, kClaimed,
                       fmt::format("process {} ran its initializer again", init.pid)});
  for (const TaskHistory& task : trial.history.tasks)
    for (const LedgerLine& start : task.starts) {
      const auto& inits = trial.history.inits;
      if (std::none_of(inits.begin(), inits.end(), [&](const LedgerLine& init) {
            return init.pid == start.pid && init.seq < start.seq;
          }))
        wrong.push_back({Status::kWrongError, Level::kMust, kClaimed,
                         fmt::format("{} began in process {}, which had run no initializer",
                                     name_of(task), start.pid)});
    }
  return part_of("initialized", Level::kMust, wrong);
}

Part recycled_part(const Trial& trial) {
  const int most = trial.plan.opening.tasks_per_worker.value();
  std::map<int, int> began;
  for (const TaskHistory& task : trial.history.tasks)
    for (const LedgerLine& start : task.starts) ++began[start.pid];
  std::vector<Fault> wrong;
  for (const auto& [pid, tasks] : began)
    if (tasks > most)
      wrong.push_back({Status::kWrongError, Level::kMust,
                       fmt::format("a worker is replaced after {}",
                                   counted(static_cast<std::size_t>(most), "task")),
                       fmt::format("process {} began {} tasks", pid, tasks)});
  return part_of("recycled", Level::kMust, wrong);
}

namespace {

// The worker was about to be replaced, and had finished all its tasks.
bool had_done_its_share(const Trial& trial, const Strike& strike) {
  const auto& share = trial.plan.opening.tasks_per_worker;
  int begun = 0;
  for (const TaskHistory& task : trial.history.tasks)
    for (const LedgerLine& start : task.starts) {
      if (start.pid != strike.told.process.pid) continue;
      ++begun;
      if (task.settled.empty() || task.settled.front().t_ns >= strike.told.t_ns) return false;
    }
  return share && begun >= *share;
}

// How many tasks this strike may cost.
std::size_t may_be_lost(const Trial& trial) {
  bool all_had = true, any = false;
  for (const Receipt& receipt : trial.receipts.faults)
    for (const Strike& strike : receipt.strikes) {
      if (!strike.landed_ns) continue;
      any = true;
      all_had = all_had && had_done_its_share(trial, strike);
    }
  return any && all_had ? 0 : static_cast<std::size_t>(*trial.plan.expect.lost_at_most);
}

}  // namespace

Part innocents_part(const Trial& trial) {
  const std::size_t at_most = may_be_lost(trial);
  const std::string claimed =
      fmt::format("at most {} without a value, and none of another worker than the struck one",
                  counted(at_most, "task"));
  std::set<int> struck;
  for (const Receipt& receipt : trial.receipts.faults)
    for (const Strike& strike : receipt.strikes)
      if (strike.landed_ns) struck.insert(strike.told.process.pid);
  std::vector<Fault> wrong;
  Tasks lost;
  for (const TaskHistory& task : trial.history.tasks)
    if (task.planned.role != "warm-up" && !task.settled.empty() &&
        task.settled.front().kind() != "value")
      lost.push_back(&task);
  for (const TaskHistory* task : lost)
    for (const LedgerLine& start : task->starts)
      if (struck.count(start.pid) == 0)
        wrong.push_back({Status::kWrongError, Level::kMust, claimed,
                         fmt::format("{} had begun in process {}, which was not struck: {}",
                                     name_of(*task), start.pid, words_of(task->settled.front()))});
  if (wrong.empty() && lost.size() > at_most)
    wrong.push_back(
        {Status::kWrongError, Level::kMust, claimed,
         fmt::format("{} have none: {}", counted(lost.size(), "task"), names_of(lost))});
  return part_of("innocents", Level::kMust, wrong);
}

std::optional<std::int64_t> time_to_detect(const Trial& trial) {
  const auto struck_ns = trial.receipts.last_ns();
  if (!struck_ns) return std::nullopt;
  std::optional<std::int64_t> of_struck, of_all;
  for (const TaskHistory& task : trial.history.tasks) {
    if (task.settled.empty() || task.settled.front().kind() == "value") continue;
    const std::int64_t took_ns = std::max<std::int64_t>(0, task.settled.front().t_ns - *struck_ns);
    const bool was_struck = !trial.receipts.on_task(task.planned.id).empty();
    if (was_struck) of_struck = std::max(of_struck.value_or(0), took_ns);
    of_all = std::max(of_all.value_or(0), took_ns);
  }
  return of_struck ? of_struck : of_all;
}

}  // namespace poolproof::conformance::judging
