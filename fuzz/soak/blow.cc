#include "fuzz/soak/blow.h"

#include <signal.h>

namespace poolproof::fuzz::soak {

std::string to_string(Blow blow) {
  switch (blow) {
    case Blow::kKill:
      return "SIGKILL from outside";
    case Blow::kSegv:
      return "SIGSEGV from outside";
    case Blow::kFreeze:
      return "frozen from outside";
    case Blow::kThaw:
      return "thawed again";
    case Blow::kTerm:
      return "SIGTERM from outside";
    case Blow::kPipe:
      return "SIGPIPE from outside";
    case Blow::kSuspend:
      return "SIGTSTP from outside";
    case Blow::kInterrupt:
      return "SIGINT from outside";
    case Blow::kQuit:
      return "SIGQUIT from outside";
    case Blow::kHangUp:
      return "SIGHUP from outside";
    case Blow::kChild:
      return "SIGCHLD from outside";
  }
  return "?";
}

int signal_of(Blow blow) {
  switch (blow) {
    case Blow::kKill:
      return SIGKILL;
    case Blow::kSegv:
      return SIGSEGV;
    case Blow::kFreeze:
      return SIGSTOP;
    case Blow::kThaw:
      return SIGCONT;
    case Blow::kTerm:
      return SIGTERM;
    case Blow::kPipe:
      return SIGPIPE;
    case Blow::kSuspend:
      return SIGTSTP;
    case Blow::kInterrupt:
      return SIGINT;
    case Blow::kQuit:
      return SIGQUIT;
    case Blow::kHangUp:
      return SIGHUP;
    case Blow::kChild:
      return SIGCHLD;
  }
  return 0;
}

bool stops(Blow blow) { return blow == Blow::kFreeze || blow == Blow::kSuspend; }

bool ends(Blow blow, bool changed) {
  switch (blow) {
    case Blow::kKill:
    case Blow::kSegv:
    case Blow::kTerm:
    case Blow::kPipe:
      return true;
    case Blow::kInterrupt:
    case Blow::kQuit:
    case Blow::kHangUp:
      return changed;
    case Blow::kFreeze:
    case Blow::kThaw:
    case Blow::kSuspend:
    case Blow::kChild:
      return false;
  }
  return false;
}

}  // namespace poolproof::fuzz::soak
