// What Pool does on the supervisor's thread, from its start to its end.
#include <algorithm>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "executor/check.h"
#include "executor/front/pool.h"
#include "executor/os/cpu_limits.h"
#include "executor/os/nesting.h"
#include "executor/os/priority.h"
#include "executor/os/rights.h"

namespace poolproof::detail {
namespace {

// 0: the growth is not watched, and workers need not measure.
std::chrono::milliseconds memory_interval(const ExecutorOptions& options) {
  if (options.memory_growth == 0) return std::chrono::milliseconds(0);
  return std::max(std::chrono::milliseconds(1),
                  std::chrono::duration_cast<std::chrono::milliseconds>(options.memory_interval));
}

}  // namespace

void Pool::supervise(int workers, std::vector<std::string> environment) {
  // Not what this thread has inherited from the one that happened to submit first.
  os::use_cpus(cpus_);
  os::use_priority(priority_);
  const SupervisorThread no_user_code_here(*callbacks_, *this);
  bool foreign = false, whole = false;
  try {
    os::use_file_ids_of_main_thread();  // of the same kind; takes memory
    const bool has_initializer = !options_.initializer.call.empty();
    transport::SharedPayload initializer;
    if (has_initializer) {
      initializer = std::make_shared<const transport::Payload>(options_.initializer.call);
    }
    const os::WorkerSettings settings{
        .max_payload = options_.max_frame_bytes,
        .memory_limit = options_.memory_limit,
        .memory_cgroup = options_.memory_cgroup,
        .memory_interval = memory_interval(options_),
        .keep_stderr = options_.worker_stderr == Stderr::kTail,
        .has_initializer = has_initializer,
        .name = options_.name,
        .environment = std::move(environment),
        .share = os::share_for_each_of(workers),
        .leaves_terminal = options_.terminal_signals == TerminalSignals::kLeaveToProgram};
    supervise::SupervisorOptions options{.workers = workers,
                                         .on_death = options_.on_death,
                                         .initializer = initializer,
                                         .initializer_limit = options_.initializer_limit,
                                         .idle_timeout = options_.idle_timeout,
                                         .tasks_per_worker = options_.tasks_per_worker,
                                         .memory_growth = options_.memory_growth,
                                         .start_limit = options_.start_limit,
                                         .channel_grace = options_.channel_grace,
                                         .stop_grace = options_.stop_grace};
    supervise::Loop loop(os_, *inbox_, *this, options, settings);
    while (loop.turn()) continue;
    foreign = loop.lost_descriptors();
    whole = !loop.broke_down();
    // Before the destruction of the loop, which waits for its workers.
    if (!whole) end_open([&](TaskId task) { return loop.has_certainly_not_run(task); });
  } catch (const std::exception&) {  // nothing was started
    Failure failure;
    failure.kind = FailureKind::kSupervisorLost;
    failure.text = "out of memory";  // a text that needs no memory
    pool_ended(failure);
  }
  if (foreign || !whole) {  // submitted after the loss, before the loop noticed it
    end_open([&](TaskId) { return true; });
  }
  const std::lock_guard lock(mutex_);
  POOLPROOF_CHECK(open_.empty(), "a shutdown is complete when every future has ended");
  phase_ = Phase::kOver;
  room_.notify_all();
  if (!foreign) close_bell();  // otherwise its numbers may belong to other files by now
  changed_.notify_all();
}

// After the pool has ended: ends every future that is still open with the pool's error. If there is
// no memory for that, waits until there is.
void Pool::end_open(const std::function<bool(TaskId)>& has_certainly_not_run) {
  std::unique_lock lock(mutex_);
  for (auto pause = std::chrono::milliseconds(1); !open_.empty();) {
    const auto [task, node] = *open_.begin();
    const bool started = !has_certainly_not_run(task);
    lock.unlock();
    try {
      Failure failure = *ended_;
      failure.task = task;
      failure.task_name = node->name();
      failure.started = started;
      node->settle(std::move(failure));
    } catch (...) {
      std::this_thread::sleep_for(pause);
      pause = std::min(2 * pause, std::chrono::milliseconds(1000));
    }
    lock.lock();
    if (node->ready()) open_.erase(task);
  }
}

}  // namespace poolproof::detail
