// What happens to the pool when something happens: step(inputs, now) -> orders.
//
// Pure but for its own memory: no system call, no clock, no thread; loop.h feeds it and carries its
// orders out. It is the only owner of what is known about workers and unfinished tasks.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "executor/supervise/death.h"
#include "executor/supervise/lifecycle.h"
#include "executor/supervise/scheduling.h"
#include "executor/transport/frame.h"
#include "poolproof/options.h"

namespace poolproof::supervise {

using Outcome = std::variant<Bytes, Failure>;

// From the program.
struct TaskSubmitted {
  TaskId task = 0;
  transport::SharedPayload payload;
  std::optional<Instant> deadline = {};
};
struct CancelAsked {
  TaskId task = 0;
};
struct ShutdownAsked {
  Pending pending = Pending::kDrain;
  Running running = Running::kFinish;
  std::optional<Instant> until = {};
};
// From the operating system.
struct WorkerSpawned {
  WorkerId worker = 0;
  int pid = 0;
};
struct SpawnFailed {
  WorkerId worker = 0;
  os::SysError error;
};
struct FrameCame {
  WorkerId worker = 0;
  transport::Frame frame;
};
struct GarbageCame {
  WorkerId worker = 0;
  std::string what;
};
struct ChannelEnded {
  WorkerId worker = 0;
};
struct WorkerExited {
  WorkerId worker = 0;
  ExitStatus exit;
  bool was_frozen = false;
};
struct DescriptorsLost {};  // somebody closed descriptors of ours: nothing can be known any more
using Input = std::variant<FrameCame, GarbageCame, ChannelEnded, WorkerExited, TaskSubmitted,
                           CancelAsked, ShutdownAsked, WorkerSpawned, SpawnFailed, DescriptorsLost>;

struct SpawnWorker {
  WorkerId worker = 0;
  int index = 0;
};
struct SendFrame {
  WorkerId worker = 0;
  transport::FrameKind kind = transport::FrameKind::kOffer;
  TaskId task = 0;
  transport::SharedPayload payload;
};
struct KillWorker {
  WorkerId worker = 0;
};
struct ForgetWorker {  // its exit record was taken
  WorkerId worker = 0;
};
struct SettleTask {
  TaskId task = 0;
  Outcome outcome;
};
struct EndPool {  // what is submitted from now on ends with this
  Failure why;
};
struct Finish {};  // shutdown is complete: no task, no worker
using Order =
    std::variant<SpawnWorker, SendFrame, KillWorker, ForgetWorker, SettleTask, EndPool, Finish>;

struct SupervisorOptions {
  int workers = 1;
  std::chrono::nanoseconds channel_grace = std::chrono::milliseconds(500);
  std::chrono::nanoseconds stop_grace = std::chrono::seconds(2);
};

class Supervisor {
 public:
  // A task is given up after so many workers died with it unclaimed; the pool, after so many fresh
  // workers in a row died unclaimed (law L6).
  static constexpr int kLossLimit = 3;

  explicit Supervisor(const SupervisorOptions& options) : options_(options) {}
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  std::vector<Order> step(std::vector<Input> inputs, Instant now);
  // When step must be called though nothing happened; nullopt: never.
  std::optional<Instant> next_deadline() const;

 private:
  struct Worker {
    WorkerId id = 0;
    WorkerRef ref;
    State state = State::kStarting;
    TaskId task = 0;  // what it was handed; 0: nothing
    bool said_hello = false;
    bool ever_claimed = false;
    std::optional<Instant> grace_until;
    Notes notes;
  };
  // What an event brings along for the action of its row.
  struct Details {
    Wish wish = Wish::kNone;
    std::string nonsense = {};
    std::optional<Outcome> reply = {};
    ExitStatus exit = {};
    TaskId offered = 0;
  };

  void take(FrameCame& input);
  void take(GarbageCame& input);
  void take(ChannelEnded& input);
  void take(WorkerExited& input);
  void take(TaskSubmitted& input);
  void take(CancelAsked& input);
  void take(ShutdownAsked& input);
  void take(WorkerSpawned& input);
  void take(SpawnFailed& input);
  void take(DescriptorsLost& input);

  void apply(Worker& worker, Event event, Details details);
  void act(Worker& worker, const Row& row, Details& details);
  void convict(Worker& worker, const Row& row, const std::string& nonsense);
  void bury(Worker& worker, const ExitStatus& exit);
  void settle_or_requeue(Task& task, const Death& death);
  void count_fresh_loss(const Death& death);

  void withdraw(Task& task);
  void settle(TaskId task, Outcome outcome);
  void settle_waiting(const Failure& why);
  void end_pool(const Failure& why);
  void settle_unrun();  // what waits, in a shutdown that kills
  void kill_everything();
  void expire();
  void pump();
  void spawn_as_needed();
  Failure cancelled(TaskId task) const;
  Worker* find(WorkerId id);

  const SupervisorOptions options_;
  Instant now_;
  std::vector<Order> orders_;
  Tasks tasks_;
  std::map<WorkerId, Worker> workers_;  // in order of age
  WorkerId last_worker_ = 0;
  int fresh_losses_ = 0;
  bool spawning_held_ = false;    // the last spawn failed, and others are at work: no haste
  std::optional<Failure> ended_;  // the pool cannot go on
  std::optional<ShutdownAsked> shutdown_;  // the strongest that was asked
  std::optional<Instant> shutdown_until_;
  bool finished_ = false;
};

}  // namespace poolproof::supervise
