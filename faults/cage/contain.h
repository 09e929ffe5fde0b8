// The ladder of containments: how much of a world of its own this machine lets the keeper have.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "faults/cage/fd.h"
#include "faults/cage/proc.h"

namespace poolproof::faults {

// What the keeper knows of where it stands when it begins.
struct Standing {
  Containment containment = Containment::kSubreaper;
  std::string why;  // why not more, "" if there is no more
  Fd tie;           // to the guard; EOF means that the guard has ended
};

struct Keeper {
  pid_t pid = 0;
  Fd pidfd;
  Fd tie;  // the guard's end
  Containment containment = Containment::kSubreaper;
};

// Clones the keeper on the highest rung that holds: PID and mount namespaces, the same in a user
// namespace, a plain subreaper. `live` runs in the keeper and its result is the exit status. Throws
// a CallFailed if not even a fork works.
Keeper start_keeper(bool namespaces, const std::function<int(Standing)>& live);

// What the keeper tells the guard over the tie, a line in a packet each.
inline constexpr char kTieReady[] = "ready";         // the rung holds
inline constexpr char kTieRefused[] = "refused ";    // it does not: why
inline constexpr char kTieDeadline[] = "deadline ";  // milliseconds from now until the cage's end
inline constexpr char kTieFolder[] = "folder ";      // to be removed when all is dead
inline constexpr char kTieGroup[] = "group ";        // a cgroup, likewise
void tell(const Fd& tie, const std::string& line);
std::string hear(const Fd& tie);  // blocks; "" at EOF

}  // namespace poolproof::faults
