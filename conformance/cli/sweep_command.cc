#include "conformance/cli/sweep_command.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>

#include "conformance/cli/choose.h"
#include "conformance/cli/home.h"
#include "conformance/cli/report_command.h"
#include "conformance/cli/sweep_text.h"
#include "conformance/cli/watch.h"
#include "conformance/sweep/sweep.h"
#include "reports/text.h"

namespace poolproof::cli {
namespace {

namespace fs = std::filesystem;
using conformance::CellVerdict;
using namespace conformance::sweep;  // NOLINT: what this command wires
using Clock = std::chrono::steady_clock;

template <typename Value, typename Parse>
std::vector<Value> parsed(const std::vector<std::string>& words, const char* what,
                          const std::vector<std::string>& known, Parse parse) {
  std::vector<Value> values;
  for (const std::string& word : words) {
    const auto value = parse(word);
    if (!value) {
      std::string list;
      for (const std::string& one : known) list += (list.empty() ? "" : ", ") + one;
      throw UsageError("there is no " + std::string(what) + " `" + word + "`; " +
                       did_you_mean(word, known, "they are " + list));
    }
    values.push_back(*value);
  }
  return values;
}

template <typename Value>
std::vector<std::string> words_of(const std::vector<Value>& values) {
  std::vector<std::string> words;
  for (const Value& value : values) words.push_back(to_string(value));
  return words;
}

std::vector<Workload> workloads_of(const SweepArguments& arguments) {
  std::vector<std::string> names;
  for (const Workload& workload : workloads()) names.push_back(workload.name);
  if (arguments.workloads.empty()) return workloads();
  return parsed<Workload>(arguments.workloads, "workload", names, [](const std::string& word) {
    const Workload* found = find_workload(word);
    return found != nullptr ? std::optional(*found) : std::nullopt;
  });
}

std::vector<faults::CallEffect> effects_of(std::vector<std::string> words) {
  if (words.empty()) words = {"kill", "segv"};
  std::vector<faults::CallEffect> effects;
  for (const std::string& word : words) {
    const auto some = parse_effects(word);
    if (some.empty())
      throw UsageError("there is no effect `" + word +
                       "`; there are kill, segv, abrt, exit, errno, short, freeze, and in full "
                       "such as signal:TERM, exit:7, errno:ENOSPC");
    effects.insert(effects.end(), some.begin(), some.end());
  }
  return effects;
}

Wanted wanted_of(const SweepArguments& arguments) {
  using faults::Moment;
  const std::vector<Moment> moments = {Moment::kBefore, Moment::kTornByte, Moment::kTornHalf,
                                       Moment::kTornLast, Moment::kAfter};
  const std::vector<Role> roles = {Role::kWorker, Role::kNewborn};
  Wanted wanted;
  wanted.effects = effects_of(arguments.effects);
  wanted.phases = parsed<Phase>(arguments.phases, "phase", words_of(all_phases()), parse_phase);
  wanted.roles = parsed<Role>(arguments.roles, "role", words_of(roles), parse_role);
  wanted.moments =
      parsed<Moment>(arguments.moments, "moment", words_of(moments), faults::parse_moment);
  if (arguments.at.empty()) return wanted;
  wanted.at = parse_label(arguments.at);
  if (!wanted.at)
    throw UsageError("`" + arguments.at +
                     "` is no call of a worker's life; write it as in `worker write:pipe#2 in "
                     "after-1`");
  return wanted;
}

// "60s", "5m", "500ms".
std::optional<std::chrono::nanoseconds> budget_of(const std::string& text) {
  if (text.empty()) return std::nullopt;
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string unit(end, text.data() + text.size());
  if (error == std::errc{} && number > 0) {
    if (unit == "ms") return std::chrono::milliseconds(number);
    if (unit == "s") return std::chrono::seconds(number);
    if (unit == "m") return std::chrono::minutes(number);
  }
  throw UsageError("`" + text + "` is no time; write --budget as in 60s or 5m");
}

fs::path out_of(const SweepArguments& arguments) {
  if (!arguments.out.empty()) return arguments.out;
  std::string name = "sweep-" + arguments.pool;
  std::replace(name.begin(), name.end(), '/', '_');
  return fs::path("poolproof-out") / (arguments.at.empty() ? name : name + "-at");
}

// The live line: what is being struck, at most ten times a second. If the output is not a terminal,
// every ten seconds, so that a log stays short.
class LiveLine {
 public:
  explicit LiveLine(const Common& common)
      : terminal_(::isatty(STDERR_FILENO) == 1), look_(look_of(STDERR_FILENO, common)) {}

  void show(int done, int total, const std::string& pool, const std::string& scenario) {
    const auto now = Clock::now();
    const auto pause = terminal_ ? std::chrono::milliseconds(100) : std::chrono::seconds(10);
    if (shown_ && now - *shown_ < pause) return;
    shown_ = now;
    const std::string text = reports::progress(done, total, pool, scenario, 1, look_);
    std::cerr << (terminal_ ? "\r\033[K" : "") << text << (terminal_ ? "" : "\n") << std::flush;
  }

