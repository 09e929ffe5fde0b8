#include "conformance/run/check.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace poolproof::conformance {
namespace {

using nlohmann::json;
using scenarios::Scenario;

// What is known about a pool before its first cell.
struct Asked {
  const Pool* pool = nullptr;
  AdapterCommand adapter;
  Session::Hello hello;
};

std::vector<Asked> ask_all(Session& session, const std::vector<Pool>& pools) {
  std::vector<Asked> all;
  std::vector<std::pair<std::string, AdapterCommand>> speak;
  for (const Pool& pool : pools) {
    all.push_back({&pool, session.adapter(pool.command), {}});
    if (!pool.unavailable.empty()) {
      all.back().hello.over = AttemptOver{"unavailable", pool.unavailable};
    } else if (!pool.error.empty()) {
      all.back().hello.over = AttemptOver{"harness-error", pool.error};
    } else {
      speak.emplace_back(pool.name, all.back().adapter);
    }
  }
  std::vector<Session::Hello> hellos = session.ask(speak);
  std::size_t next = 0;
  for (Asked& asked : all)
    if (!asked.hello.over) asked.hello = std::move(hellos[next++]);
  return all;
}

json pool_line(const Asked& asked) {
  json line = {{"name", asked.pool->name}, {"command", asked.pool->command}};
  if (asked.hello.facts) {
    line["facts"] = *asked.hello.facts;
  } else if (asked.hello.over->how == "unavailable") {
    line["unavailable"] = asked.hello.over->why;
  } else {
    line["error"] = asked.hello.over->why;
    line["stderr"] = asked.hello.over->last_words;
  }
  return line;
}

// Why this machine cannot run it: the cage may not set a limit here. "": it can run.
std::string why_unavailable(const Scenario& scenario, const faults::Doors& doors) {
  for (const faults::Fault& fault : scenario.faults) {
    if (faults::door_of(fault.effect) != faults::Door::kLimit) continue;
    const std::string kind = faults::to_string(fault.effect.resource);
    const auto why = doors.no_limits.find(kind);
    if (why != doors.no_limits.end() && !why->second.empty())
      return "this machine could not limit " + kind + ": " + why->second;
  }
  return "";
}

Cell cell_of(const Asked& asked, const Scenario& scenario, const faults::Doors& doors) {
  Cell cell{asked.pool->name, scenario.name, {}, "", "", asked.adapter};
  if (asked.hello.over && asked.hello.over->how == "unavailable") {
    cell.status = "unavailable";
    cell.why = asked.hello.over->why;
    if (!asked.pool->install.empty()) cell.why += "; to install it: " + asked.pool->install;
  }
  if (!asked.hello.facts) return cell;
  std::string missing;
  for (const std::string& capability :
       scenarios::missing_capabilities(scenario, *asked.hello.facts))
    missing += (missing.empty() ? "" : ", ") + capability;
  const std::string unavailable = why_unavailable(scenario, doors);
  if (missing.empty() && !unavailable.empty()) {
    cell.status = "unavailable";
    cell.why = unavailable;
  } else if (missing.empty()) {
    cell.plan = scenarios::make_plan(scenario, *asked.hello.facts);
  } else {
    cell.status = "declined";
    cell.why = "the pool does not have: " + missing;
  }
  return cell;
}

}  // namespace

Checked check(const CheckOptions& options, const CheckHooks& hooks) {
  Session session(options.session, hooks);
  std::vector<Cell> cells;
  for (const Asked& asked : ask_all(session, options.pools)) {
    // After an interruption, an adapter that did not finish its answer is left out of the record.
    if (!asked.hello.facts && (!asked.hello.over || asked.hello.over->how == "interrupted"))
      continue;
    session.line("pool", pool_line(asked));
    for (const Scenario& scenario : options.scenarios)
      cells.push_back(cell_of(asked, scenario, session.doors()));
  }
  session.run(cells);
  return session.finish();
}

}  // namespace poolproof::conformance
