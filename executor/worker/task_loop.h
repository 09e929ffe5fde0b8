// What a worker does: claim, decode, run, encode, reply; one task at a time.
#pragma once

#include <cstddef>

namespace poolproof::worker {

// Serves the channel `fd` until it is told to stop. Ends by _exit: the static destructors of the
// program belong to its main, which has not run here.
[[noreturn]] void serve(int fd, int parent, std::size_t max_payload);

}  // namespace poolproof::worker
