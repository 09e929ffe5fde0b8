#include "poolproof/reusable.h"

#include <unistd.h>

#include <atomic>
#include <exception>
#include <filesystem>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <utility>

namespace poolproof {
namespace {

// The process's executor, and the options with which it was made.
struct Holder {
  const pid_t process = getpid();
  std::mutex mutex;  // never held during a wait
  std::shared_ptr<Executor> executor;
  ExecutorOptions options;
  bool over = false;
};

// A fork gets a new one: in the old one, a thread that does not exist there may hold the mutex.
// Never destroyed, because it may be used during static destruction.
Holder& this_process() {
  static std::atomic<Holder*> current = nullptr;
  Holder* holder = current.load();
  while (holder == nullptr || holder->process != getpid()) {
    auto fresh = std::make_unique<Holder>();
    if (current.compare_exchange_strong(holder, fresh.get())) return *fresh.release();
  }
  return *holder;
}

struct AtExit {
  ~AtExit() {
    Holder& holder = this_process();
    std::shared_ptr<Executor> last;
    {
      const std::lock_guard lock(holder.mutex);
      holder.over = true;
      last = std::move(holder.executor);
    }
    if (last) last->shutdown(holder.options.on_destroy);
  }
};

template <class Result, class... Args>
bool same_function(const std::function<Result(Args...)>& a,
                   const std::function<Result(Args...)>& b) {
  if (!a || !b) return !a && !b;
  using Plain = Result (*)(Args...);
  const Plain* first = a.template target<Plain>();
  const Plain* second = b.template target<Plain>();
  return first != nullptr && second != nullptr && *first == *second;
}

// Compares everything except workers. The compiler reports an error here when an option is added.
bool same_but_for_workers(const ExecutorOptions& one, const ExecutorOptions& other) {
  const auto& [workers, max_pending, when_full, max_depth, max_frame_bytes, on_death, initializer,
               initializer_limit, idle_timeout, tasks_per_worker, memory_growth, memory_interval,
               memory_limit, memory_cgroup, env, worker_stderr, terminal_signals, name, start_limit,
               channel_grace, stop_grace, on_destroy, on_callback_error, trace] = one;
  static_cast<void>(workers);
  return max_pending == other.max_pending && when_full == other.when_full &&
         max_depth == other.max_depth && max_frame_bytes == other.max_frame_bytes &&
         on_death == other.on_death && initializer == other.initializer &&
         initializer_limit == other.initializer_limit && idle_timeout == other.idle_timeout &&
         tasks_per_worker == other.tasks_per_worker && memory_growth == other.memory_growth &&
         memory_interval == other.memory_interval && memory_limit == other.memory_limit &&
         memory_cgroup == other.memory_cgroup && env == other.env &&
         worker_stderr == other.worker_stderr && terminal_signals == other.terminal_signals &&
         name == other.name && start_limit == other.start_limit &&
         channel_grace == other.channel_grace && stop_grace == other.stop_grace &&
         on_destroy == other.on_destroy &&
         same_function(on_callback_error, other.on_callback_error) &&
         trace.path == other.trace.path && same_function(trace.sink, other.trace.sink);
}

// Under the holder's lock. False: another executor is needed.
bool reuse(Holder& holder, const ReusableOptions& wanted) {
  if (!holder.executor || wanted.reuse == Reuse::kNo) return false;
  if (wanted.reuse == Reuse::kAuto && !same_but_for_workers(holder.options, wanted.executor)) {
    return false;
  }
  detail::Pool& pool = detail::ExecutorAccess::pool(*holder.executor);
  if (detail::state_of(pool) != detail::PoolState::kUsable) return false;
  if (wanted.reuse == Reuse::kYes && wanted.executor.workers == 0) return true;
  try {
    detail::resize(pool, wanted.executor.workers);
    return true;
  } catch (const ExecutorError&) {
    return false;  // it broke or was shut down just now
  }
}

}  // namespace

std::shared_ptr<Executor> reusable_executor(const ReusableOptions& options) {
  static AtExit at_exit;
  Holder& holder = this_process();
  ReusableOptions wanted = options;
  // One relative path means two files if the directory changes.
  std::string& trace = wanted.executor.trace.path;
  if (!trace.empty()) trace = std::filesystem::absolute(trace).string();
  std::shared_ptr<Executor> given, replaced;
  {
    const std::lock_guard lock(holder.mutex);
    if (holder.over) return std::make_shared<Executor>(wanted.executor);
    if (reuse(holder, wanted)) return holder.executor;
    given = std::make_shared<Executor>(wanted.executor);  // starts no process yet
    replaced = std::exchange(holder.executor, given);
    holder.options = wanted.executor;
  }
  if (replaced) replaced->shutdown(wanted.replaced);
  return given;
}

}  // namespace poolproof
