// Everything that `adapter test` tries, each conversation with an adapter of its own.
#pragma once

#include <string>
#include <vector>

#include "conformance/cli/interview.h"

namespace poolproof::cli {

struct Tested {
  Findings findings;
  nlohmann::json hello;     // null: it never said one
  std::string unavailable;  // why the pool cannot be driven here: then nothing was tried
  int conversations = 0, messages = 0;
};

// Throws Interrupted, faults::CageError.
Tested test_adapter(const Interview::Options& options);

}  // namespace poolproof::cli
