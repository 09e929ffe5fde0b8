#include "reports/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>

namespace poolproof::reports {

std::string shell_word(std::string_view text) {
  const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("_-./:=,+@%").find(static_cast<char>(c)) != std::string_view::npos;
  });
  if (plain) return std::string(text);
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

namespace {

// "check", and the cell's name for it; for the cell of a sweep "sweep".
std::pair<std::string, std::string> words_for(std::string_view scenario) {
  constexpr std::string_view kSweep = "sweep/";
  const auto slash = scenario.find('/', kSweep.size());
  if (!scenario.starts_with(kSweep) || slash == std::string_view::npos)
    return {" check", fmt::format(" --scenario {} --repeat 3", shell_word(scenario))};
  std::string words =
      " --workload " + shell_word(scenario.substr(kSweep.size(), slash - kSweep.size()));
  const auto moment = scenario.rfind('@');
  const auto effect = scenario.find(':', moment == std::string_view::npos ? slash : moment);
  if (moment == std::string_view::npos || effect == std::string_view::npos)
    return {" sweep", words};  // a run without a strike
  return {" sweep",
          words + fmt::format(" --at {} --moment {} --effect {} --repeat 10",
                              shell_word(scenario.substr(slash + 1, moment - slash - 1)),
                              shell_word(scenario.substr(moment + 1, effect - moment - 1)),
                              shell_word(scenario.substr(effect + 1)))};
}

}  // namespace

std::string replay_line(const std::string& pool, const std::string& scenario, const Look& look) {
  const auto command = look.commands.find(pool);
  const auto [verb, words] = words_for(scenario);
  std::string line = shell_word(look.command) + verb;
  if (command == look.commands.end()) line += " " + shell_word(pool);
  line += words;
  for (std::size_t i = 0; i + 1 < look.places.size(); i += 2)  // a sweep reads no scenarios
    if (verb != " sweep" || look.places[i] != "--scenarios")
      line += " " + shell_word(look.places[i]) + " " + shell_word(look.places[i + 1]);
  if (command != look.commands.end())
    for (const std::string& word : command->second) line += " " + shell_word(word);
  return line;
}

}  // namespace poolproof::reports
