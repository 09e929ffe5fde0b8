// The simulation as a program: many histories from a seed, all paths of a small pool, or one again.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <ctime>
#include <string>

#include "fuzz/simulation/run.h"

namespace sim = poolproof::simulation;

int main(int argc, char** argv) {
  CLI::App app("Histories of a simulated pool, judged at every step");
  std::uint64_t histories = 20000, seed = 1;
  int strikes = 1;
  std::string variant, path;
  auto* random = app.add_subcommand("random", "histories from a seed, one after the other");
  random->add_option("--histories", histories, "how many");
  random->add_option("--seed", seed, "of the first");
  auto* all = app.add_subcommand("all", "every path of 2 workers and 3 tasks");
  all->add_option("--strikes", strikes, "at most so many in one history");
  all->add_option("--variant", variant, "only this one");
  auto* again = app.add_subcommand("again", "one history, in words");
  again->add_option("--seed", seed, "a random one");
  again->add_option("--variant", variant, "or one of `all`, with its path");
  again->add_option("--strikes", strikes, "as it was");
  again->add_option("--path", path, "as it was told");
  app.require_subcommand(1);
  CLI11_PARSE(app, argc, argv);

  sim::tell_aborts();
  sim::Tally tally;
  if (again->parsed()) {
    return sim::show(variant.empty()
                         ? sim::Origin{.seed = seed}
                         : sim::Origin{.variant = variant, .strikes = strikes, .path = path});
  }
  const std::string broken = random->parsed() ? sim::run_random(seed, histories, tally)
                                              : sim::run_all(variant, strikes, tally);
  // CPU time, not wall time: others may use the machine, too.
  const double took = static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
  std::printf("%llu histories in %.2f s of one core: %.0f a second\n%s",
              static_cast<unsigned long long>(tally.histories), took,
              static_cast<double>(tally.histories) / took, sim::coverage_in_words().c_str());
  std::fputs(broken.c_str(), stderr);
  return broken.empty() ? 0 : 1;
}
