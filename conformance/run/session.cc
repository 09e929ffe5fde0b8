#include "conformance/run/session.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "conformance/run/live_outside.h"

namespace poolproof::conformance {
namespace {

using nlohmann::json;
using Hold = std::lock_guard<std::mutex>;

std::filesystem::path made(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  return folder;
}

}  // namespace

Session::Session(const SessionOptions& options, const CheckHooks& hooks)
    : options_(options),
      hooks_(hooks),
      file_(made(options.out) / "events.ndjson"),
      epoch_(Clock::now() -
             std::chrono::nanoseconds(options.before.empty() ? 0 : options.before.back().t_ns)),
      record_(file_, options.before),
      threads_(options.jobs, options.stop_fd) {
  for (const Observation& one : options.before)
    if (one.kind == "pool") keep(one);
  before_ = judge_record(options.before);
  options_.before.clear();
  doors_ = faults::probe_doors(options_.cage_program);
  record_.listener = [this](Observation observation) { keep(std::move(observation)); };
  if (options.before.empty()) {
    header();
  } else {
    line("resumed", {{"argv", options.argv}, {"jobs", options.jobs}});
  }
}

void Session::line(const std::string& kind, json fields, std::string run) {
  const auto now =
      std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - epoch_).count();
  record_.append({0, now, std::move(run), 0, kind, std::move(fields)});
}

void Session::header() {
  utsname machine{};
  ::uname(&machine);
  const faults::Doors& doors = doors_;
  line("header", {{"tool", "poolproof"},
                  {"version", POOLPROOF_VERSION},
                  {"argv", options_.argv},
                  {"cwd", std::filesystem::current_path().string()},
                  {"level", scenarios::to_string(options_.level)},
                  {"repeat", options_.repeat},
                  {"jobs", options_.jobs},
                  {"machine",
                   {{"kernel", machine.release},
                    {"cpus", std::thread::hardware_concurrency()},
                    {"doors",
                     {{"cage", doors.mode},
                      {"mounts", doors.mounts},
                      {"why", doors.why},
                      {"no_syscalls", doors.no_syscalls},
                      {"no_limits", doors.no_limits}}}}}});
}

AdapterCommand Session::adapter(std::vector<std::string> argv) const {
  const double cpus = std::max(1U, std::thread::hardware_concurrency());
  return {std::move(argv), std::filesystem::current_path(), our_environment(),
          options_.cage_program, std::max(1.0, options_.jobs / cpus)};
}

std::vector<Session::Hello> Session::ask(
    const std::vector<std::pair<std::string, AdapterCommand>>& pools) {
  std::vector<Hello> hellos(pools.size());
  const bool all = threads_.each(
      pools.size(),
      [&](std::size_t i) {
        const Hold hold(lock_);
        if (hooks_.asks) hooks_.asks(pools[i].first);
      },
      [&](std::size_t i) {
        try {
          Journal journal(append_, epoch_, pools[i].first);
          hellos[i].facts = ask_adapter(pools[i].second, journal, options_.stop_fd);
        } catch (const AttemptOver& over) {
          hellos[i].over = over;
        }
      });
  for (const Hello& hello : hellos)
    interrupted_ = interrupted_ || (hello.over && hello.over->how == "interrupted");
  interrupted_ = interrupted_ || !all;
  return hellos;
}

// The lines of running attempts are kept until they end, and judged exactly as a reader will read
// them.
void Session::keep(Observation observation) {
  const Hold hold(lock_);
  if (observation.kind == "pool") {
    pools_[observation.fields.value("name", "")] = std::move(observation);
  } else if (observation.kind == "cell") {
    cells_.push_back(std::move(observation));
  } else if (observation.attempt != 0) {
    lines_[observation.run].push_back(std::move(observation));
  }
}

std::vector<Observation> Session::taken(const std::string& run) {
  const Hold hold(lock_);
  return std::move(lines_.extract(run).mapped());
}

void Session::run(const std::vector<Cell>& cells) {
  if (interrupted_) return;
  done_ = 0;
  total_ = static_cast<int>(cells.size());
  const bool all = threads_.each(
      cells.size(),
      [&](std::size_t i) {  // in order: the report's order too
        json fields = {{"pool", cells[i].pool}, {"scenario", cells[i].scenario}};
        if (!cells[i].status.empty()) {
          fields["status"] = cells[i].status;
          fields["why"] = cells[i].why;
        }
        fields.update(cells[i].more);
        line("cell", std::move(fields), cells[i].run());
      },
      [&](std::size_t i) { run_cell(cells[i]); }, options_.enough);
  interrupted_ = interrupted_ || !all;
}

bool Session::run_attempts(const Cell& cell, std::vector<AttemptVerdict>& verdicts) {
  int blank = 0, weighed = 0;
  while (weighed < options_.repeat && blank < options_.tries) {
    const int attempt = static_cast<int>(verdicts.size()) + 1;
    {
      const Hold hold(lock_);
      if (hooks_.begins) hooks_.begins(done_, total_, cell.pool, cell.scenario, attempt);
    }
    Journal journal(append_, epoch_, cell.run(), attempt);
    const std::string how = run_attempt(*cell.plan, cell.adapter, journal, options_.stop_fd);
    verdicts.push_back(judge_attempt(taken(cell.run())));
    if (how == "interrupted") {
      const Hold hold(lock_);
      interrupted_ = true;
      return false;
    }
    (verdicts.back().blank ? blank : weighed) += 1;
    // Only a failure is repeated: three of three is a conviction, a mixture is flaky.
    const bool failed = weight_of(verdicts.back().status) == Weight::kFails;
    if (!failed && !verdicts.back().blank && !options_.repeat_passing_too) break;
  }
  return true;
}

// The verdict of this run, or of each cell, as if it had not been run: set aside, of a pool that
// cannot be used, or cut off.
std::vector<CellVerdict> Session::without_attempts(const std::string& run) const {
  RecordJudge judge;
  for (const auto& [name, line] : pools_) judge.take(line);
  for (const Observation& line : cells_)
    if (run.empty() || line.run == run) judge.take(line);
  return judge.finish();
}

void Session::run_cell(const Cell& cell) {
  std::vector<AttemptVerdict> attempts;
  const bool over = !cell.plan || run_attempts(cell, attempts);
  const Hold hold(lock_);
  const CellVerdict verdict = cell.plan ? fold(cell.pool, cell.scenario, std::move(attempts))
                                        : without_attempts(cell.run()).at(0);
  if (cell.plan) verdicts_[cell.run()] = verdict;
  if (over) ++done_;
  if (over && hooks_.cell) hooks_.cell(verdict);
}

Checked Session::finish() {
  record_.finish();
  Checked checked{std::move(before_), interrupted_};
  for (CellVerdict& cell : without_attempts()) {
    const auto found = verdicts_.find(cell.pool + ":" + cell.scenario);
    checked.cells.push_back(found != verdicts_.end() ? found->second : std::move(cell));
  }
  return checked;
}

}  // namespace poolproof::conformance
