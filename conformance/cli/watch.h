// What a waiting user sees and can do: the live line, Ctrl-C, and whether the output is a terminal.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "conformance/cli/commands.h"
#include "reports/console.h"

namespace poolproof::cli {

reports::Look look_of(int fd, const Common& common);

void print_json(const nlohmann::json& value);

// After Ctrl-C or SIGTERM the returned descriptor is readable; nothing else happens. Call it once.
int stop_descriptor();

// The live line on stderr: overwritten on a terminal, one line for each attempt elsewhere. Not
// thread-safe: CheckHooks come one at a time.
class Progress {
 public:
  explicit Progress(const Common& common);
  void asks(const std::string& pool);
  void begins(int done, int total, const std::string& pool, const std::string& scenario,
              int attempt);
  void ends(const std::string& pool, const std::string& scenario);
  void clear();

 private:
  struct Running {
    std::string pool, scenario;
    int attempt = 1;
  };
  void show(const std::string& text);

  bool terminal_;
  reports::Look look_;
  std::vector<Running> running_;  // the longest-running first
};

}  // namespace poolproof::cli
