// Does any process inside still run, or could it continue without a message from us?
#pragma once

#include <vector>

#include "faults/cage/proc.h"

namespace poolproof::faults {

struct ThreadMoves {
  int process = 0;
  int tid = 0;
  char state = '?';                 // as in /proc: 'R', 'S' ...
  unsigned long long switches = 0;  // context switches, voluntary and involuntary

  bool operator==(const ThreadMoves&) const = default;
};

// Each thread of each process inside, except those of `spared`, the cage's own process (0: there is
// none).
std::vector<ThreadMoves> moves_inside(Containment containment, int spared);

// Proves that there was a moment after `first` was taken at which every thread slept in a call
// without a time limit. Then no process inside can ever wake another one, except by alarms that a
// process set for itself. The proof: all slept in `first`, all sleep now, and no thread was
// switched in between. So each one slept during the whole time between the two looks. False proves
// nothing: a pool may rest in waits that have a limit, or leave a zombie.
bool all_sleep_since(const std::vector<ThreadMoves>& first, Containment containment, int spared);

}  // namespace poolproof::faults
