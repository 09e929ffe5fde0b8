#include "conformance/check.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

namespace poolproof::conformance {
namespace {

using nlohmann::json;
using scenarios::Scenario;

struct Interrupted {};

std::map<std::string, std::string> whole_environment() {
  std::map<std::string, std::string> env;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string::npos) env[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return env;
}

class Check {
 public:
  Check(const CheckOptions& options, const CheckHooks& hooks)
      : options_(options), hooks_(hooks), file_(options.out / "events.ndjson"), record_(file_) {}

  Checked run() {
    Checked checked;
    header();
    total_ = static_cast<int>(options_.pools.size() * options_.scenarios.size());
    try {
      for (const Pool& pool : options_.pools) judge_pool(pool, checked.cells);
    } catch (const Interrupted&) {
      checked.interrupted = true;
    }
    record_.finish();
    // The one judgement that counts is of the finished record, by the function that `judge` calls.
    checked.cells = judge_record(read_record(file_).observations);
    return checked;
  }

 private:
  void line(const std::string& kind, json fields, std::string run = "") {
    const auto now =
        std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - epoch_).count();
    record_.append({0, now, std::move(run), 0, kind, std::move(fields)});
  }

  void header() {
    utsname machine{};
    ::uname(&machine);
    const faults::Doors doors = faults::probe_doors(options_.cage_program);
    line("header",
         {{"tool", "poolproof"},
          {"version", POOLPROOF_VERSION},
          {"argv", options_.argv},
          {"level", scenarios::to_string(options_.level)},
          {"repeat", options_.repeat},
          {"machine",
           {{"kernel", machine.release},
            {"cpus", std::thread::hardware_concurrency()},
            {"doors", {{"cage", doors.mode}, {"mounts", doors.mounts}, {"why", doors.why}}}}}});
  }

  AdapterCommand command_of(const Pool& pool) const {
    return {pool.command, std::filesystem::current_path(), whole_environment(),
            options_.cage_program};
  }

  void judge_pool(const Pool& pool, std::vector<CellVerdict>& cells) {
    std::optional<scenarios::PoolFacts> facts;
    try {
      Journal journal(record_, epoch_);
      facts = ask_adapter(command_of(pool), journal, options_.stop_fd);
      line("pool", {{"name", pool.name}, {"command", pool.command}, {"facts", *facts}});
    } catch (const AttemptOver& over) {
      if (over.how == "interrupted") throw Interrupted{};
      line("pool", {{"name", pool.name},
                    {"command", pool.command},
                    {"error", over.why},
                    {"stderr", over.last_words}});
    }
    for (const Scenario& scenario : options_.scenarios) {
      judge_cell(pool, scenario, facts);
      cells = judge_record(read_record(file_).observations);
      ++done_;
      if (hooks_.cell) hooks_.cell(cells.back());
    }
  }

  void judge_cell(const Pool& pool, const Scenario& scenario,
                  const std::optional<scenarios::PoolFacts>& facts) {
    const std::string run = pool.name + ":" + scenario.name;
    json cell = {{"pool", pool.name}, {"scenario", scenario.name}};
    std::string missing;
    if (facts)
      for (const std::string& capability : scenarios::missing_capabilities(scenario, *facts))
        missing += (missing.empty() ? "" : ", ") + capability;
    if (!missing.empty()) {
      cell["status"] = "declined";
      cell["why"] = "the pool does not have: " + missing;
    }
    line("cell", cell, run);
    if (!missing.empty() || !facts) return;
    const scenarios::Plan plan = scenarios::make_plan(scenario, *facts);
    for (int attempt = 1; attempt <= options_.repeat; ++attempt) {
      if (hooks_.begins) hooks_.begins(done_, total_, pool.name, scenario.name, attempt);
      Journal journal(record_, epoch_, run, attempt);
      const std::string how = run_attempt(plan, command_of(pool), journal, options_.stop_fd);
      if (how == "interrupted") throw Interrupted{};
      if (!last_attempt_failed()) return;
    }
  }

  // Only what failed is repeated: three of three is a conviction, a mixture is flaky.
  bool last_attempt_failed() const {
    const auto cells = judge_record(read_record(file_).observations);
    return !cells.back().attempts.empty() &&
           weight_of(cells.back().attempts.back().status) == Weight::kFails;
  }

  const CheckOptions& options_;
  const CheckHooks& hooks_;
  std::filesystem::path file_;
  RecordWriter record_;
  Clock::time_point epoch_ = Clock::now();
  int done_ = 0, total_ = 0;
};

}  // namespace

Checked check(const CheckOptions& options, const CheckHooks& hooks) {
  std::filesystem::create_directories(options.out);
  return Check(options, hooks).run();
}

}  // namespace poolproof::conformance
