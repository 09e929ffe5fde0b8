// What happened in a history, as bytes: eight for each happening. Two runs of one seed give the
// same bytes; in_words() makes them readable.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace poolproof::simulation {

enum class What : std::uint8_t {
  // the world goes on
  kTurn,      // the supervisor wakes up and does what there is to do
  kMove,      // a worker's program makes its next move
  kDies,      // our SIGKILL reaches a worker
  kRecord,    // a worker's exit record comes
  kRelease,   // a late record can be had
  kSubmit,    // the program's threads ask for something
  kShutdown,  //
  kClock,     // time passes, to the instant for which the supervisor waits
  kHeal,      // faults stop: what was frozen or stalled goes on
  // faults, and what else may strike at any moment
  kStrikeDeath,    // how: an index into the exits of strikes.cc; more: 1 = EOF and record at once
  kFreeze,         //
  kThaw,           //
  kStall,          // makes no move any more, and is not stopped
  kTear,           // its next message is cut short by its death
  kSplit,          // its next message arrives in two pieces
  kNoise,          // garbage
  kForge,          // well-formed messages that it should not send
  kHangUp,         // closes its channel, and lives
  kRefuse,         // shuts the receiving end of its channel
  kNarrow,         // its channel takes only a few bytes
  kSlow,           // the same, from now on between any two moves of its
  kNoMemoryThere,  // it has no memory for a large argument
  kNoMemoryHere,   // the program has none for a large result
  kHoldOpen,       // a grandchild holds its channel open
  kElsewhere,      // it will be reaped by somebody else
  kLateRecord,     // its handle will be readable before its record can be had
  kNoThreads,      // can be started, or can be again
  kSpawnFails,     // the next spawns fail; how, from 16: so many, after the first
  kKillsFail,      // of all workers, from now on; how: simulation::Kill
  kShield,         // of one; how: simulation::Kill
  kNewRights,      // the program's; how: kills of workers that it has; 3: once the bell is drained
  kSleepFails,     // the supervisor's next; how 1: and all others
  kSayRefusal,     // before its hello; how 1: and goes on
  kLoseAll,        // the program closes all descriptors
  kSteal,          // it closes one, and opens something else under its number
  kCancel,         //
  kResize,         //
  kAskHealth,      //
  kOtherOrder,     // another than the first of what could happen happens
  kSubmitInHush,   // a thread asks for something while the supervisor hushes the bell
  // what the supervisor did
  kSpawned,
  kSpawnFailed,
  kWrote,
  kKilled,
  kKillFailed,
  kSleepFailed,
  kReaped,
  kClosed,
  kSettled,
  kPoolEnded,
  kFinished,
  kAbandoned,
  kSleeps,
  kCount,
};

class Record {
 public:
  void add(What what, int who = 0, int how = 0, std::uint32_t more = 0) {
    const auto h = static_cast<unsigned>(how);
    const char entry[8] = {static_cast<char>(what),        static_cast<char>(who),
                           static_cast<char>(h),           static_cast<char>(h >> 8),
                           static_cast<char>(more),        static_cast<char>(more >> 8),
                           static_cast<char>(more >> 16U), static_cast<char>(more >> 24)};
    bytes_.append(entry, sizeof(entry));
  }
  void clear() { bytes_.clear(); }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

// One line for each happening.
std::string in_words(std::string_view record);

}  // namespace poolproof::simulation
