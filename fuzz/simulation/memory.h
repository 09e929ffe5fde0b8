// Simulates a program without memory for large blocks: operator new is replaced, and throws for
// them.
#pragma once

#include <cstddef>

namespace poolproof::simulation {

// The size of a large result, for which there is no memory.
inline constexpr std::size_t kLargeReply = std::size_t{96} << 10;
inline constexpr std::size_t kTooMuch = std::size_t{80} << 10;

// Has effect on this thread, while it exists.
class LittleMemory {
 public:
  explicit LittleMemory(bool little);
  ~LittleMemory();
  LittleMemory(const LittleMemory&) = delete;
  LittleMemory& operator=(const LittleMemory&) = delete;
};

}  // namespace poolproof::simulation
