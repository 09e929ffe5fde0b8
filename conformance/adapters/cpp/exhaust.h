// Using up what a process lives on (conformance/protocol/protocol.md, "Rendezvous", `exhaust`).
#pragma once

#include <string>

namespace poolproof::adapter {

// Takes more and more of `what` (memory, stack, files, file-size, shared-memory) until the process
// ends, or is refused: then it gives back all that it took and returns, in words, how it was
// refused; of memory, "". Throws std::runtime_error once it has `at_most` of it.
std::string exhaust(const std::string& what, long long at_most);

}  // namespace poolproof::adapter
