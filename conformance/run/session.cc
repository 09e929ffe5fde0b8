#include "conformance/run/session.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

namespace poolproof::conformance {
namespace {

using nlohmann::json;
using Hold = std::lock_guard<std::mutex>;

std::map<std::string, std::string> whole_environment() {
  std::map<std::string, std::string> env;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string::npos) env[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return env;
}

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
      crew_(options.jobs, options.stop_fd) {
  for (const Observation& one : options.before) keep(one);
  cells_.clear();  // they are done
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
  return {std::move(argv), std::filesystem::current_path(), whole_environment(),
          options_.cage_program, std::max(1.0, options_.jobs / cpus)};
}

std::vector<Session::Hello> Session::ask(
    const std::vector<std::pair<std::string, AdapterCommand>>& pools) {
  std::vector<Hello> hellos(pools.size());
  const bool all = crew_.each(
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

// The lines of running cells are kept until the cells end, and judged exactly as a reader will read
// them.
void Session::keep(Observation observation) {
  const Hold hold(lock_);
  if (observation.kind == "pool") {
    pools_[observation.fields.value("name", "")] = std::move(observation);
  } else if (observation.kind == "cell" || observation.attempt != 0) {
    std::vector<Observation>& lines = cells_[observation.run];
    lines.push_back(std::move(observation));
  }
}

std::vector<Observation> Session::taken(const std::string& run, int attempt) {
  const Hold hold(lock_);
  std::vector<Observation> lines;
  std::vector<Observation>& all = cells_.at(run);
  const auto theirs = std::stable_partition(
      all.begin(), all.end(), [&](const Observation& one) { return one.attempt != attempt; });
  lines.assign(std::make_move_iterator(theirs), std::make_move_iterator(all.end()));
  all.erase(theirs, all.end());
  return lines;
}

void Session::run(const std::vector<Cell>& cells) {
  if (interrupted_) return;
  done_ = 0;
  total_ = static_cast<int>(cells.size());
  const bool all = crew_.each(
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

void Session::run_cell(const Cell& cell) {
  std::vector<AttemptVerdict> verdicts;
  int blank = 0, weighed = 0;
  while (cell.plan && weighed < options_.repeat && blank < options_.tries) {
    const int attempt = static_cast<int>(verdicts.size()) + 1;
    {
      const Hold hold(lock_);
      if (hooks_.begins) hooks_.begins(done_, total_, cell.pool, cell.scenario, attempt);
    }
    Journal journal(append_, epoch_, cell.run(), attempt);
    if (run_attempt(*cell.plan, cell.adapter, journal, options_.stop_fd) == "interrupted") {
      const Hold hold(lock_);
      interrupted_ = true;
      return;
    }
    verdicts.push_back(judge_attempt(taken(cell.run(), attempt)));
    (verdicts.back().blank ? blank : weighed) += 1;
    // Only a failure is repeated: three of three is a conviction, a mixture is flaky.
    const bool failed = weight_of(verdicts.back().status) == Weight::kFails;
    if (!failed && !verdicts.back().blank && !options_.repeat_passing_too) break;
  }
  const Hold hold(lock_);
  std::vector<Observation> lines = std::move(cells_[cell.run()]);
  cells_.erase(cell.run());
  lines.insert(lines.begin(), pools_.at(cell.pool));
  ++done_;
  if (!hooks_.cell) return;
  hooks_.cell(cell.plan ? fold(cell.pool, cell.scenario, std::move(verdicts))
                        : judge_record(lines).at(0));
}

Checked Session::finish() {
  record_.finish();
  return {judge_record(read_record(file_).observations), interrupted_};
}

}  // namespace poolproof::conformance
