// What happened in a history, as bytes: eight for each event. Two runs of one seed give the same
// bytes; in_words() makes them readable.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace poolproof::simulation {

enum class What : std::uint8_t {
  // normal events
  kTurn,      // the supervisor wakes up and does what there is to do
  kMove,      // a worker's program makes its next move
  kDies,      // our SIGKILL reaches a worker
  kRecord,    // a worker's exit record comes
  kRelease,   // a late record becomes available
  kSubmit,    // the program's threads request something
  kShutdown,  //
  kClock,     // time passes until the supervisor's next deadline
  kHeal,      // faults stop: frozen or stalled processes continue
  // faults, and other events that may come at any moment
  kStrikeDeath,    // how: an index into the exits of strikes.cc; more: 1 = EOF and record at once
  kFreeze,         //
  kThaw,           //
  kStall,          // makes no move any more, but is not stopped
  kTear,           // its next message is cut short by its death
  kSplit,          // its next message arrives in two pieces
  kNoise,          // garbage
  kForge,          // well-formed messages that it should not send
  kHangUp,         // closes its channel, and stays alive
  kRefuse,         // shuts the receiving end of its channel
  kNarrow,         // its channel takes only a few bytes
  kSlow,           // the same, from now on between any two of its moves
  kNoMemoryThere,  // it has no memory for a large argument
  kNoMemoryHere,   // the program has none for a large result
  kHoldOpen,       // a grandchild holds its channel open
  kElsewhere,      // another part of the program will reap it
  kLateRecord,     // its handle becomes readable before its record is available
  kNoThreads,      // no thread can be started, or threads can be started again
  kSpawnFails,     // the next spawns fail; how, from 16: so many, after the first
  kKillsFail,      // of all workers, from now on; how: simulation::Kill
  kShield,         // of one; how: simulation::Kill
  kNewRights,      // the program's; how: kills of workers that it has; 3: once the bell is drained
  kSleepFails,     // the supervisor's next; how 1: and all others
  kSayRefusal,     // before its hello; how 1: and goes on
  kLoseAll,        // the program closes all descriptors
  kSteal,          // it closes one, and opens another file under its number
  kCancel,         //
  kResize,         //
  kAskHealth,      //
  kOtherOrder,     // an event other than the first possible one happens
  kSubmitInHush,   // a thread requests something while the supervisor drains the bell
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

// One line for each event.
std::string in_words(std::string_view record);

}  // namespace poolproof::simulation
