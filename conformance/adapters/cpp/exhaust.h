// Uses up a resource of the process (conformance/protocol/protocol.md, "Rendezvous", `exhaust`).
#pragma once

#include <string>

namespace poolproof::adapter {

// Takes more and more of `what` (memory, stack, files, file-size, shared-memory) until the process
// ends or a request is refused. If it is refused, gives everything back and returns the reason as
// text; for memory, "". Throws std::runtime_error once it has `at_most` of it.
std::string exhaust(const std::string& what, long long at_most);

}  // namespace poolproof::adapter
