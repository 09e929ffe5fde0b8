// Runs a plan against a pool, once, in its own cage. Everything that is seen is written to the
// record; nothing is judged.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "conformance/run/scene.h"
#include "scenarios/plan.h"

namespace poolproof::conformance {

// How to start an adapter; the same for every attempt.
struct AdapterCommand {
  std::vector<std::string> argv;
  std::filesystem::path cwd;
  std::map<std::string, std::string> env;
  std::filesystem::path cage_program;
  // How many attempts share one core, at least 1. Limits are multiplied by it.
  double crowd = 1;
};

// Sends hello to the adapter, and then bye. Throws AttemptOver with its last lines on stderr
// (harness-error, interrupted, or unavailable: the adapter says that its pool cannot be driven
// here); faults::CageError if there can be no cage.
scenarios::PoolFacts ask_adapter(const AdapterCommand& command, Journal& journal, int stop_fd);

// Runs one attempt, from its `plan` line to its `ended` line. Returns how it ended ("done",
// "stuck", ...). Throws faults::CageError if there can be no cage.
std::string run_attempt(const scenarios::Plan& plan, const AdapterCommand& command,
                        Journal& journal, int stop_fd);

// The same functions, for a cage that already runs (or a fake one in a test).
scenarios::PoolFacts ask_adapter(Outside& outside, double crowd, Journal& journal);
std::string run_attempt(const scenarios::Plan& plan, Outside& outside, double crowd,
                        Journal& journal);

}  // namespace poolproof::conformance
