// A small or full /dev/shm, where it is the attempt's own.
#pragma once

#include <functional>
#include <string>

#include "faults/cage/places.h"

namespace poolproof::faults {

struct SharedMemoryLimit {
  long long bytes = 0;  // that all files in it may have together
  std::function<void()> undo;
};

// With `room` a mebibyte more than lies there now, else not one new file and hardly a page more.
// Throws CallFailed or std::runtime_error.
SharedMemoryLimit limit_shm(const Places& places, bool room);

// "" if limit_shm can do it here.
std::string why_no_shm_limit(const Places& places);

}  // namespace poolproof::faults
