// The life of a worker as one table: state, event -> next state, action. Pure: no system call, no
// clock, no memory. supervisor.cc runs it; lifecycle.cc holds the rows.
//
// There are two kinds of events. The supervisor itself makes *our* events: one that cannot happen
// is a bug of ours and aborts. A worker can make *their* events, even a corrupted one: none of them
// may abort. A protocol violation ends the worker (law L11).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace poolproof::supervise {

enum class State : std::uint8_t {
  kStarting,      // spawned; has not said hello
  kInitializing,  // runs the initializer
  kIdle,          // has no task
  kOffered,       // was sent a task; has not claimed it
  kWithdrawing,   // was asked for it back; has not answered
  kTaking,        // has claimed its task; not all of the argument is sent yet
  kBusy,          // has claimed its task, and was sent all of it
  kStopping,      // was asked to end
  kKilling,    // is being killed because we wanted it, or it was overdue; its messages still count
  kLosing,     // its channel is closed; the exit record is awaited for a grace
  kViolation,  // is being killed for a protocol violation; of its messages only a claim counts
  kUnkilled,   // our kill was refused, so its lifeline was closed; its exit record is awaited for a
               // grace
  kReaped,     // the kernel gave its exit record, or we no longer wait for it
};
inline constexpr std::size_t kStates = 13;

enum class Event : std::uint8_t {
  // events of ours
  kOffer,       // give it a task
  kWithdraw,    // ask for the task back
  kStop,        // ask it to end
  kKill,        // a deadline or a shutdown ends it
  kGraceOver,   // the grace that an earlier row armed has ended
  kKillFailed,  // the kill that an earlier row ordered was refused
  // events of theirs
  kHello,
  kRefusal,     // it cannot serve, or has refused a submit in a constructor; it has said why
  kInitBegun,   // from now on its death is the fault of the initializer
  kInitFailed,  // the initializer threw
  kClaim,
  kTakes,   // it has taken a part of a payload that is sent in parts
  kTaken,   // the last part has gone out
  kMemory,  // its memory use, sent before the reply
  kWithdrawn,
  kReply,
  kNonsense,     // garbage, or a message about a task that it does not have
  kChannelLost,  // EOF, or a refused write
  // The kernel's record of the process: only this leads to a death report (law L3). For an
  // abandoned worker: no record is awaited.
  kExit,
};
inline constexpr std::size_t kEvents = 19;
constexpr bool is_ours(Event event) { return event <= Event::kKillFailed; }

enum class Action : std::uint8_t {
  kNothing,
  kTimeInitializer,  // its start is over; the initializer's limit begins
  kRefuse,           // the pool ends with what the initializer threw; SIGKILL
  kWelcome,          // it may be given tasks
  kSendOffer,        //
  kSendWithdraw,     //
  kSendStop,         // and arm the stop grace
  kRetire,           // the same, but it was our decision: it has been idle for long
  kTimeTaking,       // bytes move: the start limit begins again
  kTimeRun,          // it has the whole call: the run limit begins
  kNoteMemory,       //
  kNoteClaim,        // the task has started
  kTakeBack,         // the task is ours again, not started
  kSettle,           // the reply ends the task
  kSettleLate,      // the same, if it was claimed and the worker has not violated the protocol: the
                    // reply was faster
  kKill,            // SIGKILL, as we wanted
  kKillOverdue,     // SIGKILL: asked to stop, and did not
  kKillLost,        // SIGKILL: its channel was lost, and it did not exit
  kKillOverrun,     // SIGKILL: its task has run longer than its limit
  kKillLate,        // SIGKILL: it did not say hello, or take or give back a task, in time
  kKillViolator,    // SIGKILL, and a protocol error for its task
  kArmGrace,        // await the exit record for the channel grace
  kNoteRefusal,     //
  kNoteKillFailed,  // await the exit record for the channel grace
  kAbandon,         // we no longer wait for the exit record: read its last messages, as for an exit
  kReap,            // report the death, handle its task, forget the worker
  kBug,             // our bug: abort
};

inline constexpr std::size_t kActions = 27;

struct Row {
  State in;
  Event on;
  State next;
  Action action;
};

const Row& row_for(State state, Event event);
std::span<const Row> all_rows();

const char* to_string(State state);
const char* to_string(Event event);
const char* to_string(Action action);

}  // namespace poolproof::supervise
