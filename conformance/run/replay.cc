#include "conformance/run/replay.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "conformance/run/pools.h"

namespace poolproof::conformance {
namespace {

using nlohmann::json;

// The statuses of the parts that must hold, by name: two verdicts are compared by them.
std::set<std::pair<std::string, Status>> weighty_parts(const CellVerdict& cell) {
  std::set<std::pair<std::string, Status>> parts;
  for (const Part& part : cell.parts)
    if (part.level == scenarios::Level::kMust) parts.emplace(part.name, part.status);
  return parts;
}

scenarios::Plan plan_in(const Record& record, const std::string& run) {
  for (const Observation& line : record.observations) {
    if (line.kind != "plan" || line.run != run) continue;
    try {
      return line.fields.at("plan").get<scenarios::Plan>();
    } catch (const std::exception& error) {
      throw ReplayError("line " + std::to_string(line.seq) + ": the plan of `" + run +
                        "` cannot be read: " + error.what());
    }
  }
  throw ReplayError("`" + run + "` was not run, so there is nothing to repeat");
}

}  // namespace

Recorded find_recorded(const Record& record, const std::string& run) {
  Recorded recorded;
  std::vector<std::string> runs;
  for (const CellVerdict& cell : judge_record(record.observations)) {
    runs.push_back(cell.pool + ":" + cell.scenario);
    if (runs.back() == run) recorded.verdict = cell;
  }
  if (recorded.verdict.pool.empty()) {
    const auto meant = nearest(run, runs);
    const std::string one = meant ? *meant : runs.empty() ? "" : runs.front();
    throw ReplayError("there is no run `" + run + "` in the record" +
                      (meant         ? "; did you mean `" + one + "`?"
                       : one.empty() ? ", nor any other"
                                     : "; it has such as `" + one + "`"));
  }
  recorded.pool = recorded.verdict.pool;
  recorded.scenario = recorded.verdict.scenario;
  if (weight_of(recorded.verdict.status) == Weight::kAside)
    throw ReplayError("`" + run + "` was not run (" + to_string(recorded.verdict.status) + ": " +
                      recorded.verdict.why + "), so there is nothing to repeat");
  recorded.plan = plan_in(record, run);
  for (const Observation& line : record.observations) {
    if (line.kind == "header") recorded.cwd = line.fields.value("cwd", "");
    if (line.kind == "pool" && line.fields.value("name", "") == recorded.pool)
      recorded.command = line.fields.value("command", std::vector<std::string>{});
  }
  if (recorded.command.empty())
    throw ReplayError("the record does not say how the adapter of `" + recorded.pool +
                      "` is started");
  return recorded;
}

Replayed replay(const Recorded& recorded, const SessionOptions& options, const CheckHooks& hooks) {
  SessionOptions all_attempts = options;
  all_attempts.repeat_passing_too = true;
  Session session(all_attempts, hooks);
  AdapterCommand adapter = session.adapter(recorded.command);
  if (std::filesystem::is_directory(recorded.cwd)) adapter.cwd = recorded.cwd;
  const Session::Hello hello = session.ask({{recorded.pool, adapter}}).front();
  if (hello.over && hello.over->how != "interrupted") {
    session.finish();
    throw ReplayError("the adapter of `" + recorded.pool +
                      "` cannot be spoken to: " + hello.over->why);
  }
  Replayed replayed;
  if (hello.facts) {
    replayed.pool_version = hello.facts->version;
    session.line("pool",
                 {{"name", recorded.pool}, {"command", recorded.command}, {"facts", *hello.facts}});
    session.run({{recorded.pool, recorded.scenario, recorded.plan, "", "", adapter}});
  }
  const Checked checked = session.finish();
  replayed.interrupted = checked.interrupted;
  if (checked.cells.empty()) return replayed;
  replayed.verdict = checked.cells.front();
  replayed.same = replayed.verdict.status == recorded.verdict.status &&
                  weighty_parts(replayed.verdict) == weighty_parts(recorded.verdict);
  return replayed;
}

}  // namespace poolproof::conformance
