#include "conformance/sweep/workload.h"

#include <algorithm>
#include <utility>

namespace poolproof::conformance::sweep {
namespace {

using faults::CallEffect;
using faults::CallStrike;
using faults::Segment;
using scenarios::Plan;
using scenarios::PoolFacts;
using scenarios::Recovery;
using scenarios::Step;
using scenarios::StepKind;

constexpr int kWithin_ms = 3000;
// Far more than one of our tasks takes, so that only a frozen one reaches it.
constexpr int kDeadline_ms = 500;
// With one task, every worker except the last ends at the same place of its life in every run:
// after its first task, whichever worker got it. With two, a worker that got only one task by luck
// would not end at all.
constexpr int kTasksPerWorker = 1;
// So that a replacement is needed: the second worker of each place runs a task too.
constexpr int kGenerations = 2;

bool has(const PoolFacts& facts, std::string_view capability) {
  return std::find(facts.capabilities.begin(), facts.capabilities.end(), capability) !=
         facts.capabilities.end();
}

bool freezes(const Plan& plan) {
  return plan.trace && plan.trace->strike &&
         plan.trace->strike->effect.kind == CallEffect::Kind::kFreeze;
}

class Builder {
 public:
  Builder(const Workload& workload, const PoolFacts& facts)
      : workload_(workload), course_(course_of(workload, facts)) {
    plan_.pool = facts;
    plan_.workers = kWorkers;
    plan_.opening = course_.opening;
    gentle_ = scenarios::gentlest_close(facts);
  }

  Plan build(const std::string& scenario, std::optional<faults::Trace> trace) && {
    plan_.scenario = scenario;
    plan_.claim =
        "Whatever a worker is doing when it is struck: every task ends, none runs twice, "
        "no innocent one fails, the pool goes on as it promises, and leaves nothing.";
    plan_.trace = std::move(trace);
    step(StepKind::kOpen);
    for (int worker = 0; worker < plan_.workers; ++worker) task("warm-up", "rendezvous", "null");
    step(StepKind::kWarmUp).tasks = ids_of("warm-up");
    step(StepKind::kClose).how = gentle_;
    if (plan_.trace) step(StepKind::kArm);
    step(StepKind::kOpen);
    submit(course_.tasks);
    step(StepKind::kAwaitSettled);
    // A pool whose single worker is frozen can do nothing until its start deadline, so nothing is
    // claimed about it.
    if (course_.resizes && !freezes(plan_)) {
      for (const int workers : {1, kWorkers}) {
        step(StepKind::kResize).workers = workers;
        submit(workers);
        step(StepKind::kAwaitSettled);
      }
    }
    // The pool cannot notice a frozen worker without a task: a close that ends it must come first.
    if (freezes(plan_)) {
      step(StepKind::kClose).how = "kill";
      step(StepKind::kOpen);
    }
    probe();
    step(StepKind::kClose).how = gentle_;
    step(StepKind::kBye);
    return std::move(plan_);
  }

 private:
  Step& step(StepKind kind) {
    plan_.steps.emplace_back();
    plan_.steps.back().kind = kind;
    return plan_.steps.back();
  }

  scenarios::PlannedTask& task(const char* role, const std::string& body, std::string value_json) {
    scenarios::PlannedTask& planned = plan_.tasks.emplace_back();
    planned.id = "t" + std::to_string(plan_.tasks.size());
    planned.role = role;
    planned.body = body;
    planned.value_json = std::move(value_json);
    return planned;
  }

  std::vector<std::string> ids_of(std::string_view role) const {
    std::vector<std::string> ids;
    for (const auto& planned : plan_.tasks)
      if (planned.role == role) ids.push_back(planned.id);
    return ids;
  }

  void submit(int tasks) {
    std::vector<std::string> ids;
    for (int n = 1; n <= tasks; ++n) {
      const std::string value = workload_.bytes > 0
                                    ? "{\"length\":" + std::to_string(workload_.bytes) + "}"
                                    : std::to_string(n);
      scenarios::PlannedTask& planned = task("task", workload_.body, value);
      planned.bytes = workload_.bytes;
      if (freezes(plan_)) planned.deadline_ms = kDeadline_ms;
      ids.push_back(planned.id);
    }
    step(StepKind::kSubmit).tasks = ids;
  }

