#include "conformance/run/steps.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "conformance/protocol/protocol.h"
#include "conformance/run/limits.h"
#include "conformance/run/strike.h"

namespace poolproof::conformance {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using scenarios::Plan;
using scenarios::PlannedTask;
using scenarios::Step;
using scenarios::StepKind;

class Run {
 public:
  explicit Run(Progress& progress) : progress_(progress), scene_(progress.scene) {}

  void step(const Step& step) {
    switch (step.kind) {
      case StepKind::kOpen:
        return open();
      case StepKind::kWarmUp:
        return warm_up(step);
      case StepKind::kSubmit:
        return submit(step.tasks);
      case StepKind::kCancel:
        for (const std::string& id : step.tasks) scene_.send(cancel_command(id));
        return progress_.await_heard("cancel");
      case StepKind::kStrike:
        return strike(progress_, step);
      case StepKind::kAwaitSettled:
        return await_settled();
      case StepKind::kClose:
        begin_close(step.how);
        return await_closed();
      case StepKind::kBeginClose:
        begin_close(step.how);
        return progress_.await_heard("close");
      case StepKind::kAwaitClosed:
        return await_closed();
      case StepKind::kAwaitParentEnd:
        return await_parent_end();
      case StepKind::kProbe:
        return probe(step);
      case StepKind::kResize:
        return resize(step.workers);
      case StepKind::kArm:
        return arm();
      case StepKind::kBye:
        return bye();
    }
  }

 private:
  std::chrono::milliseconds close_limit() const {
    return std::chrono::milliseconds(progress_.plan.expect.closes_within_ms);
  }

  void open() {
    const int before = scene_.seen().opened;
    const auto opened = [&] { return scene_.seen().opened > before; };
    scene_.send(open_command(progress_.plan.workers, progress_.plan.opening, addresses()));
    if (before > 0) return progress_.require(opened, limits::kStep);
    // Before this limit the adapter is at fault, not the pool.
    const auto limit = progress_.scaled(limits::kFirstOpen);
    if (!scene_.wait(opened, scene_.now() + limit))
      throw AttemptOver{"harness-error", "the adapter did not answer its first `open` within " +
                                             std::to_string(limit / 1s) + " s"};
  }

  Addresses addresses() const {
    const json& ready = scene_.seen().ready;
    return {ready.at("ledger"), ready.at("rendezvous")};
  }

  void submit(const std::vector<std::string>& ids) {
    const Addresses at = addresses();
    for (const std::string& id : ids) {
      const PlannedTask* follower = follower_of(id);
      scene_.send(submit_command(progress_.task(id), follower, at));
      submitted_.push_back(id);
      if (follower != nullptr) submitted_.push_back(follower->id);
    }
  }

  const PlannedTask* follower_of(const std::string& id) const {
    for (const PlannedTask& task : progress_.plan.tasks)
      if (task.submitted_by == id) return &task;
    return nullptr;
  }

  void warm_up(const Step& step) {
    submit(step.tasks);
    // All together, so that each one is in its own worker. If a task settles without meeting, the
    // judge handles it.
    progress_.require(
        [&] {
          return progress_.standing(step.tasks, "running").size() == step.tasks.size() ||
                 progress_.settled(step.tasks);
        },
        limits::kStep);
    auto& workers = progress_.workers;
    workers.clear();
    for (Meeting* meeting : progress_.standing(step.tasks, "running")) {
      const Identity worker = meeting->process;
      if (std::find(workers.begin(), workers.end(), worker) == workers.end())
        workers.push_back(worker);
      progress_.release({meeting});
    }
    progress_.require([&] { return progress_.settled(step.tasks); }, limits::kStep);
  }

  void await_settled() {
    int within_ms = 0;
    for (const auto& role : progress_.plan.expect.roles)
      within_ms = std::max(within_ms, role.within_ms);
    progress_.require([&] { return progress_.settled(submitted_); },
                      std::chrono::milliseconds(within_ms));
  }

  void resize(int workers) {
    const int before = scene_.seen().resized;
    if (armed_) await_rest();
    scene_.send(resize_command(workers));
    progress_.require([&] { return scene_.seen().resized > before; }, limits::kStep);
  }

  void begin_close(const std::string& how) {
    closes_owed_ = scene_.seen().closed + 1;
    if (armed_) {
      await_rest();
      mark("shutdown");
    }
    scene_.ping();  // so that every end until now is in the record before this close
    scene_.send(close_command(how));
  }

  // A process that is still on its way back from a task would be at a different place in each run:
  // whether its next call comes before or after our next action would depend on luck. The cage can
  // prove that no process can continue, unless one of them waits with a time limit. In that case we
  // check that nothing moved for a while.
  void await_rest() {
    const bool replaces = progress_.plan.opening.tasks_per_worker.has_value();
    const std::chrono::nanoseconds longest = replaces ? limits::kRestOfReplacements : limits::kRest;
    const auto still = replaces ? limits::kStillOfReplacements : limits::kStill;
    const auto limit = scene_.now() + progress_.scaled(longest);
    auto pause = limits::kFirstLook;
    json last;
    for (auto since = scene_.now(); scene_.now() < limit; pause = std::min(2 * pause, still)) {
      const json activity = scene_.activity();
      if (activity.at("rests")) return;
      const json& now = activity.at("threads");
      const bool runs = std::any_of(now.begin(), now.end(), [](const json& thread) {
        return thread[1] == "R" || thread[1] == "t";  // otherwise it is stopped by the tracer
      });
      if (runs || now != last) since = scene_.now();
      if (scene_.now() - since >= still) return;
      last = now;
      scene_.pause(pause);
    }
  }

