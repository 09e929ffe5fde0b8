#include "executor/supervise/lifecycle.h"

#include <array>

namespace poolproof::supervise {
namespace {

using enum State;
using enum Event;
using Do = Action;

// What happens if no row of kWritten says otherwise.
constexpr Row by_default(State in, Event on) {
  if (is_ours(on)) return {in, on, in, Do::kBug};  // the supervisor never makes it here
  if (on == kExit) return {in, on, kReaped, in == kReaped ? Do::kNothing : Do::kReap};
  const bool is_being_ended =
      in == kKilling || in == kViolation || in == kUnkilled || in == kReaped;
  if (is_being_ended || on == kTakes || on == kTaken) return {in, on, in, Do::kNothing};
  // EOF is only a suspicion: kill the worker when the grace ends, not now.
  if (on == kChannelLost) return {in, on, kLosing, Do::kArmGrace};
  return {in, on, kViolation, Do::kKillViolator};  // a message at the wrong time
}

constexpr Row kWritten[] = {
    // in         on            next          action
    {kStarting, kStop, kStopping, Do::kSendStop},
    {kStarting, kKill, kKilling, Do::kKill},
    {kStarting, kGraceOver, kKilling, Do::kKillLate},
    {kStarting, kHello, kIdle, Do::kWelcome},
    {kStarting, kRefusal, kStarting, Do::kNoteRefusal},
    {kStarting, kInitBegun, kInitializing, Do::kTimeInitializer},
    {kStarting, kTakes, kStarting, Do::kTimeTaking},
    {kStarting, kTaken, kStarting, Do::kTimeRun},

    {kInitializing, kStop, kStopping, Do::kSendStop},
    {kInitializing, kKill, kKilling, Do::kKill},
    {kInitializing, kGraceOver, kKilling, Do::kKillLate},
    {kInitializing, kHello, kIdle, Do::kWelcome},
    {kInitializing, kInitFailed, kKilling, Do::kRefuse},
    {kInitializing, kTakes, kInitializing, Do::kTimeTaking},
    {kInitializing, kTaken, kInitializing, Do::kTimeRun},

    {kIdle, kOffer, kOffered, Do::kSendOffer},
    {kIdle, kStop, kStopping, Do::kSendStop},
    {kIdle, kKill, kKilling, Do::kKill},
    {kIdle, kGraceOver, kStopping, Do::kRetire},

    {kOffered, kWithdraw, kWithdrawing, Do::kSendWithdraw},
    {kOffered, kKill, kKilling, Do::kKill},
    {kOffered, kGraceOver, kKilling, Do::kKillLate},
    {kOffered, kClaim, kTaking, Do::kNoteClaim},
    {kOffered, kTakes, kOffered, Do::kTimeTaking},
    {kOffered, kTaken, kOffered, Do::kTimeRun},

    {kWithdrawing, kKill, kKilling, Do::kKill},
    {kWithdrawing, kGraceOver, kKilling, Do::kKillLate},
    {kWithdrawing, kClaim, kTaking, Do::kNoteClaim},  // its answer: the claim was faster
    {kWithdrawing, kTakes, kWithdrawing, Do::kTimeTaking},
    {kWithdrawing, kTaken, kWithdrawing, Do::kTimeRun},
    {kWithdrawing, kWithdrawn, kIdle, Do::kTakeBack},

    {kTaking, kKill, kKilling, Do::kKill},
    {kTaking, kGraceOver, kKilling, Do::kKillLate},
    {kTaking, kTakes, kTaking, Do::kTimeTaking},
    {kTaking, kTaken, kBusy, Do::kTimeRun},

    {kBusy, kKill, kKilling, Do::kKill},
    {kBusy, kGraceOver, kKilling, Do::kKillOverrun},
    {kBusy, kMemory, kBusy, Do::kNoteMemory},
    {kBusy, kReply, kIdle, Do::kSettle},

    {kStopping, kKill, kKilling, Do::kKill},
    {kStopping, kGraceOver, kKilling, Do::kKillOverdue},
    // It was still starting when we asked it to stop.
    {kStopping, kHello, kStopping, Do::kNothing},
    {kStopping, kRefusal, kStopping, Do::kNothing},
    {kStopping, kInitBegun, kStopping, Do::kNothing},
    {kStopping, kInitFailed, kStopping, Do::kNothing},
    {kStopping, kChannelLost, kStopping, Do::kNothing},  // as expected; the stop grace continues

    {kKilling, kKill, kKilling, Do::kNothing},
    {kKilling, kKillFailed, kUnkilled, Do::kNoteKillFailed},
    {kKilling, kClaim, kKilling, Do::kNoteClaim},   // written before the kill: the task had started
    {kKilling, kReply, kKilling, Do::kSettleLate},  // a finished task never turns into an error

    {kLosing, kKill, kKilling, Do::kKill},
    {kLosing, kGraceOver, kKilling, Do::kKillLost},
    {kLosing, kChannelLost, kLosing, Do::kNothing},

    {kViolation, kKill, kViolation, Do::kNothing},  // the first cause wins
    {kViolation, kKillFailed, kUnkilled, Do::kNoteKillFailed},
    // Its task had started, and must not run again.
    {kViolation, kClaim, kViolation, Do::kNoteClaim},

    {kUnkilled, kKill, kUnkilled, Do::kNothing},  // we have already tried
    {kUnkilled, kGraceOver, kUnkilled, Do::kAbandon},
    {kUnkilled, kClaim, kUnkilled, Do::kNoteClaim},  // the same as while it is being killed
    {kUnkilled, kReply, kUnkilled, Do::kSettleLate},
};

using Rows = std::array<Row, kStates * kEvents>;

// Sorted in the order of the two enums, so that a row is found by its index.
constexpr std::size_t place_of(State in, Event on) {
  return static_cast<std::size_t>(in) * kEvents + static_cast<std::size_t>(on);
}

constexpr Rows all_pairs() {
  Rows rows{};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i] = by_default(static_cast<State>(i / kEvents), static_cast<Event>(i % kEvents));
  }
  for (const Row& row : kWritten) rows[place_of(row.in, row.on)] = row;
  return rows;
}
constexpr Rows kRows = all_pairs();