  void probe() {
    Step& probe = step(StepKind::kProbe);
    if (plan_.pool.recovers == Recovery::kBreaks) probe.how = gentle_;
    for (int n = 0; n < 2; ++n)  // the strike may hit the first one
      probe.tasks.push_back(task("probe", "echo", "\"probe\"").id);
  }

  const Workload& workload_;
  const Course course_;
  Plan plan_;
  std::string gentle_;
};

// How a task may end after this strike: see README.md.
std::vector<std::string> outcomes_after(const CallStrike& strike, Recovery recovers) {
  using Kind = CallEffect::Kind;
  std::vector<std::string> kinds = {"value"};
  // All tasks have settled before the pool is told to close.
  if (strike.at.segment.kind == Segment::Kind::kShutdown) return kinds;
  kinds.push_back("worker-lost");
  if (recovers != Recovery::kReplaces) kinds.push_back("pool-broken");
  if (strike.at.segment.kind == Segment::Kind::kStart) {
    kinds.push_back("spawn-failed");
    kinds.push_back("init-failed");
  }
  if (strike.effect.kind == Kind::kFreeze) kinds.push_back("deadline");
  if (strike.effect.kind == Kind::kErrno || strike.effect.kind == Kind::kShort)
    for (const char* clean : {"task-error", "decode-args", "encode-result", "protocol"})
      kinds.push_back(clean);
  return kinds;
}

}  // namespace

const std::vector<Workload>& workloads() {
  static const std::vector<Workload> kAll = {
      {"small_results", "six tasks, each with a number for its result", "echo", 6, 0},
      {"big_results", "four tasks, each result larger than a pipe takes at once", "large", 4,
       200'000},
      {"lifecycle",
       "the pool opens, has a task for each worker, and closes; its workers are initialized, "
       "replaced after a task, and made fewer and more, as far as it can",
       "echo", kWorkers, 0, true},
  };
  return kAll;
}

Course course_of(const Workload& workload, const PoolFacts& facts) {
  Course course{{}, workload.tasks, false};
  if (!workload.whole_life) return course;
  course.opening.initializer = has(facts, "initializer");
  if (has(facts, "recycles")) {
    course.opening.tasks_per_worker = kTasksPerWorker;
    course.tasks = kWorkers * kTasksPerWorker * kGenerations;
  }
  // A pool that stays broken after a death has nothing left to resize.
  course.resizes = has(facts, "resize") && facts.recovers != Recovery::kBreaks;
  return course;
}

int share_of(const Workload& workload, const PoolFacts& facts) {
  const Course course = course_of(workload, facts);
  const int share = (course.tasks + kWorkers - 1) / kWorkers;
  return std::min(share, course.opening.tasks_per_worker.value_or(share));
}

const Workload* find_workload(std::string_view name) {
  for (const Workload& workload : workloads())
    if (workload.name == name) return &workload;
  return nullptr;
}

std::string missing_for_sweep(const PoolFacts& facts) {
  std::string missing;
  const bool closes =
      has(facts, "close_drain") || has(facts, "close_cancel") || has(facts, "close_kill");
  if (!has(facts, "worker_processes")) missing = "worker_processes";
  if (!closes) missing += (missing.empty() ? "" : ", ") + std::string("close_drain");
  return missing;
}

bool can_be_frozen(const PoolFacts& facts) {
  return has(facts, "task_deadline") && has(facts, "close_kill");
}

Plan plan_of(const Workload& workload, const PoolFacts& facts, const std::string& scenario,
             std::optional<faults::Trace> trace) {
  Plan plan = Builder(workload, facts).build(scenario, std::move(trace));
  // If each task waits for a new worker to start, each gets the time of a start in addition.
  const int within_ms = plan.opening.tasks_per_worker ? kWithin_ms * kGenerations : kWithin_ms;
  scenarios::RoleExpectation role;
  role.role = "task";
  role.outcome.one_of = {"value"};
  role.within_ms = within_ms;
  if (plan.trace && plan.trace->strike) {
    role.outcome.one_of = outcomes_after(*plan.trace->strike, facts.recovers);
    if (facts.recovers == Recovery::kReplaces) plan.expect.lost_at_most = 1;
  }
  plan.expect.roles.push_back(std::move(role));
  plan.expect.after.one_of = {"usable"};
  plan.expect.leftovers.one_of = {"none"};
  plan.expect.closes_within_ms = within_ms;
  return plan;
}

}  // namespace poolproof::conformance::sweep
