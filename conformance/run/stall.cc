#include "conformance/run/stall.h"

#include <unistd.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "conformance/run/limits.h"

namespace poolproof::conformance {
namespace {

using nlohmann::json;

// More than this, over the whole watch, counts as movement.
constexpr double kBusyCores = 0.2;

struct Totals {
  std::map<Identity, std::pair<std::uint64_t, std::uint64_t>> by_process;  // cpu ticks, bytes
  std::set<Identity> runnable;  // processes with a thread that runs or could
  std::uint64_t messages = 0, ledger_lines = 0, exits = 0;
  std::size_t meetings = 0;
};

Totals totals_of(const Seen& seen, const Snapshot& snapshot) {
  Totals totals{{}, {}, seen.messages, seen.ledger_lines, seen.exits_seen, seen.meetings.size()};
  for (const json& process : snapshot.processes) {
    const Identity identity{process.at("pid"), process.at("start")};
    totals.by_process[identity] = {process.value("cpu_ticks", std::uint64_t{0}),
                                   process.value("io_bytes", std::uint64_t{0})};
    for (const json& thread : process.at("threads"))
      if (thread.at("state") == "R") totals.runnable.insert(identity);
  }
  return totals;
}

std::vector<std::string> moved_between(const Totals& before, const Totals& after,
                                       std::chrono::nanoseconds apart) {
  std::vector<std::string> moved;
  if (after.messages != before.messages) moved.push_back("message");
  if (after.ledger_lines != before.ledger_lines) moved.push_back("ledger");
  if (after.meetings != before.meetings) moved.push_back("rendezvous");
  if (after.exits != before.exits) moved.push_back("exit");
  std::uint64_t ticks = 0, bytes = 0;
  bool loops = false;
  bool same_processes = before.by_process.size() == after.by_process.size();
  for (const auto& [identity, now] : after.by_process) {
    const auto then = before.by_process.find(identity);
    if (then == before.by_process.end()) {
      same_processes = false;
      continue;
    }
    ticks += now.first - then->second.first;
    // A loop counts as movement, even if a busy machine gives it little time.
    loops = loops || (now.first > then->second.first && before.runnable.count(identity) > 0 &&
                      after.runnable.count(identity) > 0);
    bytes += now.second - then->second.second;
  }
  if (!same_processes) moved.push_back("processes");
  if (bytes > 0) moved.push_back("bytes");
  const double cpu_s = static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  if (loops || cpu_s > kBusyCores * std::chrono::duration<double>(apart).count())
    moved.push_back("cpu");
  return moved;
}

}  // namespace

Silence::End watch_stillness(Scene& scene, Silence& silence, const std::function<bool()>& done,
                             Clock::time_point until) {
  using End = Silence::End;
  // Movement before the end of the pool's longest wait, such as an idle worker that ends, says
  // nothing about the result.
  if (const End end = silence.wait(done, until - limits::kWatched); end != End::kLimit) return end;
  const auto begun = scene.now();
  const Snapshot first = scene.snapshot();
  const Totals before = totals_of(scene.seen(), first);
  const int first_number = scene.last_snapshot();
  scene.journal().write("taken", {{"snap", first_number}, {"why", "still"}});
  if (const End end = silence.wait(done, until); end != End::kLimit) return end;
  const Snapshot second = scene.snapshot();
  scene.journal().write("taken", {{"snap", scene.last_snapshot()}, {"why", "still"}});
  if (done()) return End::kDone;
  const auto apart = scene.now() - begun;
  scene.journal().write("still",
                        {{"moved", moved_between(before, totals_of(scene.seen(), second), apart)},
                         {"before", first_number},
                         {"after", scene.last_snapshot()},
                         {"since_ns", std::chrono::nanoseconds(apart).count()}});
  return End::kLimit;
}

}  // namespace poolproof::conformance
