#include "conformance/run/progress.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "conformance/run/limits.h"
#include "conformance/run/stall.h"
#include "faults/fault.h"

namespace poolproof::conformance {

using nlohmann::json;
using scenarios::PlannedTask;
using scenarios::Step;
using scenarios::StepKind;

Progress::Progress(const scenarios::Plan& whole_plan, Scene& whole_scene, double factor)
    : plan(whole_plan), scene(whole_scene), factor_(factor), silence_(scene, [this] {
        return scene.outside().all_is_written() && standing_anywhere().empty();
      }) {
  scene.hold = [this](const Meeting& meeting) { return waits_for_us(meeting); };
}

Progress::~Progress() {
  scene.hold = [](const Meeting&) { return true; };
}

void Progress::begin_step(int index) {
  index_ = index;
  note("begin");
}

void Progress::end_step() { note("end"); }

void Progress::note(const char* state) {
  scene.journal().write("step", {{"index", index_}, {"state", state}});
}

std::chrono::nanoseconds Progress::scaled(std::chrono::nanoseconds limit) const {
  return std::chrono::nanoseconds(
      static_cast<std::int64_t>(static_cast<double>(limit.count()) * factor_));
}

void Progress::require(const std::function<bool()>& done, std::chrono::nanoseconds limit) {
  const auto begun = scene.now();
  auto end = silence_.wait(done, begun + scaled(limit));
  const std::chrono::nanoseconds longest(static_cast<std::int64_t>(plan.pool.longest_wait_s * 1e9));
  auto until = begun + std::max(scaled(limit), longest) + limits::kPastTheLimit;
  if (end == Silence::End::kLimit) end = watch_stillness(scene, silence_, done, until);
  // The pool waits longer than it declared, and the current wait may still end. The limit is
  // extended only once, because a pool that waits again and again would never be given up.
  if (end == Silence::End::kLimit && silence_.last_time_limit() + limits::kPastTheLimit > until) {
    until = silence_.last_time_limit() + 2 * limits::kPastTheLimit;
    end = watch_stillness(scene, silence_, done, until);
  }
  if (end == Silence::End::kDone) return;
  note("stuck");
  throw Stuck{};
}

void Progress::await_heard(const std::string& command) {
  const auto limit = scene.now() + scaled(limits::kStep);
  const auto read = [&] { return scene.outside().adapter_has_read_all(); };
  // Nothing notifies us when the other side reads. This is the only wait that polls.
  while (!read() && !scene.seen().adapter_ended && scene.now() < limit)
    scene.wait(read, scene.now() + limits::kBetweenReads);
  if (read()) scene.journal().write("heard", {{"cmd", command}});
}

const PlannedTask& Progress::task(const std::string& id) const {
  return *std::find_if(plan.tasks.begin(), plan.tasks.end(),
                       [&](const auto& task) { return task.id == id; });
}

std::vector<std::string> Progress::tasks_of(const std::string& role) const {
  std::vector<std::string> ids;
  for (const PlannedTask& task : plan.tasks)
    if (task.role == role) ids.push_back(task.id);
  return ids;
}

bool Progress::settled(const std::vector<std::string>& ids) const {
  const auto& outcomes = scene.seen().outcomes;
  return std::all_of(ids.begin(), ids.end(),
                     [&](const auto& id) { return outcomes.count(id) > 0; });
}

std::vector<Meeting*> Progress::standing(const std::vector<std::string>& ids,
                                         const std::string& point) {
  std::vector<Meeting*> found = standing_anywhere();
  std::erase_if(found, [&](const Meeting* meeting) {
    const bool ours = std::find(ids.begin(), ids.end(), meeting->task) != ids.end();
    return !ours || meeting->point != point;
  });
  return found;
}

std::vector<Meeting*> Progress::standing_anywhere() {
  std::vector<Meeting*> found;
  for (Meeting& meeting : scene.meetings())
    if (!meeting.answered && !meeting.left) found.push_back(&meeting);
  return found;
}

void Progress::release(const std::vector<Meeting*>& meetings) {
  for (Meeting* meeting : meetings) scene.answer(*meeting, {{"do", "go"}});
}

// A body waits at its rendezvous if it warms the pool up, or if a fault will still strike its role
// there. A bystander also waits while a strike has no receipt yet.
bool Progress::waits_for_us(const Meeting& meeting) const {
  const auto known = std::find_if(plan.tasks.begin(), plan.tasks.end(),
                                  [&](const auto& task) { return task.id == meeting.task; });
  if (known == plan.tasks.end()) return false;
  // If a pool runs a warm-up task again later, it is not held.
  if (known->role == "warm-up")
    return plan.steps[static_cast<std::size_t>(index_)].kind == StepKind::kWarmUp;
  for (const Step& step : plan.steps) {
    if (step.kind != StepKind::kStrike || strikes_over.count(step.fault) > 0) continue;
    const bool bystander =
        std::find(step.tasks.begin(), step.tasks.end(), meeting.task) != step.tasks.end();
    if (bystander && meeting.point == "running") return true;
    if (struck.count(step.fault) > 0) continue;
    const faults::Fault& fault = plan.faults[static_cast<std::size_t>(step.fault)];
    if (fault.role == known->role && faults::meets_at(fault.point) == meeting.point &&
        times_met(meeting) >= fault.trigger.nth)
      return true;
  }
  return false;
}

int Progress::times_met(const Meeting& meeting) const {
  const auto& all = scene.seen().meetings;
  return static_cast<int>(std::count_if(all.begin(), all.end(), [&](const Meeting& other) {
    return other.task == meeting.task && other.point == meeting.point;
  }));
}

}  // namespace poolproof::conformance
