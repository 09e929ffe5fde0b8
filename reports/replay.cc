#include "reports/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

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

std::string replay_line(const std::string& pool, const std::string& scenario, const Look& look) {
  const auto command = look.commands.find(pool);
  std::string line = shell_word(look.command) + " check";
  if (command == look.commands.end()) line += " " + shell_word(pool);
  line += fmt::format(" --scenario {} --repeat 3", shell_word(scenario));
  for (const std::string& word : look.places) line += " " + shell_word(word);
  if (command != look.commands.end())
    for (const std::string& word : command->second) line += " " + shell_word(word);
  return line;
}

}  // namespace poolproof::reports
