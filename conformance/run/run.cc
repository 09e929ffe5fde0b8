#include "conformance/run/run.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "conformance/protocol/protocol.h"
#include "conformance/run/limits.h"
#include "conformance/run/live_outside.h"
#include "conformance/run/steps.h"

namespace poolproof::conformance {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr double kPingNominal_s = 0.002;  // if a ping takes longer, every limit is lengthened
// A claim gives a correct pool a hundred times the time that it needs. So three times as long is
// enough on any machine. With a larger factor, a pool's own delay of 10 s would be too late on some
// days and in time on others.
constexpr double kLargestFactor = 3;

faults::CageOptions cage_options(const AdapterCommand& command,
                                 const std::optional<faults::Trace>& trace) {
  faults::CageOptions options;
  options.trace = trace;
  options.program = command.cage_program;
  options.command = command.argv;
  options.env = command.env;
  options.cwd = command.cwd;
  return options;
}

std::chrono::nanoseconds start_limit(double crowd) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(limits::kHello * crowd);
}

// The cage's own deadline is for the case that the harness is lost. It must never end a pool that
// waits as long as it declared, at more than one step.
std::chrono::milliseconds deadline_beyond(const scenarios::Plan& plan) {
  const double waits_s = plan.pool.longest_wait_s * static_cast<double>(plan.steps.size());
  return std::chrono::milliseconds(static_cast<std::int64_t>(waits_s * 1000));
}

void await_hello(Scene& scene, double crowd, Clock::time_point begun) {
  const auto limit = start_limit(crowd);
  if (!scene.wait([&] { return !scene.seen().hello.is_null(); }, begun + limit))
    throw AttemptOver{"harness-error",
                      "the adapter said no `hello` within " + std::to_string(limit / 1s) + " s"};
}

std::chrono::nanoseconds median_ping(Scene& scene) {
  std::array<std::chrono::nanoseconds, 5> pings;
  for (auto& ping : pings) ping = scene.ping();
  std::sort(pings.begin(), pings.end());
  return pings[pings.size() / 2];
}

void run_steps(const scenarios::Plan& plan, Scene& scene, double crowd) {
  const auto begun = scene.now();
  if (!scene.wait([&] { return !scene.seen().ready.is_null(); }, begun + start_limit(crowd)))
    throw AttemptOver{"harness-error", "the cage was not ready within " +
                                           std::to_string(start_limit(crowd) / 1s) + " s"};
  const auto ping = median_ping(scene);
  // The ping shows how busy the machine is now; the crowd shows how busy we will make it.
  const double slow = std::chrono::duration<double>(ping).count() / kPingNominal_s;
  const double factor = std::clamp(std::max(slow, crowd), 1.0, kLargestFactor);
  scene.journal().head("plan", {{"plan", plan}, {"factor", factor}, {"ping_ns", ping.count()}});
  scene.journal().write("cage", scene.seen().ready);
  await_hello(scene, crowd, begun);
  execute(plan, scene, factor);
}

}  // namespace

scenarios::PoolFacts ask_adapter(Outside& outside, double crowd, Journal& journal) {
  Scene scene(outside, journal);
  try {
    await_hello(scene, crowd, scene.now());
    scene.adapter_may_end();
    scene.send(bye_command());
    scene.wait([&] { return scene.seen().adapter_ended; }, scene.now() + limits::kBye);
    scene.finish();
    return facts_of(scene.seen().hello);
  } catch (AttemptOver& over) {
    scene.finish();
    over.last_words = scene.last_stderr_lines();
    throw;
  }
}

scenarios::PoolFacts ask_adapter(const AdapterCommand& command, Journal& journal, int stop_fd) {
  LiveOutside outside(cage_options(command, std::nullopt), stop_fd);
  return ask_adapter(outside, command.crowd, journal);
}

std::string run_attempt(const scenarios::Plan& plan, Outside& outside, double crowd,
                        Journal& journal) {
  AttemptOver over{"done", ""};
  Scene scene(outside, journal);
  try {
    run_steps(plan, scene, crowd);
  } catch (const AttemptOver& reason) {
    over = reason;
    if (over.how == "unavailable")  // it said hello when it was asked; otherwise this would not run
      over = {"harness-error", "the adapter refused `hello` in an attempt: " + reason.why};
  } catch (const Stuck&) {
    over = {"stuck", "a step did not end"};
  }
  if (!journal.headed()) journal.head("plan", {{"plan", plan}, {"factor", 1.0}, {"ping_ns", 0}});
  try {
    scene.finish();
  } catch (const AttemptOver& reason) {
    if (over.how != "harness-error") over = reason;  // the first reason explains the second one
  }
  journal.write("ended", {{"how", over.how}, {"why", over.why}});
  return over.how;
}

std::string run_attempt(const scenarios::Plan& plan, const AdapterCommand& command,
                        Journal& journal, int stop_fd) {
  faults::CageOptions options = cage_options(command, plan.trace);
  options.deadline += deadline_beyond(plan);
  LiveOutside outside(options, stop_fd);
  return run_attempt(plan, outside, command.crowd, journal);
}

}  // namespace poolproof::conformance
