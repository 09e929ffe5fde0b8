// Runs histories, and reports how to run one again.
#pragma once

#include <cstdint>
#include <string>

namespace poolproof::simulation {

// Where a history comes from: a seed, or a path of a variant.
struct Origin {
  std::uint64_t seed = 0;
  std::string variant = {};
  int strikes = 1;
  std::string path = {};
};
// The command that runs it again.
std::string command(const Origin& origin);

struct Tally {
  std::uint64_t histories = 0;
};

// Each function stops at the first history that breaks a law, and returns it as text; empty: none
// did.
std::string run_random(std::uint64_t first_seed, std::uint64_t histories, Tally& tally);
std::string run_all(const std::string& variant, int strikes, Tally& tally);  // "": every variant

// The record of one history; `broken`: the law that it broke.
std::string record_of(const Origin& origin, std::string& broken);
// Prints it; 1 if it breaks a law.
int show(const Origin& origin);

// If the product aborts (a row that must not be taken), its history is printed, too.
void tell_aborts();

// How many of the reachable rows were taken, and which were not.
std::string coverage_in_words();

}  // namespace poolproof::simulation
