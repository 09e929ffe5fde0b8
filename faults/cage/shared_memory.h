// The memory that a process shares with others, examined repeatedly from outside.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace poolproof::faults {

// Only mappings that a process may write and that others also see are examined, and of each at most
// so many bytes: its start, where transports keep their cursors and their first messages.
inline constexpr std::size_t kWatchedOfEach = std::size_t{64} << 10;

class SharedMemory {
 public:
  // The mappings at this moment; later mappings are not examined.
  explicit SharedMemory(pid_t pid);

  // Looks again. Returns the address of the first byte that changed since the last look; 0: none
  // did.
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

// The address at which a function of the program that `pid` runs begins, from its symbol table. 0:
// it has no function of that name.
std::uint64_t address_of_symbol(pid_t pid, const std::string& symbol);

}  // namespace poolproof::faults
