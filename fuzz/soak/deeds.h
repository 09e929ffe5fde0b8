// What the tasks of the soak test do, and what they write into the ledger: the tasks themselves
// report what ran, and not the pool.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "faults/cage/proc.h"

namespace poolproof::fuzz::soak {

using faults::Identity;
using Serial = std::uint64_t;  // of a task, counted from 1, in the order in which they were made
using Payload = std::vector<unsigned char>;

enum class Deed {
  kWork,          // checks its argument, computes, returns a payload
  kSegv,          // SIGSEGV
  kExit,          // _exit(kExitCode)
  kStarve,        // takes memory until there is no more: std::bad_alloc
  kStarveAborts,  // the same where nothing may be thrown: SIGABRT
  kStarveKilled,  // the same, and ends as the kernel's out-of-memory killer ends a process: SIGKILL
  kHang,          // never ends by itself: it is frozen, and its limit ends it
  kCloses,        // closes all descriptors from 3 to 64, its channel among them
  kLarge,         // has an argument for which its worker has no memory, so it does not begin
  // The others work as kWork does, and then change their worker.
  kDropsRights,  // changes to another user, if it was root's
  kSignals,      // ignores the signal that ends it, and no longer ignores others
  kLimits,       // has few descriptors and little memory, and may not write files or fork
};
inline constexpr int kExitCode = 7;
inline constexpr unsigned kNobody = 65534;  // a user and a group
// Whether the task returns its value.
constexpr bool gives_value(Deed deed) { return deed == Deed::kWork || deed >= Deed::kDropsRights; }
// A worker gets no memory beyond this. Sanitizers need more for themselves, so no task runs out of
// memory with them.
inline constexpr std::size_t kMemoryLimit = std::size_t{96} << 20;
inline constexpr std::size_t kLargeArgument = std::size_t{104} << 20;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

std::string to_string(Deed deed);

enum class Mark : char {
  kBegin = 'B',
  kFault = 'F',  // the deed comes next
  kEnd = 'E',    // everything is done except the reply
};

// One line of the ledger, written by one write that is never torn.
struct Line {
  Mark mark = Mark::kBegin;
  Serial task = 0;
  Identity worker = {};
  bool operator==(const Line&) const = default;
};
std::string to_text(const Line& line);
std::optional<Line> parse_line(std::string_view text);  // without its newline

// The payload of this size that belongs to this task.
Payload payload_of(Serial task, std::size_t size);

// Runs in the worker. `ledger`: a FIFO that is always read.
Payload perform(const std::string& ledger, Serial task, Deed deed, std::uint32_t rounds,
                std::uint32_t result_bytes, const Payload& argument);

}  // namespace poolproof::fuzz::soak
