// What a process holds that a pool could leave behind.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace poolproof::fuzz {

struct Belongings {
  std::size_t descriptors = 0;
  std::size_t threads = 0;
  std::size_t children = 0;       // zombies too
  std::size_t shared_memory = 0;  // mapped here, or in /dev/shm under a name of ours
  bool operator==(const Belongings&) const = default;
};
Belongings belongings();  // of this process
// Returns once they equal `before`, or at the limit: a joined thread may stay in the list for a
// moment.
Belongings belongings_after(const Belongings& before,
                            std::chrono::milliseconds limit = std::chrono::minutes(1));
std::string to_string(const Belongings& belongings);

}  // namespace poolproof::fuzz
