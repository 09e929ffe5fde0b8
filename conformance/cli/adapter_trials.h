// All trials of `adapter test`; each conversation starts its own adapter.
#pragma once

#include <string>
#include <vector>

#include "conformance/cli/interview.h"

namespace poolproof::cli {

struct Tested {
  Findings findings;
  nlohmann::json hello;     // null: it never sent one
  std::string unavailable;  // why the pool cannot be driven here; nothing was tried then
  int conversations = 0, messages = 0;
};

// Throws Interrupted, faults::CageError.
Tested test_adapter(const Interview::Options& options);

}  // namespace poolproof::cli
