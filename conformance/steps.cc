#include "conformance/steps.h"

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <set>

#include "conformance/protocol.h"
#include "conformance/stall.h"
#include "faults/fault.h"

namespace poolproof::conformance {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using scenarios::Plan;
using scenarios::PlannedTask;
using scenarios::Step;
using scenarios::StepKind;

constexpr auto kFirstOpenLimit = 10s;  // until then the adapter is at fault; afterwards the pool
constexpr auto kStepLimit =
    5s;  // of steps that no expectation limits: open, warm-up, reaching the point
constexpr auto kEmptiesWithin = 1s;  // L9: after the end of its parent nothing is left

class Run {
 public:
  Run(const Plan& plan, Scene& scene, double factor) : plan_(plan), scene_(scene), factor_(factor) {
    scene_.hold = [this](const Meeting& meeting) { return waits_for_us(meeting); };
  }
  // Bodies may still come to a rendezvous while the scene is cleared; nobody decides for them then.
  ~Run() {
    scene_.hold = [](const Meeting&) { return true; };
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  void execute() {
    for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
      index_ = static_cast<int>(i);
      note("begin");
      step(plan_.steps[i]);
      note("end");
    }
  }

 private:
  void note(const char* state) {
    scene_.journal().write("step", {{"index", index_}, {"state", state}});
  }

  std::chrono::nanoseconds scaled(std::chrono::nanoseconds limit) const {
    return std::chrono::nanoseconds(
        static_cast<std::int64_t>(static_cast<double>(limit.count()) * factor_));
  }

  // Waits for `done`; past the limit, watches for stillness until the pool's own longest wait is
  // over as well.
  void require(const std::function<bool()>& done, std::chrono::nanoseconds limit) {
    const auto begun = Clock::now();
    if (scene_.wait(done, begun + scaled(limit))) return;
    const std::chrono::nanoseconds longest(
        static_cast<std::int64_t>(plan_.pool.longest_wait_s * 1e9));
    const auto until = begun + std::max(scaled(limit), longest) + 1s;
    if (watch_stillness(scene_, done, until)) return;
    note("stuck");
    throw Stuck{};
  }

  void step(const Step& step) {
    switch (step.kind) {
      case StepKind::kOpen:
        return open();
      case StepKind::kWarmUp:
        return warm_up(step);
      case StepKind::kSubmit:
        return submit(step.tasks);
      case StepKind::kStrike:
        return strike(step);
      case StepKind::kAwaitSettled:
        return await_settled();
      case StepKind::kClose:
        return close(step.how);
      case StepKind::kAwaitParentEnd:
        return await_parent_end();
      case StepKind::kProbe:
        return probe(step);
      case StepKind::kBye:
        return bye();
    }
  }

  const PlannedTask& task(const std::string& id) const {
    return *std::find_if(plan_.tasks.begin(), plan_.tasks.end(),
                         [&](const auto& task) { return task.id == id; });
  }

  // A body waits at its rendezvous if it warms the pool up, or if a fault is still to strike its
  // role there; a bystander also while the strike has no receipt yet.
  bool waits_for_us(const Meeting& meeting) const {
    const auto known = std::find_if(plan_.tasks.begin(), plan_.tasks.end(),
                                    [&](const auto& task) { return task.id == meeting.task; });
    if (known == plan_.tasks.end()) return false;
    if (known->role == "warm-up") return true;
    for (const Step& step : plan_.steps) {
      if (step.kind != StepKind::kStrike || strikes_over_.count(step.fault) > 0) continue;
      const bool bystander =
          std::find(step.tasks.begin(), step.tasks.end(), meeting.task) != step.tasks.end();
      if (bystander && meeting.point == "running") return true;
      if (struck_.count(step.fault) > 0) continue;
      const faults::Fault& fault = plan_.faults[static_cast<std::size_t>(step.fault)];
      if (fault.role == known->role && faults::to_string(fault.point) == meeting.point &&
          times_met(meeting) >= fault.trigger.nth)
        return true;
    }
    return false;
  }

  int times_met(const Meeting& meeting) const {
    const auto& all = scene_.seen().meetings;
    return static_cast<int>(std::count_if(all.begin(), all.end(), [&](const Meeting& other) {
      return other.task == meeting.task && other.point == meeting.point;
    }));
  }

  // Those that stand at a rendezvous now, of these tasks at this point.
  std::vector<Meeting*> standing(const std::vector<std::string>& ids, const std::string& point) {
    std::vector<Meeting*> found;
    for (Meeting& meeting : scene_.meetings()) {
      const bool ours = std::find(ids.begin(), ids.end(), meeting.task) != ids.end();
      if (ours && meeting.point == point && !meeting.answered && !meeting.left)
        found.push_back(&meeting);
    }
    return found;
  }

  std::vector<std::string> tasks_of(const std::string& role) const {
    std::vector<std::string> ids;
    for (const PlannedTask& task : plan_.tasks)
      if (task.role == role) ids.push_back(task.id);
    return ids;
  }

