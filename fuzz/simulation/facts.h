// The truth about one history: every simulated process and every task, more than any supervisor can
// know. kernel.h and program.h change it; judge.h compares what the supervisor says and does with
// it.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "executor/os/os.h"
#include "executor/supervise/messages.h"
#include "executor/transport/frame.h"
#include "fuzz/simulation/plan.h"
#include "fuzz/simulation/record.h"

namespace poolproof::simulation {

using os::Instant;
using transport::Frame;
using transport::FrameKind;

// A whole message in a worker's channel, and its end in the stream.
struct Said {
  std::size_t end = 0;
  FrameKind kind = FrameKind::kHello;
  TaskId task = 0;
};

// Why the supervisor may kill a worker, as bits.
enum Reason : unsigned {
  kForShutdown = 1,
  kForCancel = 2,
  kForDeadline = 4,
  kForRunLimit = 8,
  kForLateness = 16,
  kForLoss = 32,
  kForOverdue = 64,
  kForNonsense = 128,
  kForInitializer = 256,
  kForBreak = 512,
  kForBreakDown = 1024,
};

struct Process {
  static constexpr std::size_t kLots = std::size_t{1} << 20;
  enum class Phase {
    kBoot,
    kAwaitsInitializer,
    kInitializes,
    kServes,
    kTakes,  // it has claimed the task; the rest of the argument has not come
    kRuns,
    kReplies,
    kExits
  };

  int number = 0, pid = 0, index = 0;
  int channel = -1, handle = -1, lifeline = -1, errors = -1;
  std::uint64_t rights = 1;  // of the program, when this worker was started

  // As the kernel sees it.
  bool ended = false, recorded = false;  // no longer runs; its handle is readable
  bool dying = false;                    // SIGKILL is on its way
  // The record: not there yet; taken by another part of the program.
  bool late = false, elsewhere = false;
  bool awaited = false;     // late, and a late reaper waits for it
  bool looked_for = false;  // late, and no thread could be started to wait for it
  bool hung_up = false, held_open = false, refuses = false, parent_closed = false;
  bool frozen = false, stalled = false;
  std::size_t room = kLots;                       // how many bytes its channel takes
  std::size_t at_once = kLots;                    // and how many after each of its moves
  bool no_memory = false, memory_struck = false;  // for a large argument: now; ever
  Kill kill = Kill::kWorks;                       // of this worker
  ExitStatus exit;
  Bytes said;
  std::size_t read = 0;  // of what it sent
  Bytes errors_said;
  transport::FrameParser heard{1 << 20};
  std::deque<Frame> inbox;

  // Its program.
  Phase phase = Phase::kBoot;
  enum class Refusal { kNone, kEnds, kGoesOn } refusal = Refusal::kNone;  // to be sent
  int exit_code = 0;                                                      // in kExits
  TaskId runs = 0;
  bool moved_long = false;
  std::uint32_t digest = 0;  // of what it sent in its own name
  Bytes unsent;              // the rest of a message that arrives in two pieces
  Said unsent_frame;
  std::size_t split_at = 0;  // of its next message; 0: whole
  bool tears = false;        // it dies at that place

  // What it did, and what was done to it.
  std::vector<Said> sent;
  std::size_t sent_read = 0;  // how many of them the supervisor has read
  bool struck = false;        // by any fault
  bool mad = false, forger = false, garbled = false;
  bool out_of_memory = false;
  bool init_threw = false;
  bool died_of_us = false, kill_called = false, frozen_when_killed = false;
  unsigned kill_reasons = 0;
  int reaped = 0;
  int reaped_in = 0;  // the turn
  bool abandoned = false;
  ExitStatus given;  // the record that the supervisor got
  bool ever_claimed = false;
  bool fresh_loss = false;                // it counts towards the end of the pool
  std::optional<Instant> kill_failed_at;  // the first time
  bool forgotten = false;                 // after that: it may still live
  int forgotten_in = 0;                   // the turn

  // What the supervisor must know by now.
  TaskId task = 0;          // what it was given
  bool asked_back = false;  // `task`
  TaskId claimed = 0;       // the last one, according to it
  TaskId gave_back = 0;     // its last task, until the end of the turn
  int gave_back_in = 0;
  bool refused = false;                         // it was told that its writes are not accepted
  bool refusal_read = false, outlived = false;  // that it cannot serve; and that it could in fact
  bool mid_write = false, sighted = false;
  FrameKind writes = FrameKind::kStop;  // the message that is being written to it
  Instant spawned_at, offered_at, idle_since;
  Instant moved_at;                // when a part of the offer last went out
  std::optional<Instant> sent_at;  // when all of it had gone out
  std::optional<Instant> hello_at, init_begun_at, claim_at, stop_at, eof_at;

  bool alive() const { return !ended; }
  // For the supervisor.
  bool gone() const { return reaped > 0 || forgotten; }
};

struct TaskFacts {
  TaskPlan plan;
  bool submitted = false;
  std::optional<Instant> deadline;
  int offers = 0;
  int claims = 0;        // honest ones
  int starts = 0;        // holders that claimed it, truthfully or not
  int starter = -1;      // the last of them
  bool claimed = false;  // ever
  bool replied = false;  // by its last holder, completely
  int holder = -1;       // the last process that it was offered to
  bool waits = true;     // and no worker holds it
  bool cancel_asked = false, cancel_kill = false;
  int settled = 0;
};

struct Facts {
  Plan plan;
  Instant now = Instant() + std::chrono::hours(1);
  std::deque<Process> processes;
  std::vector<TaskFacts> tasks;  // task id - 1
  int wanted = 1;
  bool shutdown = false, shutdown_cancels = false, shutdown_kills = false;
  std::optional<Instant> shutdown_until;
  bool descriptors_struck = false, out_of_memory_struck = false;
  bool no_memory = false, memory_struck = false;  // for large results: now; ever
  int plain_sigkills = 0;                         // by a fault, not by us
  int spawn_failures = 0;
  Kill kill = Kill::kWorks;
  std::uint64_t rights = 1, rights_told = 0;          // to the supervisor
  bool sleep_failed = false, sleeps_no_more = false;  // the supervisor was told so; forever
  int fresh_losses = 0;                               // in a row, at least; up to the turn before
  int losses_now = 0;                                 // in this turn
  bool claimed_now = false;
  std::uint64_t memory_kills = 0;
  std::optional<Failure> pool_end;
  int turns = 0;
  bool finished = false, lost = false;  // lost: it has noticed that descriptors were closed
  Record record;
  std::string broken;  // the first law that was broken; empty: none

  TaskFacts* find(TaskId id) {
    return id >= 1 && id <= tasks.size() ? &tasks[static_cast<std::size_t>(id - 1)] : nullptr;
  }
  void breaks(const std::string& law) {
    if (broken.empty()) broken = law;
  }
};

}  // namespace poolproof::simulation