  void await_closed() {
    progress_.require([&] { return scene_.seen().closed >= closes_owed_; }, close_limit());
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

  // Takes the snapshot that is judged. If it is larger than `goal`, it gets a second to shrink: a
  // thread may be ending, or a process may be between its exit and its parent's wait.
  void take(const char* why, Size goal) {
    const auto limit = scene_.now() + progress_.scaled(limits::kEmptiesWithin);
    auto pause = limits::kFirstLook;
    Size size;
    do {
      size = size_of(scene_.snapshot());
      const bool no_larger = size.processes <= goal.processes &&
                             size.adapter_fds <= goal.adapter_fds &&
                             size.adapter_threads <= goal.adapter_threads;
      if (no_larger || (!baseline_taken_ && size.processes <= 1)) break;
      scene_.pause(pause);
      pause =
          std::min(2 * pause, limits::kLongestLook);  // each look writes a snapshot into the record
    } while (scene_.now() < limit);
    if (!baseline_taken_) baseline_ = size;
    scene_.journal().write("taken", {{"snap", scene_.last_snapshot()}, {"why", why}});
  }

  Size size_of(const Snapshot& snapshot) const {
    Size size;
    size.processes = snapshot.processes.size();
    for (const json& process : snapshot.processes) {
      if (scene_.seen().made.count(process.at("pid")) > 0) --size.processes;
      if (process.at("pid") != scene_.seen().ready.at("adapter").at("pid")) continue;
      size.adapter_fds = process.value("fds", json::array()).size();
      size.adapter_threads = process.value("threads", json::array()).size();
    }
    return size;
  }

  // After the tracer has answered, it numbers new processes: nothing may be sent before that.
  void arm() {
    mark("armed");
    armed_ = true;
  }

  void mark(const std::string& word) {
    scene_.outside().mark(word);
    const auto marked = [&] { return scene_.seen().marked.count(word) > 0; };
    if (!scene_.wait(marked, scene_.now() + progress_.scaled(limits::kStep)))
      throw AttemptOver{"harness-error", "the tracer did not answer the mark `" + word + "`"};
  }

  void await_parent_end() {
    progress_.require([&] { return scene_.seen().adapter_ended; }, limits::kStep);
    // Bodies that still wait for us may continue: a pool's workers may end only with their current
    // task.
    progress_.release(progress_.standing_anywhere());
    take("end", {});
  }

  // A pool reports the cost of a death before it has cleaned up and tried to replace its worker.
  // This must happen while the resource is still denied; otherwise the result would depend on luck.
  void stay_denied() {
    const auto& faults = progress_.plan.faults;
    const auto denies = [](const faults::Fault& fault) {
      return fault.effect.kind == faults::EffectKind::kDeny;
    };
    if (std::none_of(faults.begin(), faults.end(), denies)) return;
    const auto limit = scene_.now() + progress_.scaled(limits::kStaysDenied);
    auto pause = limits::kFirstLook;
    while (scene_.now() < limit && !scene_.activity().at("rests")) {
      scene_.wait([] { return false; }, std::min(limit, scene_.now() + pause));
      pause = std::min(2 * pause, limits::kLongestLook);
    }
  }

  void probe(const Step& step) {
    stay_denied();
    scene_.lift();  // the denied resources are available again: now the pool must be usable
    if (armed_) await_rest();
    const auto recovers = progress_.plan.pool.recovers;
    const int strikes_before = scene_.seen().call_strikes;
    for (std::size_t i = 0; i < step.tasks.size(); ++i) {
      // A pool that replaces is asked again only if the first probe itself was the victim. The pool
      // may report this before the tracer does.
      const auto struck = [&] { return scene_.seen().call_strikes > strikes_before; };
      if (i > 0 && recovers == scenarios::Recovery::kReplaces &&
          !scene_.wait(struck, scene_.now() + progress_.scaled(limits::kTracerTells)))
        return;
      if (i > 0 && recovers == scenarios::Recovery::kBreaks) {
        begin_close(step.how);
        await_closed();
        open();
      }
      submit({step.tasks[i]});
      progress_.require([&] { return progress_.settled({step.tasks[i]}); }, limits::kStep);
      if (scene_.seen().outcomes.at(step.tasks[i]).value("kind", "") == "value") return;
    }
  }

  void bye() {
    scene_.adapter_may_end();
    scene_.send(bye_command());
    progress_.require([&] { return scene_.seen().adapter_ended; }, close_limit());
    take("end", {});
  }

  Progress& progress_;
  Scene& scene_;
  std::vector<std::string> submitted_;
  int closes_owed_ = 0;
  bool baseline_taken_ = false;
  bool armed_ = false;
  Size baseline_;
};

}  // namespace

void execute(const Plan& plan, Scene& scene, double factor) {
  Progress progress(plan, scene, factor);
  Run run(progress);
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    progress.begin_step(static_cast<int>(i));
    run.step(plan.steps[i]);
    progress.end_step();
  }
}

}  // namespace poolproof::conformance