  bool settled(const std::vector<std::string>& ids) const {
    const auto& outcomes = scene_.seen().outcomes;
    return std::all_of(ids.begin(), ids.end(),
                       [&](const auto& id) { return outcomes.count(id) > 0; });
  }

  void open() {
    const int before = scene_.seen().opened;
    const auto opened = [&] { return scene_.seen().opened > before; };
    scene_.send(open_command(plan_.workers));
    if (before > 0) return require(opened, kStepLimit);
    if (!scene_.wait(
            opened,
            Clock::now() +
                scaled(kFirstOpenLimit)))  // before this, the adapter is at fault, not the pool
      throw AttemptOver{"harness-error", "the adapter did not answer its first `open` within " +
                                             std::to_string(scaled(kFirstOpenLimit) / 1s) + " s"};
  }

  void submit(const std::vector<std::string>& ids) {
    const json& ready = scene_.seen().ready;
    for (const std::string& id : ids) {
      scene_.send(submit_command(task(id), ready.at("ledger"), ready.at("rendezvous")));
      submitted_.push_back(id);
    }
  }

  void warm_up(const Step& step) {
    submit(step.tasks);
    // All together, so that each stands in a worker of its own; settled without meeting is the
    // judge's business.
    require(
        [&] {
          return standing(step.tasks, "running").size() == step.tasks.size() || settled(step.tasks);
        },
        kStepLimit);
    workers_.clear();
    for (Meeting* meeting : standing(step.tasks, "running")) {
      const std::pair<int, std::uint64_t> worker{meeting->pid, meeting->start};
      if (std::find(workers_.begin(), workers_.end(), worker) == workers_.end())
        workers_.push_back(worker);
      scene_.answer(*meeting, {{"do", "go"}});
    }
    require([&] { return settled(step.tasks); }, kStepLimit);
  }

  void strike(const Step& step) {
    const int index = step.fault;
    const faults::Fault& fault = plan_.faults[static_cast<std::size_t>(index)];
    const std::string point = faults::to_string(fault.point);
    std::vector<Meeting*> victims;
    if (fault.point != faults::Point::kIdle) {
      const auto ids = tasks_of(fault.role);
      require([&] { return standing(ids, point).size() == ids.size() || settled(ids); },
              kStepLimit);
      victims = standing(ids, point);
    }
    struck_.insert(index);
    std::vector<std::function<bool()>> receipts;
    if (fault.target == faults::Target::kParent) {
      const json& adapter = scene_.seen().ready.at("adapter");
      scene_.adapter_may_end();
      receipts.push_back(hit(index, adapter.at("pid"), adapter.at("start"), nullptr));
    } else if (fault.target == faults::Target::kAllWorkers) {
      freeze_workers();
      for (const auto& [pid, start] : workers_) receipts.push_back(hit(index, pid, start, nullptr));
      // Only what a frozen process takes at once needs no thaw.
      if (fault.effect.signal != SIGKILL)
        for (const auto& [pid, start] : workers_) scene_.cage().signal(pid, start, "CONT");
    } else {
      for (Meeting* victim : victims)
        receipts.push_back(hit(index, victim->pid, victim->start, victim));
    }
    // A receipt that does not come makes the attempt vacuous; that is for the judge to say.
    const auto all_came = [&] {
      return std::all_of(receipts.begin(), receipts.end(), [](const auto& came) { return came(); });
    };
    scene_.wait(all_came, Clock::now() + scaled(kStepLimit));
    strikes_over_.insert(index);
    for (Meeting* bystander : standing(step.tasks, "running"))
      scene_.answer(*bystander, {{"do", "go"}});
  }

  // All at once is what the fault means: a pool that ends its other workers itself when it sees the
  // first one die would otherwise be quicker than we are, and the second death not be ours.
  void freeze_workers() {
    for (const auto& [pid, start] : workers_) scene_.cage().signal(pid, start, "STOP");
    scene_.snapshot();  // takes longer than it takes them to stop
  }

  // Commands the fault on one process; what it returns tells whether the second half of the receipt
  // has come.
  std::function<bool()> hit(int index, int pid, std::uint64_t start, Meeting* meeting) {
    const faults::Effect& effect = plan_.faults[static_cast<std::size_t>(index)].effect;
    json told = {
        {"fault", index}, {"pid", pid}, {"start", start}, {"effect", faults::to_string(effect)}};
    if (meeting != nullptr) told["task"] = meeting->task;
    scene_.journal().write("told", told);
    const Seen& seen = scene_.seen();
    if (faults::door_of(effect) == faults::Door::kProcess) {
      scene_.cage().signal(pid, start, faults::signal_name(effect.signal));
    } else if (meeting != nullptr) {
      scene_.answer(*meeting, order_for(effect));
    }
    if (faults::ends_process(effect))
      return [&seen, pid, start] { return seen.exits.count({pid, start}) > 0; };
    const std::string task = meeting != nullptr ? meeting->task : "";
    if (effect.kind == faults::EffectKind::kThrow)
      return [&seen, task] { return seen.struck.count(task) > 0; };
    const int conn = meeting != nullptr ? meeting->conn : 0;
    return [&seen, conn] {
      return std::any_of(seen.meetings.begin(), seen.meetings.end(),
                         [conn](const Meeting& other) { return other.conn == conn && other.left; });
    };
  }

