// The `poolproof` command: the one place that wires everything.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "conformance/cli/commands.h"
#include "conformance/cli/report_command.h"

namespace {

namespace cli = poolproof::cli;

// One helpful line instead of a page: what was not understood, and what was perhaps meant.
int usage_error(const std::string& problem, const std::string& hint) {
  std::cerr << "poolproof: " << problem << (hint.empty() ? "" : "; " + hint) << "\n";
  return cli::kUsage;
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

int explain_parse_error(const CLI::App& app, const CLI::ParseError& error,
                        const std::vector<std::string>& words) {
  const std::string first = words.empty() ? "" : words.front();
  const auto commands = command_names(app);
  const bool is_command = std::find(commands.begin(), commands.end(), first) != commands.end();
  if (!is_command && first.rfind("-", 0) != 0) {
    const auto meant = cli::nearest_word(first, commands);
    if (first.empty()) return usage_error("a command is missing", "`poolproof --help` lists them");
    return usage_error("there is no command `" + first + "`",
                       meant ? "did you mean `" + *meant + "`?" : "`poolproof --help` lists them");
  }
  const CLI::App& at_fault = is_command ? *app.get_subcommand(first) : app;
  const auto options = option_names(at_fault);
  for (const std::string& word : words) {
    const std::string name = word.substr(0, word.find('='));
    if (name.rfind("--", 0) != 0 ||
        std::find(options.begin(), options.end(), name) != options.end())
      continue;
    const auto meant = cli::nearest_word(name, options);
    return usage_error("`" + at_fault.get_name() + "` has no option `" + name + "`",
                       meant ? "did you mean `" + *meant + "`?"
                             : "`poolproof " + at_fault.get_name() + " --help` lists its options");
  }
  return usage_error(error.what(),
                     "`poolproof " + (is_command ? first + " " : "") + "--help` says more");
}

void add_places(CLI::App& command, cli::Common& common) {
  command.add_option("--scenarios", common.scenarios, "Folder of scenario files")
      ->check(CLI::ExistingDirectory);
  command.add_option("--pools", common.pools, "File that lists the pools (pools.toml)")
      ->check(CLI::ExistingFile);
  command.add_flag("--json", common.json, "Print JSON for machines instead of text");
}

int run(int argc, char** argv) {
  CLI::App app{"poolproof proves that a worker pool survives its workers."};
  app.name("poolproof");
  app.set_version_flag("--version", POOLPROOF_VERSION);
  app.require_subcommand(1);
  cli::Common common = cli::default_places();
  common.called_as = argv[0];
  cli::CheckArguments check;
  std::filesystem::path events;
  std::string judge_level = "must";

  CLI::App* pools = app.add_subcommand("pools", "List the pools that can be checked");
  add_places(*pools, common);
  CLI::App* scenarios = app.add_subcommand("scenarios", "List the scenarios: what is claimed");
  scenarios->add_option("--scenario", check.scenario, "Only those whose name matches this pattern");
  add_places(*scenarios, common);
  CLI::App* checker = app.add_subcommand("check", "Run scenarios on pools and judge them");
  checker->add_option("pool", check.pools,
                      "Pools by name (`poolproof pools`); none: all but the broken ones");
  checker->add_option("--scenario", check.scenario,
                      "Only those whose name matches this pattern, as 'death/*'");
  checker->add_option("--level", check.level, "What must hold: must, should or informs");
  checker->add_option("--jobs", check.jobs, "Cells that run at once, each in a cage of its own")
      ->check(CLI::Range(1, 64));
  checker->add_option("--as", check.as, "What to call the pool of the command after `--`");
  checker->footer("check [OPTIONS] -- COMMAND [ARGS]: judge the pool that this adapter drives.");
  checker->add_option("--repeat", check.repeat, "Attempts of a failing cell")
      ->check(CLI::Range(1, 1000));
  checker->add_option("--out", check.out, "Folder for events.ndjson (default: poolproof-out)");
  add_places(*checker, common);
  CLI::App* judge =
      app.add_subcommand("judge", "Judge a recorded run again, without running anything");
  judge->add_option("events", events, "An events.ndjson")->required();
  judge->add_option("--level", judge_level, "What must hold: must, should or informs");
  judge->add_flag("--json", common.json, "Print JSON for machines instead of text");
  cli::ReportArguments report;
  const CLI::App* reporter = cli::add_report(app, report);

  const std::vector<std::string> words(argv + 1, argv + argc);
  // What follows `--` is a command of its own, options and all: CLI11 would take it for pools.
  const auto dashes = std::find(words.begin(), words.end(), "--");
  if (dashes != words.end()) check.command.emplace(dashes + 1, words.end());
  try {
    app.parse(static_cast<int>(dashes - words.begin()) + 1, argv);
    if (check.command && !*checker)
      return usage_error("only `check` takes a command after `--`", "leave it out");
  } catch (const CLI::Success& asked) {  // --help, --version
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    return explain_parse_error(app, error, {words.begin(), dashes});
  }
  check.argv = words;
  if (*pools) return cli::list_pools(common);
  if (*scenarios) return cli::list_scenarios(common, check.scenario);
  if (*reporter) return cli::report(common, report);
  if (*judge) return cli::judge(common, events, judge_level);
  return cli::check(common, check);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(
      SIGPIPE,
      SIG_IGN);  // a reader of our output that goes away is no reason to leave a cage in disorder
  try {
    return run(argc, argv);
  } catch (const cli::UsageError& error) {
    return usage_error(error.what(), "");
  } catch (const std::exception& error) {
    std::cerr << "poolproof: " << error.what() << "\n";
    return cli::kInconclusive;  // we failed, not the pool
  }
}
