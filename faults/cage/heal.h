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
  std::string error;  // "" if it could be killed, else why not: such a process is not waited for
};

// Returns when every process inside but this one is dead and reaped. Blocks. What was still alive
// is returned; exits of watched processes are told by `watch` on the way. `spared` is the cage's
// own, if it has a process inside.
std::vector<Killed> kill_everything(Containment containment, Watch& watch,
                                    const Identity& spared = {});

}  // namespace poolproof::faults
