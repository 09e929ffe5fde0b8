// A program that has no memory for what is large: operator new is replaced, and throws then.
#pragma once

#include <cstddef>

namespace poolproof::simulation {

// What a large result has, and what there is no memory for.
inline constexpr std::size_t kLargeReply = std::size_t{96} << 10;
inline constexpr std::size_t kTooMuch = std::size_t{80} << 10;

// While it lives, on this thread.
class LittleMemory {
 public:
  explicit LittleMemory(bool little);
  ~LittleMemory();
  LittleMemory(const LittleMemory&) = delete;
  LittleMemory& operator=(const LittleMemory&) = delete;
};

}  // namespace poolproof::simulation
