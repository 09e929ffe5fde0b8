// One wait for any number of descriptors.
#pragma once

#include <poll.h>

#include <optional>
#include <span>

#include "executor/os/os.h"

namespace poolproof::os {

// As ppoll, until an instant; nullopt: no limit. ppoll takes no more entries than RLIMIT_NOFILE
// allows, and the program may have lowered it after the descriptors were opened. In that case
// pselect waits, which has no such limit.
int poll_any(std::span<pollfd> polled, std::optional<Instant> until);

}  // namespace poolproof::os
