// The proof: can any thread of this tree ever run again? Pure: two looks go in, a verdict comes
// out.
//
// A thread is *stuck* if it did not run between the looks, if it waits in a call that is understood
// and that no time limit ends, and if all threads that could wake it are stuck too. The set of
// stuck threads is the largest set for which this holds. A tree is `hung` only if all its threads
// are stuck.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "conformance/observe/look.h"

namespace poolproof::hang {

// What the caller promises about the world outside the tree.
struct ClosedWorld {
  std::set<std::string> silent_objects;  // names (look.h): no outsider will touch these, whichever
                                         // process holds the other end
  std::set<pid_t> silent_processes;      // these will touch nothing of the tree
  bool names_are_private = false;        // no outsider will open its files and sockets by name
  bool no_signals = false;  // no outsider will send a signal, also if a thread waits for one
  bool no_alarms = false;   // none of its processes has set alarm() or setitimer(ITIMER_REAL)
};

enum class Verdict {
  hung,  // proved: nothing in it can ever run again, unless an outsider sends a signal or breaks
         // the promise of a closed world
  // Nothing ran, but something that is understood may still come: a time limit, an outsider.
  quiet,
  busy,       // something ran
  undecided,  // something is not understood, or may not be read
};
const char* word_for(Verdict verdict);

struct Waker {
  pid_t pid = 0;  // in the tree
  // Through this descriptor of it; -1: through memory, its exit, or a lock that it holds.
  int fd = -1;

  auto operator<=>(const Waker&) const = default;
};

struct ThreadProof {
  enum class Standing {
    stuck,    // can never run again
    waits,    // possibly all is well: a thread of the tree that is not stuck can wake it
    open,     // something outside the tree, or time, can wake it
    moving,   // it ran
    unclear,  // nothing is known
  };
  pid_t pid = 0, tid = 0;
  Standing standing = Standing::unclear;
  std::string reason{};         // why it is not stuck
  std::vector<Waker> wakers{};  // the processes in the tree that could wake it

  bool operator==(const ThreadProof&) const = default;
};
const char* word_for(ThreadProof::Standing standing);

struct Proof {
  Verdict verdict = Verdict::undecided;
  std::string reason;                // one sentence
  std::vector<ThreadProof> threads;  // in the order of the second look
  // The assumptions of a `hung` verdict: only what they exclude can end it.
  std::vector<std::string> provided;

  bool operator==(const Proof&) const = default;
};

Proof prove(const Look& first, const Look& second, const ClosedWorld& world);

}  // namespace poolproof::hang
