// The rendezvous: a body says where it stands, waits for the harness's answer, and does as told.
#pragma once

#include <string>

#include "conformance/adapters/cpp/ledger.h"

namespace poolproof::adapter {

// Connects, says {task, point}, reads the answer, closes, does as told (protocol.md):
// returns for `go`; after its `struck` line throws std::runtime_error for `throw`, and for
// `throw-undecodable` something that is no std::exception at all; returns for `close-fds`; for
// `fork` stands there again; never returns for the rest. Waits without a limit for the answer. EOF
// ends this process with status 1: the harness is gone. Throws std::system_error if the socket
// cannot be reached.
void stand_at(const Place& place, const std::string& point);

}  // namespace poolproof::adapter
