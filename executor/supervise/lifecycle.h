// The life of a worker as one table: state, event -> next state, action. Pure: no system call, no
// clock, no memory. supervisor.cc runs it; lifecycle.cc holds the rows.
//
// Events are split in two. *Ours* are made by the supervisor itself: one that cannot happen is a
// bug of ours and aborts. *Theirs* can be made by a worker, however mad: none of them may abort,
// and a protocol violation ends the worker (law L11).
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
  kKilling,       // is being killed because we wanted it, or overdue; what it still says is heard
  kLosing,        // its channel is closed; its exit record is awaited for a grace
  kViolation,     // is being killed for nonsense; only its claim is still heard
  kUnkilled,  // our kill was refused; its lifeline was cut, its exit record is awaited for a grace
  kReaped,    // the kernel gave its exit record, or it is not awaited any longer
};
inline constexpr std::size_t kStates = 13;

enum class Event : std::uint8_t {
  // ours
  kOffer,       // give it a task
  kWithdraw,    // ask for the task back
  kStop,        // ask it to end
  kKill,        // a deadline or a shutdown wants it dead
  kGraceOver,   // the grace that an earlier row armed has ended
  kKillFailed,  // the kill that an earlier row ordered was refused
  // theirs
  kHello,
  kRefusal,     // it cannot serve, or has refused a submit in a constructor; it has said why
  kInitBegun,   // from here on the initializer is to blame
  kInitFailed,  // it threw
  kClaim,
  kTakes,   // it has taken some of a payload that does not go out in one piece
  kTaken,   // the last of that has gone out
  kMemory,  // how much it holds, told before the reply
  kWithdrawn,
  kReply,
  kNonsense,     // garbage, or a message about a task that it does not have
  kChannelLost,  // EOF, or a refused write
  // The kernel's record of the process: the only road to a death report (law L3). Of one that was
  // abandoned: that none is awaited.
  kExit,
};
inline constexpr std::size_t kEvents = 19;
constexpr bool is_ours(Event event) { return event <= Event::kKillFailed; }

enum class Action : std::uint8_t {
  kNothing,
  kTimeInitializer,  // its start is over, its limit begins
  kRefuse,           // the pool ends with what the initializer threw; SIGKILL
  kWelcome,          // it may be given tasks
  kSendOffer,        //
  kSendWithdraw,     //
  kSendStop,         // and arm the stop grace
  kRetire,           // the same, of our own accord: it has been idle for long
  kTimeTaking,       // bytes flow: the start limit begins anew
  kTimeRun,          // it has all that it needs: the limit of what it does with it begins
  kNoteMemory,       //
  kNoteClaim,        // the task has started
  kTakeBack,         // the task is ours again, not started
  kSettle,           // the reply ends the task
  kSettleLate,   // the same, if it was claimed and the worker has not violated the protocol: it was
                 // faster
  kKill,         // SIGKILL, as we wanted
  kKillOverdue,  // SIGKILL: asked to stop, and did not
  kKillLost,     // SIGKILL: its channel was lost, and it lives on
  kKillOverrun,  // SIGKILL: its task has run longer than its limit
  kKillLate,     // SIGKILL: it did not say hello, or take or give back a task, in time
  kKillViolator,    // SIGKILL, and a protocol error for its task
  kArmGrace,        // await the exit record for the channel grace
  kNoteRefusal,     //
  kNoteKillFailed,  // await the exit record for the channel grace
  kAbandon,         // the exit record is not awaited any longer: hear the last of it, as of an exit
  kReap,            // tell the death, look after its task, forget the worker
  kBug,             // ours: abort
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
