// A pool of worker processes that run calls.
//
//   poolproof::Executor pool({.workers = 2});
//   poolproof::Future<int> answer = pool.submit([](int x) { return x + 1; }, 41);
//   answer.get();
//
// Any thread may call any member, except a move and the destructor. Workers are the same program,
// started again when the first task comes. Their `main` does not run; their static constructors do.
// A worker can therefore use an executor too (a pool within a task). An executor that is
// constructed in a worker but never used costs nothing.
#pragma once

#include <exception>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "poolproof/export.h"
// Included early, so that a compiler that mentions it prints few lines of "included from".
#include "poolproof/detail/refusals.h"
// The rest.
#include "poolproof/detail/task_node.h"
#include "poolproof/future.h"
#include "poolproof/health.h"
#include "poolproof/initializer.h"
#include "poolproof/options.h"
#include "poolproof/task.h"
#include "poolproof/worker.h"

namespace poolproof {

namespace detail {

class Pool;

// Returns the node of a new task. Throws ShutdownExecutorError, or SpawnError if the pool has ended
// with it.
POOLPROOF_EXPORT NodePtr submit_encoded(Pool& pool, const TaskOptions& options, Bytes payload,
                                        MakeNode make);
// A node that has already ended with EncodeError{stage = args}.
POOLPROOF_EXPORT NodePtr refuse_unencodable(Pool& pool, const TaskOptions& options,
                                            std::exception_ptr why, MakeNode make);
struct BatchItem {
  Bytes payload;
  std::exception_ptr unencodable;  // what its Codec threw
};
POOLPROOF_EXPORT std::vector<NodePtr> submit_batch_encoded(Pool& pool, const TaskOptions& options,
                                                           std::vector<BatchItem> items,
                                                           MakeNode make);

// The type of a range's elements, without <ranges>.
template <class R>
using ValueIn = std::iter_value_t<decltype(std::begin(std::declval<R&>()))>;
template <class R>
concept Input = requires {
  typename ValueIn<R>;
};
template <class F>
concept NoOptions = !std::is_same_v<std::decay_t<F>, TaskOptions>;

// The type of a Future for the result of fn(args...), and of a vector of them for fn(element). For
// a call that cannot be made, a type that makes the compiler say why.
template <class F, class... Args>
using FutureOf = typename Given<kRefusal<F, Args...>, Future<CallResult<F, Args...>>>::Type;
template <class F, class R>
using FuturesOf =
    typename Given<kRefusal<F, ValueIn<R>>, std::vector<Future<CallResult<F, ValueIn<R>>>>>::Type;

enum class PoolState {
  kUsable,
  kBroken,  // ended without a shutdown: submit throws why
  kShut,    // shut down, or it belongs to another process (after a fork)
};
POOLPROOF_EXPORT PoolState state_of(const Pool& pool);

POOLPROOF_EXPORT void resize(Pool& pool, int workers);  // as Executor::resize
POOLPROOF_EXPORT int workers_of(const Pool& pool);      // as options or resize asked for last

struct ExecutorAccess;

}  // namespace detail

#define POOLPROOF_KEEP "the future is the only way to the result of the task, and to its error"

class POOLPROOF_EXPORT Executor {
 public:
  // Throws SpawnError if this program cannot start itself as a worker (see worker_entry). Starts no
  // process. Throws std::invalid_argument for workers < 0, and for an invalid `env`.
  explicit Executor(ExecutorOptions options = {});
  // As shutdown(options.on_destroy). Afterwards no thread or descriptor of the pool is left. If it
  // is called in a callback, the callback thread may be left, as for shutdown.
  ~Executor();
  // Tasks, workers and futures stay with the pool, which only moves to another object. An executor
  // that was moved from has no pool: every call except its destructor and an assignment to it
  // throws std::logic_error. An assignment first ends the pool of its target, as the destructor
  // would.
  Executor(Executor&& other) noexcept = default;
  Executor& operator=(Executor&& other);

  // Runs fn(args...) in a worker, and returns a Future of its result. The arguments are encoded in
  // this call: what their Codec throws ends this future with EncodeError. Throws
  // ShutdownExecutorError after shutdown, SpawnError if the pool has ended because no worker could
  // be started, BrokenProcessPool if it broke.
  template <class F, class... Args>
  requires detail::NoOptions<F>
  [[nodiscard(POOLPROOF_KEEP)]] POOLPROOF_CHECKED(
      (detail::kRefusal<F, Args...>)) detail::FutureOf<F, Args...> submit(F&& fn, Args&&... args) {
    if constexpr (detail::kRefusal<F, Args...> != detail::Refusal::kNone)
      detail::refused();
    else
      return submit_with<F, Args...>(TaskOptions{}, fn, args...);
  }
  template <class F, class... Args>
  [[nodiscard(POOLPROOF_KEEP)]] POOLPROOF_CHECKED((detail::kRefusal<F, Args...>))
      detail::FutureOf<F, Args...> submit(const TaskOptions& options, F&& fn, Args&&... args) {
    if constexpr (detail::kRefusal<F, Args...> != detail::Refusal::kNone)
      detail::refused();
    else
      return submit_with<F, Args...>(options, fn, args...);
  }

