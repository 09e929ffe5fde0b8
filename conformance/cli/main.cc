// The `poolproof` command: the one place that wires everything.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "conformance/cli/adapter_new.h"
#include "conformance/cli/adapter_test.h"
#include "conformance/cli/commands.h"
#include "conformance/cli/diagnose_command.h"
#include "conformance/cli/explain.h"
#include "conformance/cli/home.h"
#include "conformance/cli/replay.h"
#include "conformance/cli/report_command.h"
#include "conformance/cli/sweep_command.h"
#include "conformance/cli/usage.h"

namespace {

namespace cli = poolproof::cli;
using Words = std::vector<std::string>;

// Where our own words end: what follows is another program's command with its options, which CLI11
// would take for ours.
Words::const_iterator end_of_ours(const Words& words) {
  if (words.size() < 2 || words[0] != "adapter" || words[1] != "test")
    return std::find(words.begin(), words.end(), "--");
  return std::find_if(words.begin() + 2, words.end(), [](const std::string& word) {
    return word == "--" || word.rfind('-', 0) != 0;
  });
}

class CommandLine {
 public:
  explicit CommandLine(const char* called_as) {
    app_.name("poolproof");
    app_.set_version_flag("--version", POOLPROOF_VERSION);
    app_.require_subcommand(1);
    common_.called_as = called_as;
    add_lists();
    add_check();
    add_explain();
    add_replay();
    add_judge();
    add_adapter();
    reporter_ = cli::add_report(app_, report_);
    diagnoser_ = cli::add_diagnose(app_, diagnose_);
    sweeper_ = cli::add_sweep(app_, common_, sweep_);
  }

  int run(const Words& words) {
    const auto end = end_of_ours(words);
    const Words ours(words.begin(), end);
    try {
      Words reversed(ours.rbegin(), ours.rend());  // CLI11 expects this order
      app_.parse(reversed);
    } catch (const CLI::Success& asked) {  // --help, --version
      return app_.exit(asked);
    } catch (const CLI::ParseError& error) {
      return cli::explain_parse_error(app_, error, ours);
    }
    if (*adapter_test_) {
      const bool dashes = end != words.end() && *end == "--";
      return cli::adapter_test(common_, {end + (dashes ? 1 : 0), words.end()});
    }
    if (end != words.end()) check_.command.emplace(end + 1, words.end());
    if (check_.command && !*checker_)
      return cli::usage_error("only `check` takes a command after `--`", "leave it out");
    check_.argv = replay_.argv = sweep_.argv = words;
    return obey();
  }

 private:
  int obey() {
    if (*adapter_new_) return cli::adapter_new(common_, language_, name_);
    if (*pools_) return cli::list_pools(common_);
    if (*scenarios_) return cli::list_scenarios(common_, check_.scenarios);
    if (*explainer_) return cli::explain(common_, scenario_);
    if (*replayer_) return cli::replay(common_, replay_);
    if (*reporter_) return cli::report(common_, report_);
    if (*diagnoser_) return cli::diagnose(diagnose_);
    if (*sweeper_) return cli::sweep(common_, sweep_);
    if (*judge_) return cli::judge(common_, events_, judge_level_);
    return cli::check(common_, check_);
  }

  void add_json(CLI::App& command) {
    command.add_flag("--json", common_.json, "Print JSON for machines instead of text");
  }

  void add_places(CLI::App& command) {
    command.add_option("--scenarios", common_.scenarios, "Folder of scenario files")
        ->check(CLI::ExistingDirectory);
    command.add_option("--pools", common_.pools, "File that lists the pools (pools.toml)")
        ->check(CLI::ExistingFile);
    add_json(command);
  }

  void add_patterns(CLI::App& command) {
    command
        .add_option("--scenario", check_.scenarios,
                    "Only those whose name matches this pattern, as 'death/*'; may be repeated")
        ->allow_extra_args(false);
  }

  void add_lists() {
    pools_ = app_.add_subcommand("pools", "List the pools that can be checked");
    add_places(*pools_);
    scenarios_ = app_.add_subcommand("scenarios", "List the scenarios: what is claimed");
    add_patterns(*scenarios_);
    add_places(*scenarios_);
  }