  static json order_for(const faults::Effect& effect) {
    switch (effect.kind) {
      case faults::EffectKind::kExit:
        return {{"do", "exit"}, {"code", effect.code}};
      case faults::EffectKind::kRaise:
        return {{"do", "raise"}, {"signal", faults::signal_name(effect.signal)}};
      case faults::EffectKind::kLoop:
        return {{"do", "loop"}};
      case faults::EffectKind::kSleep:
        return {{"do", "sleep"}};
      case faults::EffectKind::kThrow:
        return {{"do", "throw"}, {"text", "thrown because the scenario says so"}};
      case faults::EffectKind::kSignal:
        break;
    }
    return {{"do", "go"}};
  }

  void await_settled() {
    int within_ms = 0;
    for (const auto& role : plan_.expect.roles) within_ms = std::max(within_ms, role.within_ms);
    require([&] { return settled(submitted_); }, std::chrono::milliseconds(within_ms));
  }

  void close(const std::string& how) {
    const int before = scene_.seen().closed;
    scene_.send(close_command(how));
    require([&] { return scene_.seen().closed > before; },
            std::chrono::milliseconds(plan_.expect.closes_within_ms));
    if (!baseline_taken_) {
      take("baseline", {});
      baseline_taken_ = true;
    } else {
      take("closed", baseline_);
    }
  }

  struct Size {
    std::size_t processes = 0, adapter_fds = 0, adapter_threads = 0;
  };

  // The snapshot that is judged. What is larger than `goal` gets a second to end what it is about
  // to end: a thread that has done its last act, a process between its exit and its parent's wait.
  void take(const char* why, Size goal) {
    const auto limit = Clock::now() + scaled(kEmptiesWithin);
    Size size;
    do {
      size = size_of(scene_.snapshot());
      const bool no_larger = size.processes <= goal.processes &&
                             size.adapter_fds <= goal.adapter_fds &&
                             size.adapter_threads <= goal.adapter_threads;
      if (no_larger || (!baseline_taken_ && size.processes <= 1)) break;
      scene_.wait([] { return false; }, Clock::now() + 20ms);
    } while (Clock::now() < limit);
    if (!baseline_taken_) baseline_ = size;
    scene_.journal().write("taken", {{"snap", scene_.last_snapshot()}, {"why", why}});
  }

  Size size_of(const Snapshot& snapshot) const {
    Size size;
    size.processes = snapshot.processes.size();
    for (const json& process : snapshot.processes) {
      if (process.at("pid") != scene_.seen().ready.at("adapter").at("pid")) continue;
      size.adapter_fds = process.value("fds", json::array()).size();
      size.adapter_threads = process.value("threads", json::array()).size();
    }
    return size;
  }

  void await_parent_end() {
    require([&] { return scene_.seen().adapter_ended; }, kStepLimit);
    // Bodies that still wait for us may go on: a pool's workers may end with the task that they are
    // at.
    for (Meeting& meeting : scene_.meetings())
      if (!meeting.answered && !meeting.left) scene_.answer(meeting, {{"do", "go"}});
    take("end", {});
  }

  void probe(const Step& step) {
    for (std::size_t i = 0; i < step.tasks.size(); ++i) {
      if (i > 0 && plan_.pool.recovers == scenarios::Recovery::kReplaces) return;
      if (i > 0 && plan_.pool.recovers == scenarios::Recovery::kBreaks) {
        close(step.how);
        open();
      }
      submit({step.tasks[i]});
      require([&] { return settled({step.tasks[i]}); }, kStepLimit);
      if (scene_.seen().outcomes.at(step.tasks[i]).value("kind", "") == "value") return;
    }
  }

  void bye() {
    scene_.adapter_may_end();
    scene_.send(bye_command());
    require([&] { return scene_.seen().adapter_ended; },
            std::chrono::milliseconds(plan_.expect.closes_within_ms));
    take("end", {});
  }

  const Plan& plan_;
  Scene& scene_;
  double factor_;
  int index_ = 0;
  std::vector<std::string> submitted_;
  std::vector<std::pair<int, std::uint64_t>> workers_;  // known from the last warm-up
  std::set<int> struck_, strikes_over_;  // commanded; and the receipt has come, or did not in time
  bool baseline_taken_ = false;
  Size baseline_;
};

}  // namespace

void execute(const Plan& plan, Scene& scene, double factor) { Run(plan, scene, factor).execute(); }

}  // namespace poolproof::conformance
