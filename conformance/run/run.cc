#include "conformance/run/run.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "conformance/protocol/protocol.h"
#include "conformance/run/steps.h"

namespace poolproof::conformance {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr auto kStartLimit = 10s;  // from the cage's start to the adapter's hello
constexpr auto kByeLimit = 5s;
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

std::chrono::nanoseconds start_limit(const AdapterCommand& command) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(kStartLimit * command.crowd);
}

// The cage's own deadline is for the case that the harness is lost. It must never end a pool that
// waits as long as it declared, at more than one step.
std::chrono::milliseconds deadline_beyond(const scenarios::Plan& plan) {
  const double waits_s = plan.pool.longest_wait_s * static_cast<double>(plan.steps.size());
  return std::chrono::milliseconds(static_cast<std::int64_t>(waits_s * 1000));
}

void await_hello(Scene& scene, const AdapterCommand& command, Clock::time_point begun) {
  const auto limit = start_limit(command);
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

}  // namespace

scenarios::PoolFacts ask_adapter(const AdapterCommand& command, Journal& journal, int stop_fd) {
  Scene scene(cage_options(command, std::nullopt), journal, stop_fd);
  try {
    await_hello(scene, command, Clock::now());
    scene.adapter_may_end();
    scene.send(bye_command());
    scene.wait([&] { return scene.seen().adapter_ended; }, Clock::now() + kByeLimit);
    scene.finish();
    return facts_of(scene.seen().hello);
  } catch (AttemptOver& over) {
    scene.finish();
    over.last_words = scene.last_stderr_lines();
    throw;
  }
}

std::string run_attempt(const scenarios::Plan& plan, const AdapterCommand& command,
                        Journal& journal, int stop_fd) {
  AttemptOver over{"done", ""};
  const auto begun = Clock::now();
  faults::CageOptions options = cage_options(command, plan.trace);
  options.deadline += deadline_beyond(plan);
  Scene scene(options, journal, stop_fd);
  try {
    if (!scene.wait([&] { return !scene.seen().ready.is_null(); }, begun + start_limit(command)))
      throw AttemptOver{"harness-error", "the cage was not ready within " +
                                             std::to_string(start_limit(command) / 1s) + " s"};
    const auto ping = median_ping(scene);
    // The ping shows how busy the machine is now; the crowd shows how busy we will make it.
    const double slow = std::chrono::duration<double>(ping).count() / kPingNominal_s;
    const double factor = std::clamp(std::max(slow, command.crowd), 1.0, kLargestFactor);
    journal.head("plan", {{"plan", plan}, {"factor", factor}, {"ping_ns", ping.count()}});
    journal.write("cage", scene.seen().ready);
    await_hello(scene, command, begun);
    execute(plan, scene, factor);
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
    over = reason;
  }
  journal.write("ended", {{"how", over.how}, {"why", over.why}});
  return over.how;
}

}  // namespace poolproof::conformance
