// What a tree in which nothing moves shows besides its waits: zombies, locks whose owner is gone,
// messages that were read only in part, ends of pipes that prevent an EOF. Pure. Findings explain a
// verdict and never decide it.
#pragma once

#include "conformance/observe/prove.h"

namespace poolproof::hang {

struct Finding {
  enum class Kind { orphaned_lock, half_read, unburied, taken_lock, eof_blocked };
  Kind kind = Kind::orphaned_lock;
  pid_t pid = 0, tid = 0;        // the thread that is affected; for `unburied` the zombie
  std::vector<pid_t> processes;  // others concerned: zombies, holders, or a zombie's parent
  std::string text;              // a sentence

  bool operator==(const Finding&) const = default;
};
const char* word_for(Finding::Kind kind);

// `proof` belongs to this look. The most important findings come first, in the order of the kinds
// above.
std::vector<Finding> findings_of(const Look& look, const Proof& proof);

// "process 12 (python3 pool.py)"
std::string name_of(const ProcessLook& process);
// "is dead: signal 9", "is dead: exit status 3"
std::string end_of(const ProcessLook& process);

}  // namespace poolproof::hang