  void add_check() {
    checker_ = app_.add_subcommand("check", "Run scenarios on pools and judge them");
    checker_->add_option("pool", check_.pools,
                         "Pools by name (`poolproof pools`), or NAME@VERSION; none: all but the "
                         "broken ones");
    add_patterns(*checker_);
    checker_->add_option("--level", check_.level, "What must hold: must, should or informs");
    checker_->add_option("--jobs", check_.jobs, "Cells that run at once, each in a cage of its own")
        ->check(CLI::Range(1, 64));
    checker_->add_option("--repeat", check_.repeat, "Attempts of a failing cell")
        ->check(CLI::Range(1, 1000));
    checker_->add_option("--as", check_.as, "What to call the pool of the command after `--`");
    checker_->add_option("--out", check_.out, "Folder for events.ndjson (default: poolproof-out)");
    add_places(*checker_);
    checker_->footer(
        "check [OPTIONS] -- COMMAND [ARGS]: judge the pool that this adapter drives.\n"
        "Exit status: 0 all hold, 1 a failure, 2 usage, 3 inconclusive, 77 all "
        "declined or unavailable, 130 interrupted.");
  }

  void add_explain() {
    explainer_ =
        app_.add_subcommand("explain", "Say what a scenario claims, why, and how to meet it");
    explainer_->add_option("scenario", scenario_, "Its name, or a pattern")->required();
    add_places(*explainer_);
  }

  void add_replay() {
    replayer_ =
        app_.add_subcommand("replay", "Run a recorded plan again: is the verdict the same today?");
    replayer_
        ->add_option("run", replay_.words,
                     "POOL:SCENARIO of the record in --out; or a record (events.ndjson) before it")
        ->required()
        ->expected(1, 2);
    replayer_->add_option("--repeat", replay_.repeat, "Attempts")->check(CLI::Range(1, 1000));
    replayer_->add_option(
        "--out", replay_.out,
        "Folder of the record (default: poolproof-out); the new one goes into its "
        "folder `replay`");
    add_json(*replayer_);
    replayer_->footer(
        "Exit status: 0 the same verdict, 1 another one, 2 usage, 3 inconclusive, 130 "
        "interrupted.");
  }

  void add_judge() {
    judge_ = app_.add_subcommand("judge", "Judge a recorded run again, without running anything");
    judge_->add_option("events", events_, "An events.ndjson")->required();
    judge_->add_option("--level", judge_level_, "What must hold: must, should or informs");
    add_json(*judge_);
  }

  void add_adapter() {
    CLI::App* adapter = app_.add_subcommand("adapter", "Make an adapter for a pool, or test one");
    adapter->require_subcommand(1);
    adapter_new_ = adapter->add_subcommand(
        "new", "Write a folder with a small pool and its adapter, which run as they stand");
    adapter_new_->add_option("--lang", language_, "python or cpp")->required();
    adapter_new_->add_option("name", name_, "What the pool is called; the folder too")->required();
    adapter_test_ = adapter->add_subcommand(
        "test", "Speak the whole protocol with an adapter, and say what is wrong");
    add_json(*adapter_test_);
    adapter_test_->footer(
        "adapter test [OPTIONS] COMMAND [ARGS]\nExit status: 0 nothing is wrong, 1 "
        "findings, 2 usage, 3 its pool is not here, 130 interrupted.");
  }

  CLI::App app_{"poolproof proves that a worker pool survives its workers."};
  CLI::App *pools_, *scenarios_, *checker_, *explainer_, *replayer_, *judge_, *adapter_test_,
      *adapter_new_;
  const CLI::App* reporter_;
  const CLI::App* diagnoser_;
  const CLI::App* sweeper_;
  cli::Common common_ = cli::default_places();
  cli::CheckArguments check_;
  cli::ReplayArguments replay_;
  cli::ReportArguments report_;
  cli::DiagnoseArguments diagnose_;
  cli::SweepArguments sweep_;
  std::string scenario_, language_, name_;
  std::filesystem::path events_;
  std::string judge_level_ = "must";
};

// Sets the variable with which an adapter elsewhere finds the kit. Also, a cage makes visible
// everything that the adapter's environment names.
void tell_where_the_kit_is() {
  ::setenv("POOLPROOF_KIT", cli::find_home().adapters.c_str(), /*overwrite=*/0);
}

}  // namespace

int main(int argc, char** argv) {
  // If the reader of our output is gone, the cages must still be ended in order.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    tell_where_the_kit_is();
    return CommandLine(argv[0]).run({argv + 1, argv + argc});
  } catch (const cli::UsageError& error) {
    return cli::usage_error(error.what(), "");
  } catch (const std::exception& error) {
    std::cerr << "poolproof: " << error.what() << "\n";
    return cli::kInconclusive;  // the harness failed, not the pool
  }
}
