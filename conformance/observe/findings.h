// What a still tree shows beyond the waits themselves: dead processes that nobody has buried, locks
// whose owner is gone, messages read by half, ends of pipes that keep an end from coming. Pure.
// They explain a verdict and never make one.
#pragma once

#include "conformance/observe/prove.h"

namespace poolproof::hang {

struct Finding {
  enum class Kind { orphaned_lock, half_read, unburied, taken_lock, eof_blocked };
  Kind kind = Kind::orphaned_lock;
  pid_t pid = 0, tid = 0;        // who suffers it; of the dead for `unburied`
  std::vector<pid_t> processes;  // others that it is about: the dead, or the holders
  std::string text;              // a sentence

  bool operator==(const Finding&) const = default;
};
const char* word_for(Finding::Kind kind);

// `proof` is of this look. What tells most comes first, as the kinds stand above.
std::vector<Finding> findings_of(const Look& look, const Proof& proof);

// "process 12 (python3 pool.py)"
std::string name_of(const ProcessLook& process);
// "is dead: signal 9", "is dead: exit status 3"
std::string end_of(const ProcessLook& process);

}  // namespace poolproof::hang
