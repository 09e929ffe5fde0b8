// Kills everything inside, in a loop until nothing is left.
#pragma once

#include <string>
#include <vector>

#include "faults/cage/proc.h"
#include "faults/cage/watch.h"

namespace poolproof::faults {

struct Killed {
  Identity who;
  std::string name;
  std::string error;  // "" if it could be killed; otherwise why not: it is not waited for
};

// Returns when every process inside except this one is dead and reaped. Blocks. Returns the
// processes that were still alive; `watch` reports exits of watched processes. `spared` is the
// cage's own process inside, if it has one.
std::vector<Killed> kill_everything(Containment containment, Watch& watch,
                                    const Identity& spared = {});

}  // namespace poolproof::faults
