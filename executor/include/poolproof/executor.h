// A pool of worker processes that run calls.
//
//   poolproof::Executor pool({.workers = 2});
//   poolproof::Future<int> answer = pool.submit([](int x) { return x + 1; }, 41);
//   answer.get();
//
// Any thread may call any member. Workers are this same program, started anew when the first task
// comes; their `main` is not run, their static constructors are. An executor is therefore usable in
// a worker too (a pool within a task), and one that is constructed there but never used costs
// nothing.
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "poolproof/export.h"
#include "poolproof/future.h"
#include "poolproof/health.h"
#include "poolproof/options.h"
#include "poolproof/task.h"
#include "poolproof/worker.h"

namespace poolproof {

namespace detail {

class Pool;

// Gives the node of a new task. Throws ShutdownExecutorError, or SpawnError once the pool has ended
// so.
POOLPROOF_EXPORT NodePtr submit_encoded(Pool& pool, const TaskOptions& options, Bytes payload,
                                        MakeNode make);
// A node that has already ended with EncodeError{stage = args}.
POOLPROOF_EXPORT NodePtr refuse_unencodable(Pool& pool, std::exception_ptr why, MakeNode make);

enum class PoolState {
  kUsable,
  kBroken,  // ended by itself: submit throws why
  kShut,    // shut down, or another process's (after a fork)
};
POOLPROOF_EXPORT PoolState state_of(const Pool& pool);

POOLPROOF_EXPORT void resize(Pool& pool, int workers);  // as Executor::resize
POOLPROOF_EXPORT int workers_of(const Pool& pool);      // as last asked for, by options or resize

struct ExecutorAccess;

}  // namespace detail

class POOLPROOF_EXPORT Executor {
 public:
  // Throws SpawnError if this program cannot be its own worker (see worker_entry); starts nothing.
  // Throws std::invalid_argument for workers < 0, and for an `env` that cannot be one.
  explicit Executor(ExecutorOptions options = {});
  // As shutdown(options.on_destroy), and no thread or descriptor of the pool is left; in a callback
  // the callback thread may be left, as for shutdown.
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // Runs fn(args...) in a worker. Arguments are encoded here and now: what their Codec throws ends
  // this future with EncodeError. Throws ShutdownExecutorError after shutdown, SpawnError if the
  // pool has ended because no worker could be started, BrokenProcessPool if it broke.
  template <class F, class... Args>
  requires(!std::is_same_v<std::decay_t<F>, TaskOptions>)
      Future<detail::CallResult<F, Args...>> submit(F&& fn, Args&&... args) {
    return submit(TaskOptions{}, std::forward<F>(fn), std::forward<Args>(args)...);
  }
  template <class F, class... Args>
  Future<detail::CallResult<F, Args...>> submit(const TaskOptions& options, F&& fn, Args&&... args);

  // Takes no more tasks, sees the pending and running ones to their ends as the options say, and
  // returns when every future has ended and no worker process is left. Throws
  // ShutdownExecutorError in a process that was forked from this one. A second call may ask for
  // more (kill where the first drains), and then hastens the first.
  //
  // Then the callbacks: those that are due run, and their thread ends, before this returns. May be
  // called in a callback. One of this executor, and one that this executor's callbacks wait for
  // (two executors, or more, that are ended in each other's callbacks), only asks for that: this
  // returns when the tasks have ended, and the callback thread ends when its callbacks have
  // returned. Keep what those use until then.
  void shutdown(const ShutdownOptions& options = {});

  // At most `workers` (0: one per usable CPU) from now on: idle ones beyond that are asked to stop,
  // busy ones end their task first; more start as tasks need them. Any thread; waits for nothing.
  // Throws std::invalid_argument for workers < 0, and as submit once the pool is broken or shut.
  void resize(int workers);

  // Asks the supervisor, and waits for its answer: it is seldom busy for long. Any thread, also
  // after shutdown. Throws ShutdownExecutorError in a process that was forked from this one.
  Health health() const;

 private:
  friend struct detail::ExecutorAccess;
  std::shared_ptr<detail::Pool> pool_;
};

// For what is built on an executor: the pool behind it.
struct detail::ExecutorAccess {
  static Pool& pool(Executor& executor) { return *executor.pool_; }
};

// For programs in which the library cannot take over by itself in a worker (Executor says so with
// SpawnError): call it as the first line of main. In a worker it never returns.
POOLPROOF_EXPORT void worker_entry(int argc, char** argv);

template <class F, class... Args>
Future<detail::CallResult<F, Args...>> Executor::submit(const TaskOptions& options, F&& fn,
                                                        Args&&... args) {
  using Result = detail::CallResult<F, Args...>;
  using Callable = std::decay_t<F>;
  detail::explain_what_cannot_travel<Callable, detail::Wire<Args>...>();
  if constexpr (detail::kIsFunction<Callable> || detail::Plain<Callable>) {
    Bytes payload;
    try {
      payload = detail::encode_call<F, std::decay_t<Args>...>(fn, args...);
    } catch (...) {
      return detail::FutureAccess::make<Result>(detail::refuse_unencodable(
          *pool_, std::current_exception(), &detail::make_task_node<Result>));
    }
    return detail::FutureAccess::make<Result>(detail::submit_encoded(
        *pool_, options, std::move(payload), &detail::make_task_node<Result>));
  } else {
    return {};
  }
}

}  // namespace poolproof
