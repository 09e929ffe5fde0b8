// Who could wake a thread from its wait? Pure. The rules for each kind of wait stand here.
#pragma once

#include "conformance/observe/prove.h"

namespace poolproof::hang {

struct Ways {                 // out of a wait
  std::vector<Waker> wakers;  // in the tree
  std::string open;           // something outside could: said in words, empty if nothing
  std::string unclear;        // it is not known who could
};

Ways ways_out(const Look& look, const ProcessLook& process, const ThreadLook& thread,
              const ClosedWorld& world);

}  // namespace poolproof::hang