  // Runs fn(element) for each element of a range, each as a separate task, and returns a vector of
  // their futures. This is like submit in a loop, but wakes the supervisor once. All elements are
  // encoded before the first is sent; for a large or endless input use map (map.h). Futures come in
  // the order of the range. Throws as submit before the first task is taken. After that, a task for
  // which there is no room in time, or no pool any more, ends with that error. If a full queue
  // rejects (Backpressure::kReject), either all of the batch is taken or nothing.
  template <class F, detail::Input R>
  [[nodiscard(POOLPROOF_KEEP)]] POOLPROOF_CHECKED((detail::kRefusal<F, detail::ValueIn<R>>))
      detail::FuturesOf<F, R> submit_batch(F&& fn, R&& elements) {
    if constexpr (detail::kRefusal<F, detail::ValueIn<R>> != detail::Refusal::kNone)
      detail::refused();
    else
      return submit_batch_with<F>(TaskOptions{}, fn, elements);
  }
  template <class F, detail::Input R>
  [[nodiscard(POOLPROOF_KEEP)]] POOLPROOF_CHECKED((detail::kRefusal<F, detail::ValueIn<R>>))
      detail::FuturesOf<F, R> submit_batch(const TaskOptions& options, F&& fn, R&& elements) {
    if constexpr (detail::kRefusal<F, detail::ValueIn<R>> != detail::Refusal::kNone)
      detail::refused();
    else
      return submit_batch_with<F>(options, fn, elements);
  }

  // Takes no more tasks, and ends the pending and running ones as the options say. Returns when
  // every future has ended and no worker process is left. Throws ShutdownExecutorError in a process
  // that was forked from this one. A second call may ask for more (kill, if the first one drains);
  // then the first call also returns earlier.
  //
  // After the tasks, the callbacks: those that are due run, and their thread ends, before this
  // returns. It may be called in a callback. In a callback of this executor, or in one that this
  // executor's callbacks wait for (two or more executors that are ended in each other's callbacks),
  // it only asks for the end of the callbacks: it returns when the tasks have ended, and the
  // callback thread ends when its callbacks have returned. Keep what those callbacks use until
  // then.
  void shutdown(const ShutdownOptions& options = {});

  // At most `workers` (0: one per usable CPU) from now on. Idle workers beyond that number are
  // asked to stop; busy ones end their task first. More workers start when tasks need them. Any
  // thread may call it; it waits for nothing. Throws std::invalid_argument for workers < 0, and as
  // submit once the pool is broken or shut.
  void resize(int workers);

  // Starts so many workers now (0: as many as the pool may have, and never more), instead of when
  // tasks need them, and waits for nothing. Tried once; whatever goes wrong is told to tasks. Idle
  // workers leave as idle_timeout says. In a worker's static constructors it does nothing: every
  // worker would start others. Throws std::invalid_argument for workers < 0, and as submit.
  void prestart(int workers = 0);

  // Asks the supervisor, and waits for its answer; the supervisor is rarely busy for long. Any
  // thread may call it, also after shutdown. Throws ShutdownExecutorError in a process that was
  // forked from this one.
  Health health() const;

 private:
  friend struct detail::ExecutorAccess;
  detail::Pool& pool() const;  // throws std::logic_error if this was moved from
  void end();
  template <class F, class... Args>
  detail::FutureOf<F, Args...> submit_with(const TaskOptions& options, const std::decay_t<F>& fn,
                                           const std::decay_t<Args>&... args);
  template <class F, class R>
  detail::FuturesOf<F, R> submit_batch_with(const TaskOptions& options, const std::decay_t<F>& fn,
                                            R& elements);

  std::shared_ptr<detail::Pool> pool_;
};
#undef POOLPROOF_KEEP

// For code that is built on an executor: gives the pool behind it.
struct detail::ExecutorAccess {
  static Pool& pool(Executor& executor) { return executor.pool(); }
};

// For programs in which the library cannot take control in a worker by itself (the constructor of
// Executor reports this with SpawnError): call it as the first line of main. In a worker it never
// returns.
POOLPROOF_EXPORT void worker_entry(int argc, char** argv);

template <class F, class... Args>
detail::FutureOf<F, Args...> Executor::submit_with(const TaskOptions& options,
                                                   const std::decay_t<F>& fn,
                                                   const std::decay_t<Args>&... args) {
  using Result = detail::CallResult<F, Args...>;
  detail::Pool& pool = this->pool();
  Bytes payload;
  try {
    payload = detail::encode_call<F, std::decay_t<Args>...>(fn, args...);
  } catch (...) {
    return detail::FutureAccess::make<Result>(detail::refuse_unencodable(
        pool, options, std::current_exception(), &detail::make_task_node<Result>));
  }
  return detail::FutureAccess::make<Result>(
      detail::submit_encoded(pool, options, std::move(payload), &detail::make_task_node<Result>));
}

template <class F, class R>
detail::FuturesOf<F, R> Executor::submit_batch_with(const TaskOptions& options,
                                                    const std::decay_t<F>& fn, R& elements) {
  using Value = detail::ValueIn<R>;
  using Result = detail::CallResult<F, Value>;
  std::vector<detail::BatchItem> items;
  for (auto&& each : elements) {
    detail::BatchItem& item = items.emplace_back();
    try {
      item.payload = detail::encode_call<F, Value>(fn, each);
    } catch (...) {
      item.unencodable = std::current_exception();
    }
  }
  std::vector<Future<Result>> futures;
  futures.reserve(items.size());
  for (detail::NodePtr& node : detail::submit_batch_encoded(pool(), options, std::move(items),
                                                            &detail::make_task_node<Result>)) {
    futures.push_back(detail::FutureAccess::make<Result>(std::move(node)));
  }
  return futures;
}

}  // namespace poolproof
