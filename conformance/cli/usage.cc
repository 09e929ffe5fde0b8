#include "conformance/cli/usage.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "conformance/cli/commands.h"

namespace poolproof::cli {
namespace {

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

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

int usage_error(const std::string& problem, const std::string& hint) {
  std::cerr << "poolproof: " << problem << (hint.empty() ? "" : "; " + hint) << "\n";
  return kUsage;
}

int explain_parse_error(const CLI::App& app, const CLI::ParseError& error,
                        const std::vector<std::string>& words) {
  // The command that the words name, as far as they do: `check`, or `adapter test`.
  const CLI::App* command = &app;
  std::string called;
  std::size_t next = 0;
  while (next < words.size() && contains(command_names(*command), words[next])) {
    command = command->get_subcommand(words[next]);
    called += words[next++] + " ";
  }
  const auto commands = command_names(*command);
  const std::string help = "`poolproof " + called + "--help`";
  if (!commands.empty() && next == words.size())
    return usage_error(
        (called.empty() ? "a" : "after `" + called.substr(0, called.size() - 1) + "` a") +
            std::string(" command is missing"),
        help + " lists them");
  if (!commands.empty() && words[next].rfind('-', 0) != 0) {
    const auto meant = nearest_word(words[next], commands);
    return usage_error("there is no command `" + called + words[next] + "`",
                       meant ? "did you mean `" + called + *meant + "`?" : help + " lists them");
  }
  const auto options = option_names(*command);
  for (const std::string& word : words) {
    const std::string name = word.substr(0, word.find('='));
    if (name.rfind("--", 0) != 0 || contains(options, name)) continue;
    const auto meant = nearest_word(name, options);
    return usage_error("`" + command->get_name() + "` has no option `" + name + "`",
                       meant ? "did you mean `" + *meant + "`?" : help + " lists its options");
  }
  return usage_error(error.what(), help + " says more");
}

}  // namespace poolproof::cli
