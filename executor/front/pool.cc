#include "executor/front/pool.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>

#include "executor/check.h"
#include "executor/os/cpu_limits.h"
#include "executor/os/rights.h"
#include "executor/os/thread.h"
#include "executor/supervise/death.h"
#include "executor/transport/thrown.h"
#include "executor/worker/entry.h"

namespace poolproof::detail {
namespace {

// The program's own environment, changed only by `more`.
std::vector<std::string> environment_with(const std::map<std::string, std::string>& more) {
  std::vector<std::string> all;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (!more.contains(std::string(text.substr(0, text.find('='))))) all.emplace_back(text);
  }
  for (const auto& [name, value] : more) all.push_back(name + "=" + value);
  return all;
}

constexpr char kForked[] =
    "this executor belongs to the process that this one was forked from; make another one here";
constexpr char kClosed[] = "the executor is shut down, and takes no more tasks";

}  // namespace

Pool::Pool(os::Os& os, const ExecutorOptions& options, std::exception_ptr unusable)
    : os_(os),
      unusable_(std::move(unusable)),
      options_(options),
      own_pid_(getpid()),
      cpus_(os::cpus_by_affinity(getpid())),
      priority_(os::priority_of_program()),
      workers_(options.workers) {}

Pool::~Pool() {
  POOLPROOF_CHECK(!supervisor_.joinable(), "~Executor shuts the pool down before it lets go of it");
}

bool Pool::in_own_process() const { return getpid() == own_pid_; }

NodePtr Pool::submit(const TaskOptions& options, Bytes payload, MakeNode make) {
  check(options);
  if (auto failure = too_long(payload)) return refuse(options, std::move(*failure), make);
  refuse_in_fork();
  refuse_if_repeated_by_workers();
  // The sum over the payload is made here, so that the supervisor does not spend its time on it.
  auto shared = std::make_shared<const transport::Payload>(std::move(payload));
  const std::optional<os::Instant> deadline = os::after(os_.now(), options.deadline);

  std::unique_lock lock(mutex_);
  refuse_if_over();
  if (options_.max_pending != 0 && open_.size() >= options_.max_pending) {
    await_room(lock, options);
    refuse_if_over();
  }
  if (phase_ == Phase::kFresh) start();
  NodePtr node = open_task(options, make);
  try {
    put(supervise::TaskSubmitted{.task = node->task(),
                                 .payload = std::move(shared),
                                 .deadline = deadline,
                                 .run_limit = options.run_limit,
                                 .retries = options.retries});
  } catch (...) {  // no memory
    open_.erase(node->task());
    throw;
  }
  return node;
}

void Pool::check(const TaskOptions& options) const {
  if (options.retries < 0) throw std::invalid_argument("TaskOptions::retries is negative");
}

std::optional<Failure> Pool::too_long(const Bytes& payload) const {
  if (payload.size() <= options_.max_frame_bytes) return std::nullopt;
  Failure failure = supervise::plain_failure(
      FailureKind::kEncode, 0,
      "the call is " + std::to_string(payload.size()) + " bytes long, more than the limit of " +
          std::to_string(options_.max_frame_bytes) + " (ExecutorOptions::max_frame_bytes)");
  failure.type_name = "poolproof::BadBytes";
  return failure;
}

// Under the lock.
NodePtr Pool::open_task(const TaskOptions& options, MakeNode make) {
  const TaskId task = ++last_task_;
  NodePtr node(make(task, shared_from_this()));
  node->set_name(options.name);
  if (trace_) trace_->submitted(task, options.name);
  open_.emplace(task, node);
  return node;
}

void Pool::refuse_in_fork() const {
  if (!in_own_process())
    throw_failure(supervise::plain_failure(FailureKind::kShutdown, 0, kForked));
}

// In the way of everything that leads to a task or a worker.
void Pool::refuse_if_repeated_by_workers() const {
  const std::string why = worker::why_no_submit();
  if (why.empty()) return;
  worker::report_refusal(why);
  throw_failure(supervise::plain_failure(FailureKind::kNesting, 0, why));
}

void Pool::refuse_if_over() const {
  if (ended_) throw_failure(*ended_);
  if (phase_ >= Phase::kClosing)
    throw_failure(supervise::plain_failure(FailureKind::kShutdown, 0, kClosed));
}

