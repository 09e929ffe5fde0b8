// What a process shares with others in memory, looked at again and again from outside.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace poolproof::faults {

// Of what a process may write and others see too, at most this much is looked at of each mapping:
// the head of it, where transports keep their cursors and their first messages.
inline constexpr std::size_t kWatchedOfEach = std::size_t{64} << 10;

class SharedMemory {
 public:
  // As it is mapped now; what is mapped later is not seen.
  explicit SharedMemory(pid_t pid);

  // Looks again. The address of the first byte that changed since the last look; 0: none did.
  std::uint64_t first_change();
  bool empty() const { return parts_.empty(); }

 private:
  struct Part {
    std::uint64_t address = 0;
    std::string bytes;
  };
  pid_t pid_;
  std::vector<Part> parts_;
};

// Where a function of the program that `pid` runs begins in its memory, by its symbol table. 0: it
// has none of that name.
std::uint64_t address_of_symbol(pid_t pid, const std::string& symbol);

}  // namespace poolproof::faults
