#include "executor/supervise/lifecycle.h"

#include <array>

namespace poolproof::supervise {
namespace {

using enum State;
using enum Event;
using Do = Action;

constexpr std::array<Row, kStates* kEvents> kRows = {{
    // in         on            next          action
    {kStarting, kOffer, kStarting, Do::kBug},     // only idle workers are offered tasks
    {kStarting, kWithdraw, kStarting, Do::kBug},  // it has no task to give back
    {kStarting, kStop, kStopping, Do::kSendStop},
    {kStarting, kKill, kKilling, Do::kKill},
    {kStarting, kGraceOver, kKilling, Do::kKillLate},
    {kStarting, kKillFailed, kStarting, Do::kBug},  // no kill was ordered
    {kStarting, kHello, kIdle, Do::kWelcome},
    {kStarting, kRefusal, kStarting, Do::kNoteRefusal},
    {kStarting, kInitBegun, kInitializing, Do::kTimeInitializer},
    {kStarting, kInitFailed, kConvicted, Do::kConvict},
    {kStarting, kClaim, kConvicted, Do::kConvict},
    {kStarting, kTakes, kStarting, Do::kTimeTaking},
    {kStarting, kTaken, kStarting, Do::kTimeRun},
    {kStarting, kMemory, kConvicted, Do::kConvict},
    {kStarting, kWithdrawn, kConvicted, Do::kConvict},
    {kStarting, kReply, kConvicted, Do::kConvict},
    {kStarting, kNonsense, kConvicted, Do::kConvict},
    {kStarting, kChannelLost, kLosing, Do::kArmGrace},
    {kStarting, kExit, kReaped, Do::kBury},

    {kInitializing, kOffer, kInitializing, Do::kBug},     // only idle workers are offered tasks
    {kInitializing, kWithdraw, kInitializing, Do::kBug},  // it has no task to give back
    {kInitializing, kStop, kStopping, Do::kSendStop},
    {kInitializing, kKill, kKilling, Do::kKill},
    {kInitializing, kGraceOver, kKilling, Do::kKillLate},
    {kInitializing, kKillFailed, kInitializing, Do::kBug},  // no kill was ordered
    {kInitializing, kHello, kIdle, Do::kWelcome},
    {kInitializing, kRefusal, kConvicted, Do::kConvict},
    {kInitializing, kInitBegun, kConvicted, Do::kConvict},  // twice
    {kInitializing, kInitFailed, kKilling, Do::kRefuse},
    {kInitializing, kClaim, kConvicted, Do::kConvict},
    {kInitializing, kTakes, kInitializing, Do::kTimeTaking},
    {kInitializing, kTaken, kInitializing, Do::kTimeRun},
    {kInitializing, kMemory, kConvicted, Do::kConvict},
    {kInitializing, kWithdrawn, kConvicted, Do::kConvict},
    {kInitializing, kReply, kConvicted, Do::kConvict},
    {kInitializing, kNonsense, kConvicted, Do::kConvict},
    {kInitializing, kChannelLost, kLosing, Do::kArmGrace},
    {kInitializing, kExit, kReaped, Do::kBury},

    {kIdle, kOffer, kOffered, Do::kSendOffer},
    {kIdle, kWithdraw, kIdle, Do::kBug},  // it has no task to give back
    {kIdle, kStop, kStopping, Do::kSendStop},
    {kIdle, kKill, kKilling, Do::kKill},
    {kIdle, kGraceOver, kStopping, Do::kRetire},
    {kIdle, kKillFailed, kIdle, Do::kBug},  // no kill was ordered
    {kIdle, kHello, kConvicted, Do::kConvict},
    {kIdle, kRefusal, kConvicted, Do::kConvict},
    {kIdle, kInitBegun, kConvicted, Do::kConvict},
    {kIdle, kInitFailed, kConvicted, Do::kConvict},
    {kIdle, kClaim, kConvicted, Do::kConvict},
    {kIdle, kTakes, kIdle, Do::kNothing},
    {kIdle, kTaken, kIdle, Do::kNothing},
    {kIdle, kMemory, kConvicted, Do::kConvict},
    {kIdle, kWithdrawn, kConvicted, Do::kConvict},
    {kIdle, kReply, kConvicted, Do::kConvict},
    {kIdle, kNonsense, kConvicted, Do::kConvict},
    {kIdle, kChannelLost, kLosing, Do::kArmGrace},
    {kIdle, kExit, kReaped, Do::kBury},

    {kOffered, kOffer, kOffered, Do::kBug},  // one task at a time
    {kOffered, kWithdraw, kWithdrawing, Do::kSendWithdraw},
    {kOffered, kStop, kOffered, Do::kBug},  // only workers without a task are asked to stop
    {kOffered, kKill, kKilling, Do::kKill},
    {kOffered, kGraceOver, kKilling, Do::kKillLate},
    {kOffered, kKillFailed, kOffered, Do::kBug},  // no kill was ordered
    {kOffered, kHello, kConvicted, Do::kConvict},
    {kOffered, kRefusal, kConvicted, Do::kConvict},
    {kOffered, kInitBegun, kConvicted, Do::kConvict},
    {kOffered, kInitFailed, kConvicted, Do::kConvict},
    {kOffered, kClaim, kTaking, Do::kNoteClaim},
    {kOffered, kTakes, kOffered, Do::kTimeTaking},
    {kOffered, kTaken, kOffered, Do::kTimeRun},
    {kOffered, kMemory, kConvicted, Do::kConvict},
    {kOffered, kWithdrawn, kConvicted, Do::kConvict},  // nobody asked
    {kOffered, kReply, kConvicted, Do::kConvict},      // a result of what it never claimed
    {kOffered, kNonsense, kConvicted, Do::kConvict},
    {kOffered, kChannelLost, kLosing, Do::kArmGrace},
    {kOffered, kExit, kReaped, Do::kBury},

    {kWithdrawing, kOffer, kWithdrawing, Do::kBug},     // one task at a time
    {kWithdrawing, kWithdraw, kWithdrawing, Do::kBug},  // it is asked once
    {kWithdrawing, kStop, kWithdrawing, Do::kBug},      // only workers without a task are
    {kWithdrawing, kKill, kKilling, Do::kKill},
    {kWithdrawing, kGraceOver, kKilling, Do::kKillLate},
    {kWithdrawing, kKillFailed, kWithdrawing, Do::kBug},  // no kill was ordered
    {kWithdrawing, kHello, kConvicted, Do::kConvict},
    {kWithdrawing, kRefusal, kConvicted, Do::kConvict},
    {kWithdrawing, kInitBegun, kConvicted, Do::kConvict},
    {kWithdrawing, kInitFailed, kConvicted, Do::kConvict},
    {kWithdrawing, kClaim, kTaking, Do::kNoteClaim},  // the answer: it was faster
    {kWithdrawing, kTakes, kWithdrawing, Do::kTimeTaking},
    {kWithdrawing, kTaken, kWithdrawing, Do::kTimeRun},
    {kWithdrawing, kMemory, kConvicted, Do::kConvict},
    {kWithdrawing, kWithdrawn, kIdle, Do::kTakeBack},
    {kWithdrawing, kReply, kConvicted, Do::kConvict},
    {kWithdrawing, kNonsense, kConvicted, Do::kConvict},
    {kWithdrawing, kChannelLost, kLosing, Do::kArmGrace},
    {kWithdrawing, kExit, kReaped, Do::kBury},

    {kTaking, kOffer, kTaking, Do::kBug},     // one task at a time
    {kTaking, kWithdraw, kTaking, Do::kBug},  // the claim is known: there is nothing to ask
    {kTaking, kStop, kTaking, Do::kBug},      // only workers without a task are asked to stop
    {kTaking, kKill, kKilling, Do::kKill},
    {kTaking, kGraceOver, kKilling, Do::kKillLate},
    {kTaking, kKillFailed, kTaking, Do::kBug},  // no kill was ordered
    {kTaking, kHello, kConvicted, Do::kConvict},
    {kTaking, kRefusal, kConvicted, Do::kConvict},
    {kTaking, kInitBegun, kConvicted, Do::kConvict},
    {kTaking, kInitFailed, kConvicted, Do::kConvict},
    {kTaking, kClaim, kConvicted, Do::kConvict},  // twice
    {kTaking, kTakes, kTaking, Do::kTimeTaking},
    {kTaking, kTaken, kBusy, Do::kTimeRun},
    {kTaking, kMemory, kConvicted, Do::kConvict},
    {kTaking, kWithdrawn, kConvicted, Do::kConvict},
    {kTaking, kReply, kConvicted, Do::kConvict},  // a result of what it cannot have read
    {kTaking, kNonsense, kConvicted, Do::kConvict},
    {kTaking, kChannelLost, kLosing, Do::kArmGrace},
    {kTaking, kExit, kReaped, Do::kBury},

    {kBusy, kOffer, kBusy, Do::kBug},     // one task at a time
    {kBusy, kWithdraw, kBusy, Do::kBug},  // the claim is known: there is nothing to ask
    {kBusy, kStop, kBusy, Do::kBug},      // only workers without a task are asked to stop
    {kBusy, kKill, kKilling, Do::kKill},
    {kBusy, kGraceOver, kKilling, Do::kKillOverrun},
    {kBusy, kKillFailed, kBusy, Do::kBug},  // no kill was ordered
    {kBusy, kHello, kConvicted, Do::kConvict},
    {kBusy, kRefusal, kConvicted, Do::kConvict},
    {kBusy, kInitBegun, kConvicted, Do::kConvict},
    {kBusy, kInitFailed, kConvicted, Do::kConvict},
    {kBusy, kClaim, kConvicted, Do::kConvict},  // twice
    {kBusy, kTakes, kBusy, Do::kNothing},
    {kBusy, kTaken, kBusy, Do::kNothing},
    {kBusy, kMemory, kBusy, Do::kNoteMemory},
    {kBusy, kWithdrawn, kConvicted, Do::kConvict},
    {kBusy, kReply, kIdle, Do::kSettle},
    {kBusy, kNonsense, kConvicted, Do::kConvict},
    {kBusy, kChannelLost, kLosing,
     Do::kArmGrace},  // EOF is suspicion: kill only when the grace ends
    {kBusy, kExit, kReaped, Do::kBury},

    {kStopping, kOffer, kStopping, Do::kBug},     // only idle workers are offered tasks
    {kStopping, kWithdraw, kStopping, Do::kBug},  // it has no task to give back
    {kStopping, kStop, kStopping, Do::kBug},      // it is asked once
    {kStopping, kKill, kKilling, Do::kKill},
    {kStopping, kGraceOver, kKilling, Do::kKillOverdue},
    {kStopping, kKillFailed, kStopping, Do::kBug},  // no kill was ordered
    {kStopping, kHello, kStopping, Do::kNothing},   // it was still starting when we asked
    {kStopping, kRefusal, kStopping, Do::kNothing},
    {kStopping, kInitBegun, kStopping, Do::kNothing},   // it was still starting when we asked
    {kStopping, kInitFailed, kStopping, Do::kNothing},  // it ends now, as we asked
    {kStopping, kClaim, kConvicted, Do::kConvict},
    {kStopping, kTakes, kStopping, Do::kNothing},
    {kStopping, kTaken, kStopping, Do::kNothing},
    {kStopping, kMemory, kConvicted, Do::kConvict},
    {kStopping, kWithdrawn, kConvicted, Do::kConvict},
    {kStopping, kReply, kConvicted, Do::kConvict},
    {kStopping, kNonsense, kConvicted, Do::kConvict},
    {kStopping, kChannelLost, kStopping, Do::kNothing},  // as it should; the stop grace runs on
    {kStopping, kExit, kReaped, Do::kBury},

    {kKilling, kOffer, kKilling, Do::kBug},     // only idle workers are offered tasks
    {kKilling, kWithdraw, kKilling, Do::kBug},  // only of workers that were offered one
    {kKilling, kStop, kKilling, Do::kBug},      // only workers without a task, and alive
    {kKilling, kKill, kKilling, Do::kNothing},
    {kKilling, kGraceOver, kKilling, Do::kBug},  // a kill disarms every grace
    {kKilling, kKillFailed, kUnkilled, Do::kNoteKillFailed},
    {kKilling, kHello, kKilling, Do::kNothing},
    {kKilling, kRefusal, kKilling, Do::kNothing},
    {kKilling, kInitBegun, kKilling, Do::kNothing},
    {kKilling, kInitFailed, kKilling, Do::kNothing},
    {kKilling, kClaim, kKilling, Do::kNoteClaim},  // written before the kill: the task had started
    {kKilling, kTakes, kKilling, Do::kNothing},
    {kKilling, kTaken, kKilling, Do::kNothing},
    {kKilling, kMemory, kKilling, Do::kNothing},
    {kKilling, kWithdrawn, kKilling, Do::kNothing},
    {kKilling, kReply, kKilling, Do::kSettleLate},  // a finished task never turns into an error
    {kKilling, kNonsense, kKilling, Do::kNothing},  // what we wanted beats what we observe
    {kKilling, kChannelLost, kKilling, Do::kNothing},
    {kKilling, kExit, kReaped, Do::kBury},

    {kLosing, kOffer, kLosing, Do::kBug},     // only idle workers are offered tasks
    {kLosing, kWithdraw, kLosing, Do::kBug},  // there is no channel to ask through
    {kLosing, kStop, kLosing, Do::kBug},      // there is no channel to ask through
    {kLosing, kKill, kKilling, Do::kKill},
    {kLosing, kGraceOver, kKilling, Do::kKillLost},
    {kLosing, kKillFailed, kLosing, Do::kBug},    // no kill was ordered
    {kLosing, kHello, kConvicted, Do::kConvict},  // nothing can come through a lost channel; yet if
    {kLosing, kRefusal, kConvicted, Do::kConvict},
    {kLosing, kInitBegun, kConvicted, Do::kConvict},
    {kLosing, kInitFailed, kConvicted, Do::kConvict},
    {kLosing, kClaim, kConvicted, Do::kConvict},  // it did, it would be a worker's doing
    {kLosing, kTakes, kLosing, Do::kNothing},
    {kLosing, kTaken, kLosing, Do::kNothing},
    {kLosing, kMemory, kConvicted, Do::kConvict},
    {kLosing, kWithdrawn, kConvicted, Do::kConvict},
    {kLosing, kReply, kConvicted, Do::kConvict},
    {kLosing, kNonsense, kConvicted, Do::kConvict},
    {kLosing, kChannelLost, kLosing, Do::kNothing},
    {kLosing, kExit, kReaped, Do::kBury},

    {kConvicted, kOffer, kConvicted, Do::kBug},      // only idle workers are offered tasks
    {kConvicted, kWithdraw, kConvicted, Do::kBug},   // only of workers that were offered one
    {kConvicted, kStop, kConvicted, Do::kBug},       // only workers without a task, and alive
    {kConvicted, kKill, kConvicted, Do::kNothing},   // the first cause wins
    {kConvicted, kGraceOver, kConvicted, Do::kBug},  // a conviction disarms every grace
    {kConvicted, kKillFailed, kUnkilled, Do::kNoteKillFailed},
    {kConvicted, kHello, kConvicted, Do::kNothing},
    {kConvicted, kRefusal, kConvicted, Do::kNothing},
    {kConvicted, kInitBegun, kConvicted, Do::kNothing},
    {kConvicted, kInitFailed, kConvicted, Do::kNothing},
    {kConvicted, kClaim, kConvicted,
     Do::kNoteClaim},  // its task had started, and must not run again
    {kConvicted, kTakes, kConvicted, Do::kNothing},
    {kConvicted, kTaken, kConvicted, Do::kNothing},
    {kConvicted, kMemory, kConvicted, Do::kNothing},
    {kConvicted, kWithdrawn, kConvicted, Do::kNothing},
    {kConvicted, kReply, kConvicted, Do::kNothing},
    {kConvicted, kNonsense, kConvicted, Do::kNothing},
    {kConvicted, kChannelLost, kConvicted, Do::kNothing},
    {kConvicted, kExit, kReaped, Do::kBury},

    {kUnkilled, kOffer, kUnkilled, Do::kBug},     // as while it is being killed
    {kUnkilled, kWithdraw, kUnkilled, Do::kBug},  // as while it is being killed
    {kUnkilled, kStop, kUnkilled, Do::kBug},      // as while it is being killed
    {kUnkilled, kKill, kUnkilled, Do::kNothing},  // we have tried
    {kUnkilled, kGraceOver, kUnkilled, Do::kAbandon},
    {kUnkilled, kKillFailed, kUnkilled, Do::kBug},  // it is killed once
    {kUnkilled, kHello, kUnkilled, Do::kNothing},
    {kUnkilled, kRefusal, kUnkilled, Do::kNothing},
    {kUnkilled, kInitBegun, kUnkilled, Do::kNothing},
    {kUnkilled, kInitFailed, kUnkilled, Do::kNothing},
    {kUnkilled, kClaim, kUnkilled, Do::kNoteClaim},  // as while it is being killed
    {kUnkilled, kTakes, kUnkilled, Do::kNothing},
    {kUnkilled, kTaken, kUnkilled, Do::kNothing},
    {kUnkilled, kMemory, kUnkilled, Do::kNothing},
    {kUnkilled, kWithdrawn, kUnkilled, Do::kNothing},
    {kUnkilled, kReply, kUnkilled, Do::kSettleLate},  // as while it is being killed
    {kUnkilled, kNonsense, kUnkilled, Do::kNothing},
    {kUnkilled, kChannelLost, kUnkilled, Do::kNothing},
    {kUnkilled, kExit, kReaped, Do::kBury},

    // A buried worker is forgotten, so that nothing reaches it; ours would be a bug, theirs is
    // dust.
    {kReaped, kOffer, kReaped, Do::kBug},       // only idle workers are offered tasks
    {kReaped, kWithdraw, kReaped, Do::kBug},    // only of workers that were offered one
    {kReaped, kStop, kReaped, Do::kBug},        // only workers without a task, and alive
    {kReaped, kKill, kReaped, Do::kBug},        // forgotten workers are not in any list to kill
    {kReaped, kGraceOver, kReaped, Do::kBug},   // burial disarms every grace
    {kReaped, kKillFailed, kReaped, Do::kBug},  // no kill was ordered
    {kReaped, kHello, kReaped, Do::kNothing},
    {kReaped, kRefusal, kReaped, Do::kNothing},
    {kReaped, kInitBegun, kReaped, Do::kNothing},
    {kReaped, kInitFailed, kReaped, Do::kNothing},
    {kReaped, kClaim, kReaped, Do::kNothing},
    {kReaped, kTakes, kReaped, Do::kNothing},
    {kReaped, kTaken, kReaped, Do::kNothing},
    {kReaped, kMemory, kReaped, Do::kNothing},
    {kReaped, kWithdrawn, kReaped, Do::kNothing},
    {kReaped, kReply, kReaped, Do::kNothing},
    {kReaped, kNonsense, kReaped, Do::kNothing},
    {kReaped, kChannelLost, kReaped, Do::kNothing},
    {kReaped, kExit, kReaped, Do::kNothing},
}};

// The rows stand in the order of the two enums, so that a row is found by its place.
constexpr bool every_pair_once_and_in_place() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (kRows[i].in != static_cast<State>(i / kEvents)) return false;
    if (kRows[i].on != static_cast<Event>(i % kEvents)) return false;
  }
  return true;
}
constexpr bool no_bug_in_their_events() {
  for (const Row& row : kRows) {
    if (!is_ours(row.on) && row.action == Do::kBug) return false;
  }
  return true;
}
constexpr bool only_an_exit_buries() {
  for (const Row& row : kRows) {
    if ((row.action == Do::kBury) != (row.on == kExit && row.in != kReaped)) return false;
  }
  return true;
}
static_assert(every_pair_once_and_in_place(), "a (state, event) pair has no row, or two");
static_assert(no_bug_in_their_events(), "an event that a worker can make must not abort us");
static_assert(only_an_exit_buries(), "only the kernel's record reports a death (law L3)");

}  // namespace

const Row& row_for(State state, Event event) {
  return kRows[static_cast<std::size_t>(state) * kEvents + static_cast<std::size_t>(event)];
}

std::span<const Row> all_rows() { return kRows; }

const char* to_string(State state) {
  constexpr std::array<const char*, kStates> kNames = {
      "starting", "initializing", "idle",   "offered",   "withdrawing", "taking", "busy",
      "stopping", "killing",      "losing", "convicted", "unkilled",    "reaped"};
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
  constexpr std::array<const char*, kActions> kNames = {"nothing",      "time initializer",
                                                        "refuse",       "welcome",
                                                        "send offer",   "send withdraw",
                                                        "send stop",    "retire",
                                                        "time taking",  "time run",
                                                        "note memory",  "note claim",
                                                        "take back",    "settle",
                                                        "settle late",  "kill",
                                                        "kill overdue", "kill lost",
                                                        "kill overrun", "kill late",
                                                        "convict",      "arm grace",
                                                        "note refusal", "note kill failed",
                                                        "abandon",      "bury",
                                                        "bug"};
  return kNames[static_cast<std::size_t>(action)];
}

}  // namespace poolproof::supervise
