// The rendezvous: a body says where it is, waits for the harness's answer, and does what it says.
#pragma once

#include <string>

#include "conformance/adapters/cpp/ledger.h"

namespace poolproof::adapter {

// Connects, sends {task, point}, reads the answer, closes, and does what the answer says
// (protocol.md):
// - `go` and `close-fds`: returns;
// - `throw`: writes its `struck` line, then throws std::runtime_error;
// - `throw-undecodable`: the same, but throws something that is not a std::exception;
// - `fork`: comes to the rendezvous again;
// - all others: never returns.
// Waits without a limit for the answer. EOF means that the harness is gone: ends this process with
// status 1. Throws std::system_error if the socket cannot be reached.
void stand_at(const Place& place, const std::string& point);

}  // namespace poolproof::adapter
