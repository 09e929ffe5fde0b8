// The supervisor's thread. It sleeps on process handles, channels, the bell and the next deadline,
// turns their events into inputs, and carries out orders. Only this thread spawns and reaps. It
// must live longer than every worker, because the kernel kills a worker when the thread that
// spawned it ends (law L9).
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

#include "executor/os/os.h"
#include "executor/supervise/inbox.h"
#include "executor/supervise/stderr_tail.h"
#include "executor/supervise/supervisor.h"
#include "executor/transport/channel.h"

namespace poolproof::supervise {

// The receiver of the loop's results. Called on the supervisor's thread; must not block.
class Outlet {
 public:
  virtual ~Outlet() = default;
  virtual void settle(TaskId task, Outcome outcome) = 0;
  virtual void pool_ended(const Failure& why) = 0;
  virtual void tell_health(std::uint64_t ticket, Health health) = 0;  // as supervise::TellHealth
  // For an observer. A worker may lie about what it has begun.
  virtual void worker_started(const WorkerRef& /*worker*/) {}
  virtual void worker_ended(const WorkerRef& /*worker*/) {}
  virtual void task_begun(TaskId /*task*/, const WorkerRef& /*worker*/) {}
};

class Loop {
 public:
  Loop(os::Os& os, Inbox& inbox, Outlet& outlet, const SupervisorOptions& options,
       const os::WorkerSettings& settings);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Sleeps once, and then does everything that is due. False: the pool is finished; do not call it
  // again. Never throws: an exception inside (no memory, for example) ends the pool. Its workers
  // are then killed, Outlet::pool_ended gets the reason, and the owner of the loop ends the futures
  // that are still open.
  bool turn() noexcept;
  bool broke_down() const { return broke_down_; }
  // Asks about a task that is still open after that.
  bool has_certainly_not_run(TaskId task);
  // The program has closed descriptors of ours. All their numbers, the bell's too, may belong to
  // other files. This can also happen to a pool that has ended before for another reason.
  bool lost_descriptors() const { return descriptors_lost_; }

 private:
  struct WorkerHandle {  // everything we hold of one worker
    os::Child child;
    std::uint64_t channel_identity = 0, handle_identity = 0, errors_identity = 0;
    std::uint64_t lifeline_identity = 0;
    int index = 0;
    std::unique_ptr<transport::Channel> channel;
    std::optional<StderrTail> tail;  // if its stderr comes to us
    TaskId offered = 0;              // the last task that it was sent
    TaskId begun = 0;                // the last that it claimed
    bool loss_told = false;
    bool was_frozen = false;
    bool killed = false;      // we sent SIGKILL
    bool unkillable = false;  // our kill was refused
    bool reaped = false;      // its record was taken
    std::thread late_reaper;  // waits for the record when the handle is readable and the record is
                              // not there
    // If no thread could be started: when to look for the record again, and the pause after that.
    std::optional<os::Instant> look_again;
    std::chrono::nanoseconds look_pause = kFirstLook;
    std::optional<ExitStatus> late_exit;  // what the late reaper got; guarded by late_mutex_
  };
  static constexpr std::chrono::nanoseconds kFirstLook = std::chrono::milliseconds(10);
  static constexpr std::chrono::nanoseconds kFirstClearing = std::chrono::milliseconds(2);
  static constexpr std::chrono::nanoseconds kLongestPause = std::chrono::seconds(1);

  bool live();
  void break_down() noexcept;
  void let_go(WorkerHandle& worker) noexcept;
  std::vector<Input> gather();
  bool may_hand_out(const std::vector<Input>& inputs) const;
  void look_for_other_rights(std::vector<Input>& inputs);
  bool lifeline_is_ours(const WorkerHandle& worker);
  void close_all_of(const WorkerHandle& worker);
  std::optional<os::Instant> next_deadline() const;
  static int handle_to_watch(const WorkerHandle& worker);
  bool are_ours(const WorkerHandle& worker);
  void sleep();
  template <class Write>
  void write_to(WorkerId id, WorkerHandle& worker, std::vector<Input>& inputs, Write write);
  void hear(WorkerId id, WorkerHandle& worker, std::size_t budget, std::vector<Input>& inputs);
  void look_for_exit(WorkerId id, WorkerHandle& worker, std::vector<Input>& inputs);
  void await_record(WorkerHandle& worker);
  void collect_late_exits(std::vector<Input>& inputs);
  bool is_out_of_memory(const WorkerHandle& worker, const ExitStatus& exit);
  void clear_away(const os::Child& child);
  void clear_again();
  void clear_at_the_end();
  void told_exit(WorkerId id, WorkerHandle& worker, const ExitStatus& exit,
                 std::vector<Input>& inputs);
  void tell_end(WorkerId id, WorkerHandle& worker, const ExitStatus& exit,
                std::vector<Input>& inputs);

  // loop_abandoned.cc: workers that could not be killed
  void reap_abandoned(std::span<const os::Watch> handles);
  bool has_late_exit(const WorkerHandle& worker);
  bool ends_by(os::Instant until, const WorkerHandle& worker) noexcept;
  void leave(WorkerHandle& worker) noexcept;

  void tell_loss(std::vector<Input>& inputs);
  void carry_out(SpawnWorker& order, std::vector<Input>& inputs);
  void carry_out(SendFrame& order, std::vector<Input>& inputs);
  void carry_out(KillWorker& order, std::vector<Input>& inputs);
  void carry_out(ForgetWorker& order, std::vector<Input>& inputs);
  void carry_out(AbandonWorker& order, std::vector<Input>& inputs);
  void carry_out(SettleTask& order, std::vector<Input>& inputs);
  void carry_out(EndPool& order, std::vector<Input>& inputs);
  void carry_out(TellHealth& order, std::vector<Input>& inputs);
  void carry_out(Finish& order, std::vector<Input>& inputs);

  os::Os& os_;
  Inbox& inbox_;
  Outlet& outlet_;
  const os::WorkerSettings settings_;
  Supervisor supervisor_;
  std::map<WorkerId, WorkerHandle> workers_;
  std::vector<os::Watch> watches_;
  std::optional<std::uint64_t> memory_kills_;  // out-of-memory kills that are already explained
  std::uint64_t rights_ = 0;                   // the program's rights, when last read
  std::vector<os::Child> left_over_;  // these have ended, but something is left in their cgroups
  std::map<WorkerId, WorkerHandle> abandoned_;  // could not be killed; only the handle is left
  std::unordered_set<TaskId> untaken_;          // tasks in the inbox when the loop broke down
  std::optional<os::Instant> clear_at_;         // when left_over_ is tried again
  std::chrono::nanoseconds clear_pause_ = kFirstClearing;
  bool finished_ = false;
  bool broke_down_ = false;
  std::unique_ptr<std::byte[]> reserve_;  // freed when memory is short, to report that

  std::mutex late_mutex_;
  std::atomic<bool> descriptors_lost_ = false;
};

}  // namespace poolproof::supervise
