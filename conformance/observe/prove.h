// The proof: can any thread of this tree ever run again? Pure: two looks in, a verdict out.
//
// A thread is *stuck* if it did not run between the looks, waits in a call that is understood and
// that no time limit ends, and all that could wake it are stuck too: the greatest set of threads
// that satisfies this. Only a tree all of whose threads are stuck is `hung`.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "conformance/observe/look.h"

namespace poolproof::hang {

// What whoever asks for the proof promises of the world outside of the tree.
struct ClosedWorld {
  std::set<std::string> silent_objects;  // names (look.h): nobody outside will touch these, whoever
                                         // holds the other end
  std::set<pid_t> silent_processes;      // these will touch nothing of the tree
  bool names_are_private = false;        // nobody outside will open its files and sockets by name
  bool no_signals = false;  // nobody outside will send one, also where one is waited for
  bool no_alarms = false;   // none of its processes has armed alarm() or setitimer(ITIMER_REAL)
};

enum class Verdict {
  hung,       // proved: nothing in it can ever run again, unless somebody outside sends a signal
              // or, in a closed world, breaks the promise
  quiet,      // nothing ran, but something understood may still come: a time limit, an outsider
  busy,       // something ran
  undecided,  // something is not understood, or may not be seen
};
const char* word_for(Verdict verdict);

struct Waker {
  pid_t pid = 0;  // in the tree
  int fd = -1;    // through this descriptor of it; -1: by memory, by its end, or as a lock's holder

  auto operator<=>(const Waker&) const = default;
};

struct ThreadProof {
  enum class Standing {
    stuck,    // can never run again
    waits,    // all could be well: somebody in the tree who is not stuck can wake it
    open,     // something outside of the tree, or time, can wake it
    moving,   // it ran
    unclear,  // nothing is known
  };
  pid_t pid = 0, tid = 0;
  Standing standing = Standing::unclear;
  std::string reason{};         // why it is not stuck
  std::vector<Waker> wakers{};  // who in the tree could wake it

  bool operator==(const ThreadProof&) const = default;
};
const char* word_for(ThreadProof::Standing standing);

struct Proof {
  Verdict verdict = Verdict::undecided;
  std::string reason;                 // one sentence
  std::vector<ThreadProof> threads;   // in the order of the second look
  std::vector<std::string> provided;  // what a `hung` rests on: nothing else than this can end it

  bool operator==(const Proof&) const = default;
};

Proof prove(const Look& first, const Look& second, const ClosedWorld& world);

}  // namespace poolproof::hang
