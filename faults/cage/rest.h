// Does anybody inside still move, or could go on without being told something?
#pragma once

#include <vector>

#include "faults/cage/proc.h"

namespace poolproof::faults {

struct ThreadMoves {
  int process = 0;
  int tid = 0;
  char state = '?';                 // as in /proc: 'R', 'S' ...
  unsigned long long switches = 0;  // of context, how often it was put to sleep or aside

  bool operator==(const ThreadMoves&) const = default;
};

// Each thread of each process inside but those of `spared`, the cage's own (0: there is none).
std::vector<ThreadMoves> moves_inside(Containment containment, int spared);

// Proof that there was a moment since `first` was taken at which everybody slept in a call that has
// no time limit: then, but for alarms that a process set for itself, nobody inside can ever wake
// anybody. All slept in `first`; all sleep again, and nobody was put to sleep in between, so each
// slept all the time from the one look to the other. False proves nothing: a pool may well rest in
// waits that have a limit, or leave a zombie.
bool all_sleep_since(const std::vector<ThreadMoves>& first, Containment containment, int spared);

}  // namespace poolproof::faults
