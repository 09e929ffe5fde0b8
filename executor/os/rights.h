// What the program may do, as far as its workers would be able to do it too: user, groups and
// capabilities. A worker must never have a right that the program has given up.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace poolproof::os {

struct SysError;

// Bit masks, as in /proc/PID/status (CapEff, CapPrm, CapInh, CapBnd).
struct Capabilities {
  std::uint64_t effective = 0;
  std::uint64_t permitted = 0;
  std::uint64_t inheritable = 0;
  std::uint64_t bounding = 0;
  int no_new_privileges = 0;
};

// Why a process that this program starts now could not be its worker: its real and effective user
// or group differ, or it was started with more rights than its caller's (AT_SECURE). Empty: it
// could.
std::string why_no_workers();

// Of the program's main thread. nullopt: /proc does not tell.
std::optional<Capabilities> program_capabilities();

// A digest of the user, the groups and the capabilities that the program has now: another one tells
// that they have changed. Four system calls. Capabilities are those of the main thread, since the
// kernel has them for each thread apart; users and groups are the same in all threads (glibc).
std::uint64_t rights_digest();

// This process keeps no capability that is not in `most`. For a worker, before anything of the user
// runs in it: when a process of root is started, the kernel gives it all capabilities again.
std::optional<SysError> keep_at_most(const Capabilities& most);

}  // namespace poolproof::os
