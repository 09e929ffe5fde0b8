#include "fuzz/simulation/plan.h"

#include <array>

namespace poolproof::simulation {
namespace {

using namespace std::chrono_literals;

Plan bare_plan() {
  Plan plan;
  plan.options.workers = 2;
  plan.options.initializer_limit = 3s;
  plan.options.start_limit = 2s;
  plan.options.channel_grace = 500ms;
  plan.options.stop_grace = 1s;
  plan.settings.max_payload = std::size_t{1} << 20;
  return plan;
}

void watch_growth(Plan& plan) {
  plan.options.memory_growth = std::size_t{1} << 20;
  plan.settings.memory_interval = 1ms;
}

void give_all(Plan& plan, const TaskPlan& task) {
  for (TaskPlan& each : plan.tasks) each = task;
}

// One worker must be killed, and cannot be.
void hang_without_kills(Plan& plan, Kill kill) {
  plan.kill = kill;
  plan.tasks[0] = {.body = Body::kHangs, .run_limit = 1s, .retries = 1};
  plan.impatient = false;
}

constexpr std::array kVariants = {
    Variant{"plain", [](Plan&) {}},
    Variant{"patient", [](Plan& plan) { plan.impatient = false; }},
    Variant{"breaks", [](Plan& plan) { plan.options.on_death = OnDeath::kBreakPool; }},
    Variant{"retries", [](Plan& plan) { give_all(plan, {.retries = 1}); }},
    Variant{"deadlines",
            [](Plan& plan) {
              give_all(plan, {.deadline = 1s});
              plan.impatient = false;
            }},
    Variant{"run limits",
            [](Plan& plan) {
              give_all(plan, {.run_limit = 1s, .retries = 1});
              plan.impatient = false;
            }},
    Variant{"initializer", [](Plan& plan) { plan.init = Init::kWorks; }},
    Variant{"initializer throws", [](Plan& plan) { plan.init = Init::kThrows; }},
    Variant{"initializer crashes", [](Plan& plan) { plan.init = Init::kCrashes; }},
    Variant{"initializer hangs",
            [](Plan& plan) {
              plan.init = Init::kHangs;
              plan.impatient = false;
            }},
    Variant{"initializer, breaks",
            [](Plan& plan) {
              plan.init = Init::kWorks;
              plan.options.on_death = OnDeath::kBreakPool;
            }},
    Variant{"idle timeout",
            [](Plan& plan) {
              plan.options.idle_timeout = 100ms;
              plan.impatient = false;
            }},
    Variant{"no idling", [](Plan& plan) { plan.options.idle_timeout = 0s; }},
    Variant{"recycled", [](Plan& plan) { plan.options.tasks_per_worker = 1; }},
    Variant{"grown",
            [](Plan& plan) {
              watch_growth(plan);
              plan.options.workers = 1;  // so that one worker gets two tasks, and grows
              plan.tasks[1].body = Body::kHoards;
            }},
    Variant{"ends by cancel", [](Plan& plan) { plan.end.pending = Pending::kCancel; }},
    Variant{"ends by kill", [](Plan& plan) { plan.end.running = Running::kKill; }},
    Variant{"ends within a second", [](Plan& plan) { plan.end_within = 1s; }},
    Variant{"crashing body", [](Plan& plan) { plan.tasks[0].body = Body::kCrashes; }},
    Variant{"crashing body, retried",
            [](Plan& plan) { plan.tasks[0] = {.body = Body::kCrashes, .retries = 1}; }},
    Variant{"crashing body, breaks",
            [](Plan& plan) {
              plan.tasks[0].body = Body::kCrashes;
              plan.options.on_death = OnDeath::kBreakPool;
            }},
    Variant{"hanging body, deadline",
            [](Plan& plan) {
              plan.tasks[0] = {.body = Body::kHangs, .deadline = 1s};
              plan.impatient = false;
            }},
    Variant{"hanging body, run limit",
            [](Plan& plan) {
              plan.tasks[0] = {.body = Body::kHangs, .run_limit = 1s};
              plan.impatient = false;
            }},
    Variant{"throwing body, stderr kept",
            [](Plan& plan) {
              plan.tasks[0].body = Body::kThrows;
              plan.settings.keep_stderr = true;
            }},
    Variant{"large arguments",
            [](Plan& plan) {
              give_all(plan, {.run_limit = 1s, .large_call = true});
              plan.pace = 120;
              plan.impatient = false;
            }},
    Variant{"large results", [](Plan& plan) { give_all(plan, {.large_reply = true}); }},
    Variant{"kills refused", [](Plan& plan) { hang_without_kills(plan, Kill::kRefused); }},
    Variant{"kills useless", [](Plan& plan) { hang_without_kills(plan, Kill::kUseless); }},
    Variant{"kills useless, breaks",
            [](Plan& plan) {
              hang_without_kills(plan, Kill::kUseless);
              plan.options.on_death = OnDeath::kBreakPool;
            }},
    Variant{"kills useless, ends by kill",
            [](Plan& plan) {
              plan.kill = Kill::kUseless;
              plan.end.running = Running::kKill;
            }},
    Variant{"workers refuse", [](Plan& plan) { plan.refuses = true; }},
    Variant{"long bodies", [](Plan& plan) { give_all(plan, {.body = Body::kLong}); }},
};

TaskPlan random_task(Choices& choices) {
  TaskPlan task;
  if (choices.pick(3) == 0) task.body = static_cast<Body>(choices.pick(7));
  if (choices.pick(4) == 0) task.deadline = 200ms * static_cast<int>(choices.pick(20));
  if (choices.pick(4) == 0) task.run_limit = 300ms * static_cast<int>(1 + choices.pick(5));
  if (choices.pick(4) == 0) task.retries = static_cast<int>(choices.pick(3));
  task.large_call = choices.pick(6) == 0;
  task.large_reply = choices.pick(24) == 0;
  return task;
}

}  // namespace

Plan random_plan(Choices& choices) {
  Plan plan = bare_plan();
  plan.options.workers = static_cast<int>(1 + choices.pick(3));
  if (choices.pick(4) == 0) plan.options.on_death = OnDeath::kBreakPool;
  if (choices.pick(3) == 0) {
    plan.init = choices.pick(2) == 0 ? Init::kWorks : static_cast<Init>(1 + choices.pick(4));
  }
  if (choices.pick(4) == 0) plan.options.idle_timeout = 300ms * static_cast<int>(choices.pick(3));
  if (choices.pick(4) == 0) plan.options.tasks_per_worker = static_cast<int>(1 + choices.pick(2));
  if (choices.pick(4) == 0) watch_growth(plan);
  if (choices.pick(8) == 0) plan.kill = static_cast<Kill>(1 + choices.pick(2));
  plan.refuses = choices.pick(64) == 0;
  plan.settings.keep_stderr = choices.pick(4) == 0;
  plan.settings.has_initializer = plan.init != Init::kNone;
  const std::size_t tasks = 1 + choices.pick(5);
  for (std::size_t i = 0; i < tasks; ++i) plan.tasks.push_back(random_task(choices));
  plan.at_once = choices.pick(tasks + 1);
  plan.shuffled = choices.pick(4) != 0;
  plan.impatient = choices.pick(2) == 0;
  if (choices.pick(5) == 0) plan.pace = 60;
  plan.steps = static_cast<int>(40 + choices.pick(120));
  plan.strikes = static_cast<int>(choices.pick(7));
  plan.calm = 1 + choices.pick(16);
  plan.end.pending = choices.pick(3) == 0 ? Pending::kCancel : Pending::kDrain;
  plan.end.running = choices.pick(4) == 0 ? Running::kKill : Running::kFinish;
  if (choices.pick(3) == 0) plan.end_within = 500ms * static_cast<int>(choices.pick(6));
  return plan;
}

std::span<const Variant> variants() { return kVariants; }

Plan walked_plan(const Variant& variant, int strikes) {
  Plan plan = bare_plan();
  plan.tasks.resize(3);
  plan.at_once = 2;
  plan.strikes = strikes;
  plan.brief = strikes > 1;
  variant.change(plan);
  plan.settings.has_initializer = plan.init != Init::kNone;
  return plan;
}

}  // namespace poolproof::simulation