  void clear() const {
    if (terminal_) std::cerr << "\r\033[K" << std::flush;
  }

 private:
  bool terminal_;
  reports::Look look_;
  std::optional<Clock::time_point> shown_;
};

SweepOptions options_of(const Common& common, const SweepArguments& arguments) {
  SweepOptions options;
  options.workloads = workloads_of(arguments);
  options.wanted = wanted_of(arguments);
  options.budget = budget_of(arguments.budget);
  options.measured = arguments.measured;
  options.anew = arguments.anew || options.wanted.at;
  options.pool = chosen_pools(common, {arguments.pool}).front();
  options.session = {.jobs = arguments.jobs,
                     .repeat = arguments.repeat,
                     .tries = std::max(arguments.repeat, kRecordings),
                     .repeat_passing_too = options.wanted.at.has_value(),
                     .level = level_of(arguments.level),
                     .out = out_of(arguments),
                     .cage_program = find_home().programs / "poolproof_cage",
                     .argv = arguments.argv};
  demand_folder(options.session.out);
  options.session.stop_fd = stop_descriptor();
  return options;
}

}  // namespace

const CLI::App* add_sweep(CLI::App& app, Common& common, SweepArguments& arguments) {
  CLI::App* sweep = app.add_subcommand(
      "sweep", "Strike a pool's workers at every system call of their lives, and judge each run");
  const auto list = [&](const char* name, std::vector<std::string>& into, const char* about) {
    sweep->add_option(name, into, about)->delimiter(',');
  };
  sweep->add_option("pool", arguments.pool, "A pool by name (`poolproof pools`), or NAME@VERSION")
      ->required();
  list("--workload", arguments.workloads,
       "small_results, big_results, lifecycle (default: each of them)");
  list("--effect", arguments.effects,
       "kill, segv, abrt, exit, errno, short, freeze (default: kill,segv)");
  list("--phase", arguments.phases, "Only where a worker is about this: fetch, send, shutdown ...");
  list("--role", arguments.roles, "Only a `worker`, or a `newborn` that is to become one");
  list("--moment", arguments.moments, "Only before, after, torn-byte, torn-half, torn-last");
  sweep->add_option("--at", arguments.at,
                    "Only this call, as 'worker write:pipe#2 in after-1'; --repeat times");
  sweep->add_option("--budget", arguments.budget,
                    "Begin no further run after this time, as 60s; the same command goes on");
  sweep
      ->add_option("--jobs", arguments.jobs,
                   "Runs at once, each in a cage of its own (default: two for each CPU)")
      ->check(CLI::Range(1, 64));
  sweep->add_option("--repeat", arguments.repeat, "Attempts of a failing point, or of --at")
      ->check(CLI::Range(1, 1000));
  sweep
      ->add_option("--measure", arguments.measured,
                   "Make so many runs untraced, and traced unstruck, beside, and time them")
      ->check(CLI::Range(0, 10'000));
  sweep->add_option("--level", arguments.level, "What must hold: must, should or informs");
  sweep->add_option("--out", arguments.out,
                    "Folder for events.ndjson (default: poolproof-out/sweep-POOL)");
  sweep->add_flag("--anew", arguments.anew, "Begin the record anew; without it a sweep goes on");
  sweep->add_option("--pools", common.pools, "File that lists the pools (pools.toml)")
      ->check(CLI::ExistingFile);
  sweep->add_flag("--json", common.json, "Print JSON for machines instead of text");
  sweep->footer(
      "Exit status: 0 all hold, 1 a failure, 2 usage, 3 inconclusive, 77 declined or unavailable, "
      "130 interrupted.");
  return sweep;
}

int sweep(const Common& common, const SweepArguments& arguments) {
  const SweepOptions options = options_of(common, arguments);
  const reports::Look look = look_of(STDOUT_FILENO, common);
  LiveLine live(common);
  conformance::CheckHooks hooks;
  hooks.begins = [&](int done, int total, const std::string& pool, const std::string& scenario,
                     int) { live.show(done, total, pool, scenario); };
  hooks.cell = [&](const CellVerdict& cell) {
    const std::string text = sweep_surprise(cell, look);
    if (text.empty() || common.json) return;
    live.clear();
    std::cout << text << std::flush;
  };
  Swept swept;
  try {
    swept = conformance::sweep::sweep(options, hooks);
  } catch (const SweepError& error) {
    live.clear();
    throw UsageError(error.what());
  }
  live.clear();
  const int status = exit_status(swept, options.session.level);
  if (common.json) {
    nlohmann::json out = sweep_json(swept, options.pool.name, look);
    out["exit"] = status;
    print_json(out);
    return status;
  }
  std::cout << sweep_summary(swept, options.pool.name, look);
  if (swept.interrupted) std::cout << "Interrupted: the same command goes on.\n";
  std::cout << "Record: " << (options.session.out / "events.ndjson").string() << "\n";
  return status;
}

}  // namespace poolproof::cli
