// The inputs and the orders of the supervisor: the two lists between it and the rest.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>

#include "executor/supervise/scheduling.h"
#include "executor/transport/frame.h"
#include "poolproof/health.h"
#include "poolproof/options.h"

namespace poolproof::supervise {

using Outcome = std::variant<Bytes, Failure>;

// From the program.
struct TaskSubmitted {
  TaskId task = 0;
  transport::SharedPayload payload = nullptr;
  std::optional<Instant> deadline = {};
  std::optional<std::chrono::nanoseconds> run_limit = {};
  int retries = 0;
};
struct CancelAsked {
  TaskId task = 0;
  Running running = Running::kFinish;  // what happens to it if it has started
};
struct ShutdownAsked {
  Pending pending = Pending::kDrain;
  Running running = Running::kFinish;
  std::optional<Instant> until = {};
};
struct ResizeAsked {
  int workers = 1;  // at most so many from now on; surplus workers end once they have no task
};
struct PrestartAsked {
  int workers = 1;  // start workers until so many live, even if no task needs them
};
struct HealthAsked {
  std::uint64_t ticket = 0;  // returned with the answer
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
// A payload to this worker is sent in parts: some of it has gone out now, or the last part.
struct PayloadMoved {
  WorkerId worker = 0;
  bool whole = false;
};
struct ChannelEnded {
  WorkerId worker = 0;
};
struct WorkerExited {
  WorkerId worker = 0;
  ExitStatus exit;
  bool was_frozen = false;
  bool out_of_memory = false;    // the kernel has counted such a kill
  std::size_t own_limit = 0;     // in bytes, if the kill was in a cgroup of its own
  std::string stderr_tail = {};  // what it wrote last, if that is kept
  bool by_itself = false;        // it had ended before any kill of ours was sent
  bool abandoned = false;        // there is no record: it may still live, as was ordered
};
struct KillFailed {  // it may stay alive; its exit record will show
  WorkerId worker = 0;
  os::SysError error;
  bool was_frozen = false;
};
struct RightsChanged {};    // earlier workers have rights that the program no longer has
struct DescriptorsLost {};  // our descriptors were closed: nothing more can be known
using Input =
    std::variant<PayloadMoved, FrameCame, GarbageCame, ChannelEnded, WorkerExited, TaskSubmitted,
                 CancelAsked, ShutdownAsked, ResizeAsked, PrestartAsked, HealthAsked, WorkerSpawned,
                 SpawnFailed, KillFailed, RightsChanged, DescriptorsLost>;

struct SpawnWorker {
  WorkerId worker = 0;
  int index = 0;
};
struct SendFrame {
  WorkerId worker = 0;
  transport::FrameKind kind = transport::FrameKind::kOffer;
  TaskId task = 0;
  transport::SharedPayload payload = nullptr;
};
struct KillWorker {
  WorkerId worker = 0;
};
struct ForgetWorker {  // its exit record was taken
  WorkerId worker = 0;
};
// It could not be killed, and its exit record has not come. The answer is WorkerExited.
struct AbandonWorker {
  WorkerId worker = 0;
};
struct SettleTask {
  TaskId task = 0;
  Outcome outcome;
};
struct EndPool {  // tasks submitted from now on end with this
  Failure why;
};
struct TellHealth {
  std::uint64_t ticket = 0;  // 0: the last one, which no caller has asked for
  Health health;
};
struct Finish {};  // shutdown is complete: no task, no worker
using Order = std::variant<SpawnWorker, SendFrame, KillWorker, ForgetWorker, AbandonWorker,
                           SettleTask, EndPool, TellHealth, Finish>;

}  // namespace poolproof::supervise