// Returns when there is room, or when the pool has ended.
void Pool::await_room(std::unique_lock<std::mutex>& lock, const TaskOptions& options) {
  const auto over = [this] {
    return open_.size() < options_.max_pending || ended_ || phase_ >= Phase::kClosing;
  };
  const bool blocks = options.when_full.value_or(options_.when_full) == Backpressure::kBlock;
  const std::optional<os::Instant> until = os::after(os_.now(), options.room_within);
  ++waiting_for_room_;
  if (blocks && !until) room_.wait(lock, over);
  const bool come = blocks && (!until || room_.wait_until(lock, *until, over));
  --waiting_for_room_;
  if (come) return;
  throw_failure(supervise::plain_failure(
      FailureKind::kQueueFull, 0,
      "the executor has no room for the task: " + std::to_string(options_.max_pending) +
          " tasks are open, as many as ExecutorOptions::max_pending allows" +
          (blocks ? ", and none of them ended in time (TaskOptions::room_within)" : "")));
}

NodePtr Pool::refuse(const TaskOptions& options, Failure failure, MakeNode make) {
  refuse_in_fork();
  failure.task_name = options.name;
  {
    const std::lock_guard lock(mutex_);
    failure.task = ++last_task_;
  }
  NodePtr node(make(failure.task, shared_from_this()));
  node->settle(std::move(failure));
  return node;
}

// Under the lock. The supervisor's thread, and with it all workers, start at the first task.
void Pool::start() {
  if (unusable_) std::rethrow_exception(unusable_);
  // Its thread would inherit what this one has. A thread that has other rights may submit later.
  if (const std::string why = os::why_not_by_this_thread(); !why.empty()) {
    throw_failure(supervise::plain_failure(FailureKind::kSpawn, 0, why));
  }
  if (!options_.trace.path.empty() || options_.trace.sink) {
    trace_ = std::make_unique<Trace>(options_.trace, options_.name);
  }
  auto bell = os_.open_bell();
  if (const auto* error = std::get_if<os::SysError>(&bell)) {
    throw_failure(supervise::plain_failure(FailureKind::kSpawn, 0, os::to_string(*error)));
  }
  inbox_.emplace(os_, std::get<os::Bell>(bell));
  try {
    // `this` without a reference: shutdown joins the thread while the executor still holds the
    // pool. The environment is read here, because the program may change it later, in any of its
    // threads.
    supervisor_ = os::start_quiet_thread(
        "poolproof-super",
        [this, workers = workers_, environment = environment_with(options_.env)]() mutable {
          supervise(workers, std::move(environment));
        });
  } catch (const std::system_error& error) {
    undo_start();
    throw_failure(supervise::plain_failure(
        FailureKind::kSpawn, 0,
        std::string("no thread can be started: pthread_create: ") + error.what()));
  } catch (...) {  // no memory
    undo_start();
    throw;
  }
  phase_ = Phase::kRunning;
}

void Pool::undo_start() {
  close_bell();
  inbox_.reset();
  trace_.reset();
}

void Pool::close_bell() {
  os_.close(inbox_->bell().read_end);
  os_.close(inbox_->bell().write_end);
}

void Pool::shutdown(const ShutdownOptions& options) {
  refuse_in_fork();
  std::unique_lock lock(mutex_);
  if (phase_ == Phase::kFresh) phase_ = Phase::kGone;
  if (phase_ == Phase::kRunning) phase_ = Phase::kClosing;
  room_.notify_all();
  if (phase_ == Phase::kClosing) {
    put(supervise::ShutdownAsked{options.pending, options.running,
                                 os::after(os_.now(), options.grace)});
  }
  changed_.wait(lock, [this] { return phase_ >= Phase::kOver; });
  std::thread ending = std::move(supervisor_);
  if (ending.joinable()) {
    lock.unlock();
    ending.join();
    // Nobody tells the trace anything any more.
    if (trace_ && !trace_->is_on_its_thread()) trace_->finish();
    lock.lock();
    if (trace_) trace_error_ = trace_->error();
    // Its sink has called exit: the trace is still used, below us on this thread's stack.
    if (trace_ && trace_->is_on_its_thread()) static_cast<void>(trace_.release());
    trace_.reset();
    phase_ = Phase::kGone;
    changed_.notify_all();
  }
  // Another thread that shuts down waits for the sink, and a sink that calls exit comes here: one
  // of the two must go on.
  changed_.wait(
      lock, [this] { return phase_ == Phase::kGone || (trace_ && trace_->is_on_its_thread()); });
  lock.unlock();
  callbacks_->close();
}