constexpr bool every_written_row_differs_and_stands_once() {
  for (const Row& row : kWritten) {
    const Row otherwise = by_default(row.in, row.on);
    if (row.next == otherwise.next && row.action == otherwise.action) return false;
    int times = 0;
    for (const Row& other : kWritten) times += row.in == other.in && row.on == other.on ? 1 : 0;
    if (times != 1) return false;
  }
  return true;
}
constexpr bool no_bug_in_their_events() {
  for (const Row& row : kRows) {
    if (!is_ours(row.on) && row.action == Do::kBug) return false;
  }
  return true;
}
constexpr bool only_an_exit_reaps() {
  for (const Row& row : kRows) {
    if ((row.action == Do::kReap) != (row.on == kExit && row.in != kReaped)) return false;
  }
  return true;
}
static_assert(every_written_row_differs_and_stands_once(), "a row of kWritten says nothing");
static_assert(no_bug_in_their_events(), "an event that a worker can make must not abort us");
static_assert(only_an_exit_reaps(), "only the kernel's record reports a death (law L3)");

}  // namespace

const Row& row_for(State state, Event event) { return kRows[place_of(state, event)]; }

std::span<const Row> all_rows() { return kRows; }

const char* to_string(State state) {
  constexpr std::array<const char*, kStates> kNames = {
      "starting", "initializing", "idle",   "offered",   "withdrawing", "taking", "busy",
      "stopping", "killing",      "losing", "violation", "unkilled",    "reaped"};
  return kNames[static_cast<std::size_t>(state)];
}

const char* to_string(Event event) {
  constexpr std::array<const char*, kEvents> kNames = {"offer",
                                                       "withdraw",
                                                       "stop",
                                                       "kill",
                                                       "grace over",
                                                       "kill failed",
                                                       "hello",
                                                       "refusal",
                                                       "initializer begun",
                                                       "initializer failed",
                                                       "claim",
                                                       "takes bytes",
                                                       "all taken",
                                                       "memory",
                                                       "withdrawn",
                                                       "reply",
                                                       "nonsense",
                                                       "channel lost",
                                                       "exit"};
  return kNames[static_cast<std::size_t>(event)];
}

const char* to_string(Action action) {
  constexpr std::array<const char*, kActions> kNames = {"nothing",
                                                        "time initializer",
                                                        "refuse",
                                                        "welcome",
                                                        "send offer",
                                                        "send withdraw",
                                                        "send stop",
                                                        "retire",
                                                        "time taking",
                                                        "time run",
                                                        "note memory",
                                                        "note claim",
                                                        "take back",
                                                        "settle",
                                                        "settle late",
                                                        "kill",
                                                        "kill overdue",
                                                        "kill lost",
                                                        "kill overrun",
                                                        "kill late",
                                                        "kill violator",
                                                        "arm grace",
                                                        "note refusal",
                                                        "note kill failed",
                                                        "abandon",
                                                        "reap",
                                                        "bug"};
  return kNames[static_cast<std::size_t>(action)];
}

}  // namespace poolproof::supervise
