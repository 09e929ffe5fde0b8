#include "conformance/cli/sweep_text.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "reports/look.h"
#include "reports/replay.h"
#include "reports/text.h"

namespace poolproof::cli {
namespace {

using namespace conformance::sweep;  // NOLINT: a sweep is all that this file is about
using conformance::CellVerdict;
using conformance::Status;
using conformance::Weight;
using nlohmann::json;

constexpr int kColumn = 10;
constexpr std::size_t kNamed = 12;

// "kill" for "signal:KILL": the form that a user types.
std::string typed(const faults::CallEffect& effect) {
  const std::string whole = faults::to_string(effect);
  for (const char* word : {"kill", "segv", "abrt"})
    if (parse_effects(word).front() == effect) return word;
  return whole;
}

std::string words_of(const Point& point) {
  const std::string moment = faults::to_string(point.moment);
  return to_string(point.label) + ", " + moment + ", " + typed(point.effect);
}

std::string counted(std::size_t n, const std::string& noun) {
  return std::to_string(n) + " " + noun + (n == 1 ? "" : "s");
}

std::string share(const Coverage& coverage) {
  const double percent = coverage.recorded == 0 ? 100 : 100.0 * coverage.struck / coverage.recorded;
  return std::to_string(coverage.struck) + " of " + std::to_string(coverage.recorded) + " (" +
         std::to_string(static_cast<int>(std::floor(percent))) + " %)";
}

std::string per_second(const Rate& rate) {
  const double value = rate.seconds > 0 ? rate.runs / rate.seconds : 0;
  std::string text = std::to_string(std::llround(value * 10) / 10) + "." +
                     std::to_string(std::llround(value * 10) % 10);
  return text + " a second";
}

std::string table(const Tally& tally) {
  std::set<Status> statuses;
  for (const auto& [phase, counts] : tally.by_phase)
    for (const auto& [status, count] : counts) statuses.insert(status);
  if (statuses.empty()) return "";
  std::vector<Status> columns(statuses.begin(), statuses.end());
  std::sort(columns.begin(), columns.end(), [](Status a, Status b) {
    return conformance::worse(b, a);  // passes first
  });
  std::string text = reports::padded("phase", kColumn);
  for (const Status status : columns) text += "  " + conformance::to_string(status);
  text += "\n";
  for (const Phase phase : all_phases()) {
    const auto row = tally.by_phase.find(phase);
    if (row == tally.by_phase.end()) continue;
    text += reports::padded(to_string(phase), kColumn);
    for (const Status status : columns) {
      const auto count = row->second.find(status);
      const std::string number = count == row->second.end() ? "·" : std::to_string(count->second);
      const int width = static_cast<int>(conformance::to_string(status).size());
      text += "  " +
              std::string(static_cast<std::size_t>(std::max(0, width - reports::width_of(number))),
                          ' ') +
              number;
    }
    text += "\n";
  }
  return text;
}

std::string coverage_text(const Tally& tally) {
  std::string text;
  for (const char* moment : {"before", "torn", "after"}) {
    const auto found = tally.by_moment.find(moment);
    if (found == tally.by_moment.end()) continue;
    text +=
        (text.empty() ? "Calls struck: " : "; ") + std::string(moment) + " " + share(found->second);
  }
  return text.empty() ? "" : text + "\n";
}

std::string never_text(const Tally& tally) {
  if (tally.never_fired.empty()) return "";
  std::set<std::string> calls;
  for (const NeverFired& never : tally.never_fired)
    calls.insert("  " + never.point.workload + "  " + to_string(never.point.label) +
                 ": the call came in " + std::to_string(never.recorded_in) + " of " +
                 std::to_string(kRecordings) +
                 " recorded runs, and in none of those that were to "
                 "strike it\n");
  std::string text = counted(tally.never_fired.size(), "point") + " never fired:\n";
  for (const std::string& call : calls) text += call;
  return text;
}

const conformance::Part* failed_part(const CellVerdict& verdict) {
  for (const auto& part : verdict.parts)
    if (conformance::weight_of(part.status) == Weight::kFails) return &part;
  return nullptr;
}

std::string failures_text(const Tally& tally, const std::string& pool, const reports::Look& look) {
  std::string text;
  for (const auto& group : tally.failures) {
    const Failure& first = group.front();
    text += reports::painted(reports::labelled(first.verdict.status), first.verdict.status, look) +
            " at " + counted(group.size(), "point");
    if (const auto* part = failed_part(first.verdict)) {
      text += ": " + part->name + "\n";
      text += "    expected  " + reports::escaped(part->expected) + "\n";
      text += "    got       " + reports::escaped(part->got) + "\n";
    } else {
      text += "\n    " + reports::escaped(first.verdict.why) + "\n";
    }
    if (!first.verdict.attempts.empty())
      for (const std::string& sentence : first.verdict.attempts.back().evidence)
        text += "    - " + reports::escaped(sentence) + "\n";
    for (const Failure& failure : group) {
      text += "  " + to_string(failure.point.phase) + "  ";
      if (!failure.verdict.rate.empty()) text += "(" + failure.verdict.rate + ")  ";
      text += again_line(pool, failure.point, look) + "\n";
    }
  }
  return text;
}

std::string inconclusive_text(const Tally& tally, const reports::Look& look) {
  std::string text;
  for (std::size_t i = 0; i < tally.inconclusive.size() && i < kNamed; ++i) {
    const Failure& one = tally.inconclusive[i];
    text += reports::painted(reports::labelled(one.verdict.status), one.verdict.status, look) +
            "  " + words_of(one.point) + ": " + reports::escaped(one.verdict.why) + "\n";
  }
  if (tally.inconclusive.size() > kNamed)
    text += "  and " + std::to_string(tally.inconclusive.size() - kNamed) + " more\n";
  return text;
}

std::string rates_text(const Swept& swept) {
  std::string text;
  for (const Rate& rate : swept.rates)
    text += (text.empty() ? "Runs: " : "; ") + rate.what + " " + std::to_string(rate.runs) + ", " +
            per_second(rate);
  return text.empty() ? "" : text + "\n";
}

json calls_json(const Recording& recording) {
  json calls = json::array();
  for (const RecordedCall& call : recording.calls)
    calls.push_back({{"role", to_string(call.label.role)},
                     {"at", faults::to_string(call.label.at)},
                     {"phase", to_string(call.phase)},
                     {"recorded_in", call.runs},
                     {"returns", call.returns},
                     {"bytes", call.bytes}});
  return calls;
}

json point_json(const SweptPoint& one, const std::string& pool, const reports::Look& look) {
  json point = {{"workload", one.point.workload},
                {"role", to_string(one.point.label.role)},
                {"at", faults::to_string(one.point.label.at)},
                {"phase", to_string(one.point.phase)},
                {"moment", faults::to_string(one.point.moment)},
                {"effect", faults::to_string(one.point.effect)},
                {"scenario", scenario_of(one.point)},
                {"again", again_line(pool, one.point, look)},
                {"status", nullptr}};
  if (!one.verdict) return point;
  point["status"] = conformance::to_string(one.verdict->status);
  point["why"] = one.verdict->why;
  point["rate"] = one.verdict->rate;
  point["attempts"] = one.verdict->attempts.size();
  return point;
}

}  // namespace

std::string again_line(const std::string& pool, const Point& point, const reports::Look& look) {
  return reports::replay_line(pool, scenario_of(point), look);
}

std::string sweep_surprise(const CellVerdict& cell, const reports::Look& look) {
  const Weight weight = conformance::weight_of(cell.status);
  const bool blank = cell.status == Status::kVacuous;  // the summary counts these
  if (weight == Weight::kPasses || weight == Weight::kAside || blank) return "";
  const std::string line = reports::labelled(cell.status) + "  " + reports::escaped(cell.scenario);
  return reports::painted(line, cell.status, look) + "\n";
}

std::string sweep_summary(const Swept& swept, const std::string& pool, const reports::Look& look) {
  if (swept.aside)
    return reports::labelled(swept.aside->status) + "  " + pool + ": " +
           reports::escaped(swept.aside->why) + "\n";
  const Tally tally = tally_of(swept);
  std::string text = "\n" + failures_text(tally, pool, look) + inconclusive_text(tally, look);
  text += never_text(tally) + "\n" + table(tally) + "\n";
  const std::size_t done = swept.points.size() - static_cast<std::size_t>(tally.left);
  text += counted(done, "point") + " of " + std::to_string(swept.points.size());
  if (swept.resumed > 0) text += " (" + std::to_string(swept.resumed) + " of an earlier call)";
  std::size_t failed = 0;
  for (const auto& group : tally.failures) failed += group.size();
  text += ": " + std::to_string(failed) + " failed, " + std::to_string(tally.inconclusive.size()) +
          " inconclusive, " + std::to_string(tally.never_fired.size()) + " never fired";
  if (tally.left > 0) text += ", " + std::to_string(tally.left) + " left: the same command goes on";
  return text + "\n" + coverage_text(tally) + rates_text(swept);
}

json sweep_json(const Swept& swept, const std::string& pool, const reports::Look& look) {
  json out = {{"pool", pool}, {"interrupted", swept.interrupted}, {"resumed", swept.resumed}};
  if (swept.aside) {
    out["status"] = conformance::to_string(swept.aside->status);
    out["why"] = swept.aside->why;
    return out;
  }
  const Tally tally = tally_of(swept);
  out["facts"] = swept.facts;
  out["workloads"] = json::object();
  for (const KnownWorkload& known : swept.workloads)
    out["workloads"][known.workload.name] = {{"runs", known.recording.runs},
                                             {"workers", known.recording.workers},
                                             {"newborns", known.recording.newborns},
                                             {"calls", calls_json(known.recording)}};
  out["points"] = json::array();
  for (const SweptPoint& one : swept.points) out["points"].push_back(point_json(one, pool, look));
  out["coverage"] = json::object();
  for (const auto& [moment, coverage] : tally.by_moment)
    out["coverage"][moment] = {{"recorded", coverage.recorded}, {"struck", coverage.struck}};
  out["never_fired"] = json::array();
  for (const NeverFired& never : tally.never_fired)
    out["never_fired"].push_back({{"scenario", scenario_of(never.point)},
                                  {"attempts", never.attempts},
                                  {"recorded_in", never.recorded_in}});
  out["left"] = tally.left;
  out["rates"] = json::object();
  for (const Rate& rate : swept.rates)
    out["rates"][rate.what] = {{"runs", rate.runs}, {"seconds", rate.seconds}};
  return out;
}

}  // namespace poolproof::cli
