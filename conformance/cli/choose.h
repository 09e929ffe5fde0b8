// What the words of a call mean: which pools, which scenarios, which level. Each function throws
// UsageError that says how to fix the call, and which word was perhaps meant.
#pragma once

#include <string>
#include <vector>

#include "conformance/cli/commands.h"
#include "conformance/run/pools.h"
#include "scenarios/scenario.h"

namespace poolproof::cli {

std::vector<conformance::Pool> all_pools(const Common& common);
std::vector<scenarios::Scenario> all_scenarios(const Common& common);

// The pools with these names, each once. For `NAME@VERSION`, calls the program that makes it.
// Without a name: all pools except the broken ones.
std::vector<conformance::Pool> chosen_pools(const Common& common,
                                            const std::vector<std::string>& wanted);

// A pool that any command line drives. Its name is `as`, or else the file name of its program; it
// must not be in `taken`.
conformance::Pool pool_of_command(const std::vector<std::string>& command, const std::string& as,
                                  const std::vector<conformance::Pool>& taken);

// "python3 ./my_pool.py -x" -> "my_pool": the program, or the file that an interpreter runs.
std::string name_of_command(const std::vector<std::string>& command);

// Throws unless the command can be started: its program is an executable file, or is found in PATH.
void demand_program(const std::vector<std::string>& command);

// The scenarios that match any of the patterns. A pattern that matches nothing is allowed; a plain
// name that does not exist is an error.
std::vector<scenarios::Scenario> chosen_scenarios(const Common& common,
                                                  const std::vector<std::string>& patterns);

scenarios::Level level_of(const std::string& word);

// "did you mean `x`?", or how to list the words.
std::string did_you_mean(const std::string& word, const std::vector<std::string>& words,
                         const std::string& list);

}  // namespace poolproof::cli
