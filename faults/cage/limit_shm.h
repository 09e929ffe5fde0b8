// Makes /dev/shm small or full, if the attempt has its own.
#pragma once

#include <functional>
#include <string>

#include "faults/cage/places.h"

namespace poolproof::faults {

struct SharedMemoryLimit {
  long long bytes = 0;  // the total that all files in it may have
  std::function<void()> undo;
};

// With `room`, one mebibyte more than is in use now; otherwise no new file, and hardly a page more.
// Throws CallFailed or std::runtime_error.
SharedMemoryLimit limit_shm(const Places& places, bool room);

// "" if limit_shm works here; otherwise why not.
std::string why_no_shm_limit(const Places& places);

}  // namespace poolproof::faults
