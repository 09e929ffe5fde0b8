// What the program may do, as far as its workers could do it too: user, groups and capabilities. A
// worker must never have a right that the program has given up.
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
// or group differ, or it was started with more rights than its caller has (AT_SECURE). Empty: it
// could be one.
std::string why_no_workers();

// Why this thread could not start one although the program could: its user or groups are not those
// of the main thread (glibc changes them in all threads, a raw system call in one). Empty: it
// could. What setfsuid and setfsgid change, in one thread also in glibc, does not count.
std::string why_not_by_this_thread();

// What this thread may do to files is what the main thread may, as far as the kernel permits it: a
// thread inherits what setfsuid has set in the one that starts it.
void use_file_ids_of_main_thread();

// Of the program's main thread. nullopt: /proc does not tell; errno says why.
std::optional<Capabilities> program_capabilities();

// A digest of what the main thread has now: another one tells that it has changed. Four system
// calls, and one file of /proc: nothing else tells the bounding set and no_new_privs of another
// thread. It takes about 20 microseconds, so ask only when it matters.
std::uint64_t rights_digest();

// Removes every capability of this process that is not in `most`. Call it in a worker before any
// code of the user runs there, because the kernel gives all capabilities to a process that root
// starts. If the bounding set can no longer be made smaller (the program has also dropped its
// user), the process gets no_new_privs, so that the bounding set has no effect.
std::optional<SysError> keep_at_most(const Capabilities& most);

// Whether this process can change to a user for which the kernel then refuses what is allowed now:
// it has CAP_SETUID, and is not the machine's root.
bool may_become_another_user();

}  // namespace poolproof::os
