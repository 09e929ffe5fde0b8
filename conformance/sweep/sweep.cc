#include "conformance/sweep/sweep.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "conformance/judge/oracle.h"
#include "conformance/sweep/earlier.h"

namespace poolproof::conformance::sweep {
namespace {

using faults::Trace;
using nlohmann::json;
using scenarios::PoolFacts;

struct Learnt {
  std::vector<KnownWorkload> workloads;
  std::vector<Point> points;
};

// One effect after the other. Within an effect, the phases of each workload take turns, so that a
// budget that is too small leaves none of them out.
std::vector<Point> in_turn(const std::vector<Point>& points,
                           const std::vector<faults::CallEffect>& effects) {
  using Turn = std::pair<std::ptrdiff_t, int>;
  std::map<std::tuple<std::ptrdiff_t, std::string, Phase>, int> seen;
  std::vector<std::pair<Turn, const Point*>> turns;
  for (const Point& point : points) {
    const auto rank = std::find(effects.begin(), effects.end(), point.effect) - effects.begin();
    turns.push_back({{rank, seen[{rank, point.workload, point.phase}]++}, &point});
  }
  std::stable_sort(turns.begin(), turns.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Point> ordered;
  for (const auto& [turn, point] : turns) ordered.push_back(*point);
  return ordered;
}

std::optional<Learnt> learnt_from(const Earlier& earlier, const SweepOptions& options,
                                  const PoolFacts& facts) {
  Learnt learnt;
  for (const Workload& workload : options.workloads) {
    auto recording = recording_in(earlier, workload, facts, kRecordings);
    if (!recording) return std::nullopt;
    const auto points = points_of(workload.name, *recording, options.wanted, can_be_frozen(facts));
    learnt.points.insert(learnt.points.end(), points.begin(), points.end());
    learnt.workloads.push_back({workload, std::move(*recording)});
  }
  learnt.points = in_turn(learnt.points, options.wanted.effects);
  return learnt;
}

// The record of an interrupted sweep; empty if it belongs to another pool, or if it already has
// everything that is wanted.
std::vector<Observation> to_go_on_with(const SweepOptions& options) {
  const std::filesystem::path file = options.session.out / "events.ndjson";
  if (options.anew || !std::filesystem::is_regular_file(file) ||
      std::filesystem::file_size(file) == 0)
    return {};
  Earlier earlier = earlier_of(read_record(file).observations);
  const std::string other = "; choose another --out, or begin anew with --anew";
  if (earlier.pool.empty())
    throw SweepError("`" + file.string() + "` is no record of a sweep" + other);
  if (earlier.pool != options.pool.name)
    throw SweepError("`" + file.string() + "` is of a sweep of `" + earlier.pool + "`" + other);
  if (earlier.facts.is_object()) {
    const auto learnt = learnt_from(earlier, options, earlier.facts.get<PoolFacts>());
    const auto stands = [&](const Point& point) {
      return earlier.verdicts.count(scenario_of(point)) > 0;
    };
    if (learnt && std::all_of(learnt->points.begin(), learnt->points.end(), stands)) return {};
  }
  return std::move(earlier.lines);
}

class Sweep {
 public:
  Sweep(const SweepOptions& options, const CheckHooks& hooks)
      : options_(options),
        watched_(hooks),
        hooks_(hooks),
        begun_(Clock::now()),
        session_(session_options(), hooks_) {}

  Swept operator()() {
    if (meet_pool()) {
      record();
      if (!swept_.aside) strike();
      if (!swept_.aside) measure();
    }
    Checked checked = session_.finish();
    swept_.interrupted = checked.interrupted;
    swept_.cells = std::move(checked.cells);
    std::map<std::string, const CellVerdict*> verdicts;
    for (const CellVerdict& cell : swept_.cells) verdicts[cell.scenario] = &cell;
    for (SweptPoint& one : swept_.points) {
      const auto verdict = verdicts.find(scenario_of(one.point));
      if (verdict != verdicts.end() && verdict->second->status != Status::kCutOff)
        one.verdict = *verdict->second;
    }
    return std::move(swept_);
  }

 private:
  SessionOptions session_options() {
    SessionOptions session = options_.session;
    session.before = to_go_on_with(options_);
    goes_on_ = !session.before.empty();
    if (options_.budget)
      session.enough = [this] { return Clock::now() - begun_ > *options_.budget; };
    hooks_.cell = [this](const CellVerdict& cell) {
      attempts_ += static_cast<int>(cell.attempts.size());
      if (watched_.cell) watched_.cell(cell);
    };
    return session;
  }

  void set_aside(const char* status, const std::string& why) {
    session_.line(
        "cell",
        {{"pool", options_.pool.name}, {"scenario", "sweep"}, {"status", status}, {"why", why}},
        options_.pool.name + ":sweep");
    CellVerdict verdict{.pool = options_.pool.name, .scenario = "sweep"};
    verdict.status = parse_status(status).value_or(Status::kHarnessError);
    verdict.why = why;
    swept_.aside = std::move(verdict);
  }

  // False: it cannot be swept, and the reason is in the record.
  bool meet_pool() {
    adapter_ = session_.adapter(options_.pool.command);
    json line = {{"name", options_.pool.name}, {"command", options_.pool.command}};
    if (!options_.pool.unavailable.empty()) {
      line["unavailable"] = options_.pool.unavailable;
      session_.line("pool", line);
      set_aside("unavailable", options_.pool.unavailable);
      return false;
    }
    if (!options_.pool.error.empty()) throw SweepError(options_.pool.error);
    const Session::Hello hello = session_.ask({{options_.pool.name, adapter_}}).front();
    if (hello.over && hello.over->how == "interrupted") return false;
    if (!hello.facts) {
      const bool absent = hello.over && hello.over->how == "unavailable";
      const std::string why = hello.over ? hello.over->why : "it was not asked";
      if (!absent) throw SweepError("the adapter of `" + options_.pool.name + "`: " + why);
      line["unavailable"] = why;
      session_.line("pool", line);
      set_aside("unavailable", why);
      return false;
    }
    swept_.facts = *hello.facts;
    line["facts"] = swept_.facts;
    if (!goes_on_) session_.line("pool", line);
    if (goes_on_) demand_the_same_pool();
    const std::string missing = missing_for_sweep(swept_.facts);
    if (!missing.empty()) set_aside("declined", "the pool does not have: " + missing);
    const std::string& shut = session_.doors().no_syscalls;
    if (missing.empty() && !shut.empty())
      set_aside("unavailable", "no process can be traced here: " + shut);
    return !swept_.aside;
  }

  void demand_the_same_pool() {
    const Earlier earlier = earlier_of(read_record(session_.file()).observations);
    if (!earlier.facts.is_object() || earlier.facts.get<PoolFacts>() != swept_.facts)
      throw SweepError("`" + session_.file().string() +
                       "` is of another version of the pool, or says other things of it; choose "
                       "another --out, or begin anew with --anew");
  }

  Cell cell(const std::string& scenario, scenarios::Plan plan) const {
    Cell one{options_.pool.name, scenario, std::move(plan), "", "", adapter_};
    return one;
  }

  void record() {
    const Earlier earlier = earlier_of(read_record(session_.file()).observations);
    std::vector<Cell> cells;
    for (const Workload& workload : options_.workloads)
      for (int run = 1; run <= kRecordings; ++run) {
        const std::string scenario = recording_of(workload.name, run);
        if (earlier.verdicts.count(scenario) > 0) continue;
        cells.push_back(cell(scenario, plan_of(workload, swept_.facts, scenario,
                                               Trace{faults::calls_of_a_sweep(), true, {}})));
        cells.back().more = {{"workload", workload.name}};
      }
    session_.run(cells);
  }

  void strike() {
    const Earlier earlier = earlier_of(read_record(session_.file()).observations);
    auto learnt = learnt_from(earlier, options_, swept_.facts);
    if (!learnt) return;  // interrupted, or the harness failed: the cells say which
    swept_.workloads = std::move(learnt->workloads);
    std::map<std::string, const KnownWorkload*> known;
    for (const KnownWorkload& one : swept_.workloads) {
      known[one.workload.name] = &one;
      if (one.recording.workers.empty())
        throw SweepError("no process of `" + options_.pool.name +
                         "` was seen to run a task of the workload " + one.workload.name +
                         " and to be born in it; a pool that keeps its workers beyond a close "
                         "cannot be swept");
    }
    if (learnt->points.empty() && options_.wanted.at)
      throw SweepError("no recorded run has the call `" + to_string(*options_.wanted.at) +
                       "`, or nothing can strike there so; `poolproof sweep " + options_.pool.name +
                       " --json` lists those that it has");
    std::vector<Cell> cells;
    for (const Point& point : learnt->points) {
      swept_.points.push_back({point, std::nullopt});
      if (earlier.verdicts.count(scenario_of(point)) > 0) {
        ++swept_.resumed;
      } else {
        cells.push_back(cell_of(point, *known.at(point.workload)));
      }
    }
    timed("struck", cells);
  }

  Cell cell_of(const Point& point, const KnownWorkload& known) const {
    const std::string scenario = scenario_of(point);
    Trace trace{{point.label.at.call}, false, strike_at(point, known.recording)};
    Cell one = cell(scenario, plan_of(known.workload, swept_.facts, scenario, std::move(trace)));
    one.more = {{"workload", point.workload},
                {"phase", to_string(point.phase)},
                {"role", to_string(point.label.role)},
                {"at", faults::to_string(point.label.at)},
                {"moment", faults::to_string(point.moment)},
                {"effect", faults::to_string(point.effect)}};
    return one;
  }

  void timed(const std::string& what, const std::vector<Cell>& cells) {
    attempts_ = 0;
    const auto from = Clock::now();
    session_.run(cells);
    const double seconds = std::chrono::duration<double>(Clock::now() - from).count();
    if (attempts_ > 0) swept_.rates.push_back({what, attempts_, seconds});
  }

  void measure() {
    for (const bool traced : {false, true}) {
      std::vector<Cell> cells;
      for (int run = 1; run <= options_.measured; ++run)
        for (const Workload& workload : options_.workloads) {
          const std::string scenario = "sweep/" + workload.name + "/" +
                                       (traced ? "traced-" : "untraced-") + std::to_string(run);
          std::optional<Trace> trace;
          if (traced) trace = Trace{faults::calls_of_a_sweep(), false, {}};
          cells.push_back(cell(scenario, plan_of(workload, swept_.facts, scenario, trace)));
        }
      timed(traced ? "traced" : "untraced", cells);
    }
  }

  const SweepOptions& options_;
  const CheckHooks& watched_;
  CheckHooks hooks_;
  Clock::time_point begun_;
  bool goes_on_ = false;
  int attempts_ = 0;
  Session session_;
  AdapterCommand adapter_;
  Swept swept_;
};

}  // namespace

Swept sweep(const SweepOptions& options, const CheckHooks& hooks) {
  return Sweep(options, hooks)();
}

}  // namespace poolproof::conformance::sweep
