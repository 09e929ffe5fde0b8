// Which threads could wake a thread from its wait? Pure. This file has the rules for each kind of
// wait.
#pragma once

#include "conformance/observe/prove.h"

namespace poolproof::hang {

struct Ways {                 // that end a wait
  std::vector<Waker> wakers;  // in the tree
  std::string open;           // what outside of the tree could end it, as text; empty: nothing
  std::string unclear;        // why it is not known what could end it
};

Ways ways_out(const Look& look, const ProcessLook& process, const ThreadLook& thread,
              const ClosedWorld& world);

}  // namespace poolproof::hang
