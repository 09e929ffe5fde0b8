// What happens to the program itself while its pool works: signals to it and to its group, and
// limits that are lowered and rights that are given up for a while.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <random>
#include <string>

#include "fuzz/soak/clerk.h"

namespace poolproof::fuzz::soak {

// From now on the program handles these signals, and has its own group.
void handle_signals();
// How many it has handled.
std::uint64_t signals_handled();

class Meddler {
 public:
  Meddler(Clerk& clerk, std::uint64_t seed) : clerk_(clerk), random_(seed) {}
  // Everything is restored when it returns.
  void run(const std::atomic<bool>& stop);

  // Whether there is something to give up. Prints a clear message if there is not.
  static bool has_rights();
  // By kind.
  const std::map<std::string, std::uint64_t>& told() const { return told_; }

 private:
  void tick();
  void signal_program();
  void signal_group();
  void lower_a_limit();
  void give_up_rights();
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  // A short time; rarely a long one, so that a pool ends because of it.
  std::chrono::milliseconds a_while();

  Clerk& clerk_;
  std::mt19937_64 random_;
  std::map<std::string, std::uint64_t> told_;
};

}  // namespace poolproof::fuzz::soak
