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
  std::size_t shared_memory = 0;  // mapped here, or named after us in /dev/shm
  bool operator==(const Belongings&) const = default;
};
Belongings belongings();  // of this process
// Once they are as `before`, or the limit has passed: a thread that was joined may be listed for a
// moment more.
Belongings belongings_after(const Belongings& before,
                            std::chrono::milliseconds limit = std::chrono::minutes(1));
std::string to_string(const Belongings& belongings);

}  // namespace poolproof::fuzz
