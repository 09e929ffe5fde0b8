#include "poolproof/executor.h"

#include <cstdlib>
#include <filesystem>
#include <limits>
#include <stdexcept>
#include <string>

#include "executor/front/pool.h"
#include "executor/os/cgroup.h"
#include "executor/os/linux.h"
#include "executor/os/nesting.h"
#include "executor/os/rights.h"
#include "executor/os/spawn.h"
#include "executor/supervise/death.h"
#include "executor/transport/thrown.h"
#include "executor/worker/entry.h"
#include "poolproof/cpu_count.h"

namespace poolproof {
namespace {

os::LinuxOs& this_os() {
  // Stateless; never destroyed, because executors may end while static objects are destroyed.
  static os::LinuxOs& os = *new os::LinuxOs;
  return os;
}

void refuse_if_not_possible() {
  Failure failure;
  failure.kind = FailureKind::kSpawn;
  failure.text = os::why_no_workers();
  if (failure.text.empty()) failure.text = os::missing_calls();
  if (failure.text.empty()) failure.text = os::started_by_loader();
  if (failure.text.empty()) return;
  failure.text += ". Nothing was started";
  throw SpawnError(failure);
}

void refuse_if_no_cgroups(const ExecutorOptions& options) {
  if (options.memory_cgroup.empty()) return;
  if (options.memory_limit == 0) {
    throw std::invalid_argument(
        "ExecutorOptions::memory_cgroup is given, and memory_limit is 0; give a limit in bytes");
  }
  if (options.memory_cgroup.front() != '/') {
    throw std::invalid_argument("ExecutorOptions::memory_cgroup is " + options.memory_cgroup +
                                "; give the whole path of a cgroup, from / on");
  }
  Failure failure;
  failure.kind = FailureKind::kSpawn;
  failure.text = os::missing_for_cgroups(options.memory_cgroup, options.memory_limit);
  if (failure.text.empty()) return;
  failure.text += ". Nothing was started";
  throw SpawnError(failure);
}

int checked_workers(int workers) {
  if (workers < 0) {
    throw std::invalid_argument("ExecutorOptions::workers is " + std::to_string(workers) +
                                "; give a count, or 0 for one worker per usable CPU");
  }
  const int wanted = workers == 0 ? cpu_count() : workers;
  const int possible = os::workers_within_share(wanted);
  if (possible > 0) return possible;
  throw_failure(supervise::plain_failure(
      FailureKind::kNesting, 0,
      "this worker may have no workers of its own: all workers below one executor of the program "
      "divide 256 processes among them (more if it has more than 64 workers), and nothing is left "
      "for this one, which is at depth " +
          std::to_string(os::nesting_depth()) +
          ". Give each executor fewer workers (ExecutorOptions::workers; 0 is one for each CPU), "
          "or make fewer executors within tasks. Does a task submit itself?"));
}

int deepest(int asked) {
  const char* environment = std::getenv("POOLPROOF_MAX_DEPTH");
  if (asked == 0)
    asked = environment != nullptr && *environment != '\0' ? std::atoi(environment) : kMaxDepth;
  return asked > 0 ? asked : std::numeric_limits<int>::max();
}

Failure too_deep(int max_depth) {
  return supervise::plain_failure(
      FailureKind::kNesting, 0,
      "executors are nested too deep: this process is a worker at depth " +
          std::to_string(os::nesting_depth()) + ", and " + std::to_string(max_depth) +
          " is the limit (ExecutorOptions::max_depth, or POOLPROOF_MAX_DEPTH in the "
          "environment). Does a task submit itself?");
}

ExecutorOptions checked(ExecutorOptions options) {
  if (!worker::entry_is_proved()) {
    Failure failure;
    failure.kind = FailureKind::kSpawn;
    failure.text =
        "this program cannot be started as its own worker, since the library's start hook has not "
        "run (it is reached only through another shared library or dlopen, or its static library "
        "was linked without -Wl,--wrap=__libc_start_main). Nothing was started. Cures: link the "
        "program itself to poolproof::executor, or to poolproof::executor_shared; or call "
        "poolproof::worker_entry(argc, argv) as the first line of main, before any executor";
    throw SpawnError(failure);
  }
  refuse_if_not_possible();
  options.max_depth = deepest(options.max_depth);
  if (os::nesting_depth() >= options.max_depth) {
    throw NestingError(too_deep(options.max_depth));
  }
  options.workers = checked_workers(options.workers);
  // Resolved now, because the program may change its directory before the trace is opened, or while
  // it is written.
  if (!options.trace.path.empty()) {
    options.trace.path = std::filesystem::absolute(options.trace.path).string();
  }
  refuse_if_no_cgroups(options);
  for (const auto& [name, value] : options.env) {
    const bool has_zero = (name + value).find('\0') != std::string::npos;
    if (name.empty() || has_zero || name.find('=') != std::string::npos) {
      throw std::invalid_argument("ExecutorOptions::env has a variable that cannot be: \"" + name +
                                  "\"; a name has at least one letter and no '='");
    }
  }
  return options;
}

}  // namespace

namespace {

std::shared_ptr<detail::Pool> make_pool(const ExecutorOptions& options) {
  try {
    return std::make_shared<detail::Pool>(this_os(), checked(options));
  } catch (...) {
    // A static executor of the program's, in a worker: what throws here would end every worker, and
    // one that is never used costs nothing. It throws when it is used.
    if (!worker::runs_constructors()) throw;
    return std::make_shared<detail::Pool>(this_os(), options, std::current_exception());
  }
}

}  // namespace

Executor::Executor(ExecutorOptions options) : pool_(make_pool(options)) {}

Executor::~Executor() { end(); }

Executor& Executor::operator=(Executor&& other) {
  if (this == &other) return *this;
  end();
  pool_ = std::move(other.pool_);
  return *this;
}

void Executor::end() {
  if (!pool_) return;
  if (pool_->in_own_process()) {
    pool_->shutdown_on_destroy();
  } else {
    // A fork of the program: the threads of this object do not exist here, so it can neither be
    // joined nor destroyed.
    [[maybe_unused]] auto* left_alone = new std::shared_ptr<detail::Pool>(pool_);
  }
}  // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks): it is left on purpose

detail::Pool& Executor::pool() const {
  if (pool_) return *pool_;
  throw std::logic_error(
      "this poolproof::Executor was moved from, and has no workers; use the one that it was moved "
      "to");
}

Health Executor::health() const { return pool().health(); }

void Executor::resize(int workers) { detail::resize(pool(), workers); }

void Executor::prestart(int workers) {
  if (workers < 0) {
    throw std::invalid_argument("Executor::prestart is given " + std::to_string(workers) +
                                " workers; give a count, or 0 for all that the pool may have");
  }
  pool().prestart(workers == 0 ? std::numeric_limits<int>::max() : workers);
}

void Executor::shutdown(const ShutdownOptions& options) {
  pool();                   // or throws
  const auto held = pool_;  // another thread may call exit meanwhile, which destroys a static one
  held->shutdown(options);
}

namespace detail {

NodePtr submit_encoded(Pool& pool, const TaskOptions& options, Bytes payload, MakeNode make) {
  return pool.submit(options, std::move(payload), make);
}

void resize(Pool& pool, int workers) { pool.resize(checked_workers(workers)); }

int workers_of(const Pool& pool) { return pool.workers(); }

PoolState state_of(const Pool& pool) { return pool.state(); }

std::vector<NodePtr> submit_batch_encoded(Pool& pool, const TaskOptions& options,
                                          std::vector<BatchItem> items, MakeNode make) {
  return pool.submit_batch(options, std::move(items), make);
}

NodePtr refuse_unencodable(Pool& pool, const TaskOptions& options, std::exception_ptr why,
                           MakeNode make) {
  return pool.refuse(options, transport::describe_thrown({FailureKind::kEncode, Stage::kArgs}, why),
                     make);
}

}  // namespace detail
}  // namespace poolproof
