// The levels of containment: how much isolation this machine lets the keeper have.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "faults/cage/fd.h"
#include "faults/cage/proc.h"

namespace poolproof::faults {

// What the keeper knows about its containment when it begins.
struct Standing {
  Containment containment = Containment::kSubreaper;
  std::string why;  // why there is not more; "" if there is no more
  Fd tie;           // connection to the guard; EOF means that the guard has ended
};

struct Keeper {
  pid_t pid = 0;
  Fd pidfd;
  Fd tie;  // the guard's end
  Containment containment = Containment::kSubreaper;
};

// Clones the keeper with the best containment that works: PID and mount namespaces, the same in a
// user namespace, or a plain subreaper. `live` runs in the keeper, and its result is the exit
// status. Throws a CallFailed if not even a fork works.
Keeper start_keeper(bool namespaces, const std::function<int(Standing)>& live);

// What the keeper sends to the guard over the tie: one line in each packet.
inline constexpr char kTieReady[] = "ready";         // this containment works
inline constexpr char kTieRefused[] = "refused ";    // it does not work: why
inline constexpr char kTieDeadline[] = "deadline ";  // milliseconds from now until the cage's end
inline constexpr char kTieFolder[] = "folder ";      // to be removed when everything is dead
inline constexpr char kTieGroup[] = "group ";        // a cgroup, also to be removed
void tell(const Fd& tie, const std::string& line);
std::string hear(const Fd& tie);  // blocks; "" at EOF

}  // namespace poolproof::faults
