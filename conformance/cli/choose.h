// What the words of a call mean: which pools, which scenarios, which level. Each throws UsageError
// with the mend, and with the word that was perhaps meant.
#pragma once

#include <string>
#include <vector>

#include "conformance/cli/commands.h"
#include "conformance/run/pools.h"
#include "scenarios/scenario.h"

namespace poolproof::cli {

std::vector<conformance::Pool> all_pools(const Common& common);
std::vector<scenarios::Scenario> all_scenarios(const Common& common);

// By name, each once; `NAME@VERSION` too, for which the program that makes it is called. Without a
// name: all but the broken ones.
std::vector<conformance::Pool> chosen_pools(const Common& common,
                                            const std::vector<std::string>& wanted);

// The pool that any command line drives, named `as` or else by its program's file name, and by none
// of the names in `taken`.
conformance::Pool pool_of_command(const std::vector<std::string>& command, const std::string& as,
                                  const std::vector<conformance::Pool>& taken);

// "python3 ./my_pool.py -x" -> "my_pool": the program, or what an interpreter is to run.
std::string name_of_command(const std::vector<std::string>& command);

// A command that can be started: its program is a file that may be run, or is found in PATH.
void demand_program(const std::vector<std::string>& command);

// Those that any of the patterns matches. One that matches nothing is an answer, a plain name that
// does not exist is a slip.
std::vector<scenarios::Scenario> chosen_scenarios(const Common& common,
                                                  const std::vector<std::string>& patterns);

scenarios::Level level_of(const std::string& word);

// "did you mean `x`?", or how the words are listed.
std::string did_you_mean(const std::string& word, const std::vector<std::string>& words,
                         const std::string& list);

}  // namespace poolproof::cli
