// The message for words that were not understood: one helpful line instead of a page.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace poolproof::cli {

// Prints "poolproof: PROBLEM; HINT" on stderr. Returns the exit status of usage errors.
int usage_error(const std::string& problem, const std::string& hint);

// The same for an error of CLI11 about `words`: names the nearest command or option.
int explain_parse_error(const CLI::App& app, const CLI::ParseError& error,
                        const std::vector<std::string>& words);

}  // namespace poolproof::cli