void Pool::resize(int workers) {
  refuse_in_fork();
  const std::lock_guard lock(mutex_);
  refuse_if_over();
  if (workers == workers_) return;
  workers_ = workers;
  if (phase_ == Phase::kRunning) put(supervise::ResizeAsked{workers});
}

void Pool::prestart(int workers) {
  refuse_in_fork();
  if (!worker::why_no_submit().empty()) return;
  const std::lock_guard lock(mutex_);
  refuse_if_over();
  if (phase_ == Phase::kFresh) start();
  put(supervise::PrestartAsked{std::min(workers, workers_)});
}

Health Pool::health() {
  refuse_in_fork();
  std::unique_lock lock(mutex_);
  if (phase_ == Phase::kFresh) return {.workers_wanted = workers_};
  const std::uint64_t ticket = ++last_ticket_;
  put(supervise::HealthAsked{ticket});
  changed_.wait(lock, [&] { return phase_ >= Phase::kOver || health_told_.contains(ticket); });
  const auto told = health_told_.extract(ticket);
  return with_trace_error(told ? told.mapped() : last_health_);
}

// Under the lock.
Health Pool::with_trace_error(Health health) const {
  health.trace_error = trace_ ? trace_->error() : trace_error_;
  return health;
}

void Pool::tell_health(std::uint64_t ticket, Health health) {
  const std::lock_guard lock(mutex_);
  if (ticket == 0) {
    last_health_ = std::move(health);
  } else {
    health_told_.emplace(ticket, std::move(health));
    changed_.notify_all();
  }
}

int Pool::workers() const {
  const std::lock_guard lock(mutex_);
  return workers_;
}

PoolState Pool::state() const {
  if (!in_own_process()) return PoolState::kShut;
  const std::lock_guard lock(mutex_);
  if (ended_) return PoolState::kBroken;
  return phase_ >= Phase::kClosing ? PoolState::kShut : PoolState::kUsable;
}

void Pool::cancel(TaskId task, const CancelOptions& options) {
  if (!in_own_process()) return;  // its end never arrives here: see FutureNode::wait
  const std::lock_guard lock(mutex_);
  if (open_.contains(task)) put(supervise::CancelAsked{task, options.running});
}

// Under the lock, so that the bell is not closed during the call.
void Pool::put(supervise::Input input) {
  if (phase_ < Phase::kOver) inbox_->put(std::move(input));
}

void Pool::put_all(std::vector<supervise::Input>& inputs) {
  if (phase_ < Phase::kOver && inbox_) inbox_->put_all(inputs);
}

void Pool::callback_threw(std::exception_ptr what) {
  if (options_.on_callback_error) {
    try {
      options_.on_callback_error(what);
      return;
    } catch (...) {
      std::fputs("poolproof: on_callback_error threw; what it was told:\n", stderr);
    }
  }
  std::fprintf(stderr, "poolproof: a callback threw %s\n", transport::in_words(what).c_str());
}

void Pool::worker_started(const WorkerRef& worker) {
  if (trace_) trace_->worker_started(worker);
}

void Pool::worker_ended(const WorkerRef& worker) {
  if (trace_) trace_->worker_ended(worker);
}

void Pool::task_begun(TaskId task, const WorkerRef& worker) {
  if (trace_) trace_->begun(task, worker);
}

void Pool::settle(TaskId task, supervise::Outcome outcome) {
  if (trace_) trace_->ended(task, outcome);
  std::unordered_map<TaskId, NodePtr>::node_type open;
  {
    const std::lock_guard lock(mutex_);
    open = open_.extract(task);
    POOLPROOF_CHECK(!open.empty(), "a future ends once");
    if (waiting_for_room_ != 0) room_.notify_one();
  }
  try {
    if (auto* failure = std::get_if<Failure>(&outcome)) failure->task_name = open.mapped()->name();
    std::visit([&](auto& each) { open.mapped()->settle(std::move(each)); }, outcome);
  } catch (...) {  // no memory for the failure: the future then ends with the pool
    const std::lock_guard lock(mutex_);
    if (!open.mapped()->ready()) open_.insert(std::move(open));
    throw;
  }
}

void Pool::pool_ended(const Failure& why) {
  const std::lock_guard lock(mutex_);
  ended_ = why;
  room_.notify_all();
}

}  // namespace poolproof::detail
