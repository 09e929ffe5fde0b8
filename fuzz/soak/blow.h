// What strikes a worker from outside: a signal, and its effect.
#pragma once

#include <string>

namespace poolproof::fuzz::soak {

enum class Blow {
  kKill,
  kSegv,
  kFreeze,
  kThaw,
  kTerm,
  kPipe,
  kSuspend,  // as a terminal's Ctrl-Z
  // Ignored, unless the worker's task has changed that.
  kInterrupt,
  kQuit,
  kHangUp,
  kChild,
};
std::string to_string(Blow blow);
int signal_of(Blow blow);
bool stops(Blow blow);
// `changed`: a worker whose task has changed its signals.
bool ends(Blow blow, bool changed);

}  // namespace poolproof::fuzz::soak
