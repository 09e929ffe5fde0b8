// The implementation of one executor: the open futures, the supervisor's thread, and the callbacks.
// It lives as long as the executor or any of its futures.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "executor/front/callbacks.h"
#include "executor/front/trace.h"
#include "executor/os/os.h"
#include "executor/os/priority.h"
#include "executor/supervise/inbox.h"
#include "executor/supervise/loop.h"
#include "poolproof/executor.h"
#include "poolproof/future.h"
#include "poolproof/options.h"

namespace poolproof::detail {

class Pool : public CallbackOwner,
             public supervise::Outlet,
             public std::enable_shared_from_this<Pool> {
 public:
  // `os` must outlive the pool. options.workers and options.max_depth >= 1.
  // `unusable`: null, or what whatever needs a worker throws instead.
  Pool(os::Os& os, const ExecutorOptions& options, std::exception_ptr unusable = nullptr);
  ~Pool() override;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // As Executor::submit. Any thread.
  NodePtr submit(const TaskOptions& options, Bytes payload, MakeNode make);
  // A node of a new task that has ended with this failure.
  NodePtr refuse(const TaskOptions& options, Failure failure, MakeNode make);
  // The same for many tasks, under one lock and with one wake-up. Throws only before the first task
  // is taken. If there is no room in time, or the pool has ended, the nodes of the remaining tasks
  // have ended with that error.
  std::vector<NodePtr> submit_batch(const TaskOptions& options, std::vector<BatchItem> items,
                                    MakeNode make);
  // Starts workers until so many live, even if no task needs them. Does not wait.
  void prestart(int workers);
  void shutdown(const ShutdownOptions& options);
  // At most so many workers from now on. Does not wait. As detail::resize.
  void resize(int workers);
  Health health();
  int workers() const;
  PoolState state() const;
  void shutdown_on_destroy() { shutdown(options_.on_destroy); }
  // False in a child that the program forked: the threads do not exist there, and the child owns
  // nothing of the pool.
  bool in_own_process() const override;

  void cancel(TaskId task, const CancelOptions& options) override;
  void prepare_callbacks() override { callbacks_->start(); }
  NodePtr call_back(NodePtr settled, CalledBy by) noexcept override {
    return callbacks_->run(std::move(settled), by);
  }
  void callback_threw(std::exception_ptr what) override;
  std::unique_ptr<Callback> take_due(FutureNode& settled) override {
    return callbacks_->take(settled);
  }

  // On the supervisor's thread.
  void settle(TaskId task, supervise::Outcome outcome) override;
  void pool_ended(const Failure& why) override;
  void tell_health(std::uint64_t ticket, Health health) override;
  void worker_started(const WorkerRef& worker) override;
  void worker_ended(const WorkerRef& worker) override;
  void task_begun(TaskId task, const WorkerRef& worker) override;

 private:
  enum class Phase {
    kFresh,    // nothing was submitted yet: no thread, no descriptor
    kRunning,  //
    kClosing,  // shut down: no more tasks are taken
    kOver,     // the supervisor has ended; its thread may still have to be joined
    kGone,     // joined
  };
  void start();
  void undo_start();
  void supervise(int workers, std::vector<std::string> environment);
  void end_open(const std::function<bool(TaskId)>& has_certainly_not_run);
  void put(supervise::Input input);
  void put_all(std::vector<supervise::Input>& inputs);
  void check(const TaskOptions& options) const;
  std::optional<Failure> wait_for_room(std::unique_lock<std::mutex>& lock,
                                       const TaskOptions& options);
  void refuse_if_batch_is_too_large(const TaskOptions& options, std::size_t tasks) const;
  std::optional<Failure> too_long(const Bytes& payload) const;
  NodePtr open_task(const TaskOptions& options, MakeNode make);
  void close_bell();
  Health with_trace_error(Health health) const;
  void refuse_in_fork() const;
  void refuse_if_repeated_by_workers() const;
  void refuse_if_over() const;
  void await_room(std::unique_lock<std::mutex>& lock, const TaskOptions& options);

  os::Os& os_;
  const std::exception_ptr unusable_;
  const ExecutorOptions options_;
  const int own_pid_;
  const std::vector<int> cpus_;  // of the program, when this was made
  const os::Priority priority_;
  const std::shared_ptr<Callbacks> callbacks_ = std::make_shared<Callbacks>();

  mutable std::mutex mutex_;  // guards all members below
  std::condition_variable changed_;
  Phase phase_ = Phase::kFresh;
  int workers_;
  std::optional<Failure> ended_;
  std::uint64_t last_ticket_ = 0;
  std::unordered_map<std::uint64_t, Health> health_told_;  // answers for the threads that asked
  Health last_health_;                                     // once it is over
  TaskId last_task_ = 0;
  std::unordered_map<TaskId, NodePtr> open_;
  std::condition_variable room_;  // for threads that wait until fewer tasks are open
  int waiting_for_room_ = 0;
  std::optional<supervise::Inbox> inbox_;
  std::unique_ptr<Trace> trace_;  // from the start of the supervisor until it is joined
  std::string trace_error_;       // after that
  std::thread supervisor_;
};

}  // namespace poolproof::detail
