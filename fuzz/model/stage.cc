#include "fuzz/model/stage.h"

#include <fcntl.h>
#include <poll.h>
#include <rapidcheck.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace poolproof::fuzz::model {
namespace {

using namespace std::chrono_literals;
constexpr auto kRunLimit = 100ms;
constexpr int kLook = 100;  // ms; how often a task that does not begin is checked for its end

struct Arrival {
  int task = 0;
  int pid = 0;
};

std::string gate_of(const std::string& folder, int task) {
  return folder + "/gate-" + std::to_string(task);
}

// Runs in the worker.
int act(const std::string& folder, int task, Body body, int number) {
  const Arrival arrival{task, getpid()};
  const int fd = open((folder + "/arrivals").c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, &arrival, sizeof(arrival)) != sizeof(arrival)) std::abort();
  close(fd);
  switch (body) {
    case Body::kReturns:
      break;
    case Body::kThrows:
      throw std::out_of_range(std::to_string(number));
    case Body::kRaises:
      raise(number);
      break;
    case Body::kExits:
      _exit(number);
    case Body::kFreezes:
      raise(SIGSTOP);
      break;
    case Body::kHeld:  // opens once a process holds the gate open
      close(open(gate_of(folder, task).c_str(), O_RDONLY | O_CLOEXEC));
      break;
  }
  return number;
}

ExecutorOptions options_for(const Pool& model) {
  ExecutorOptions options;
  options.workers = model.workers;
  options.on_death = model.a_death_breaks_it ? OnDeath::kBreakPool : OnDeath::kReplace;
  options.tasks_per_worker = model.tasks_per_worker;
  if (model.idle_workers_end) options.idle_timeout = 1ms;
  options.on_destroy = {.running = Running::kKill};
  options.on_callback_error = [](std::exception_ptr) {};  // the error comes with the future
  return options;
}

std::string new_folder() {
  char name[] = "/tmp/poolproof-model-XXXXXX";
  if (mkdtemp(name) == nullptr) throw std::runtime_error("mkdtemp");
  return name;
}

// The state letter of /proc/PID/stat; 0: there is no such process.
char state_of(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  const std::size_t name_end = text.rfind(')');
  return name_end == std::string::npos ? '\0' : text.at(name_end + 2);
}

bool ends_in_time(int pid) {
  const int handle = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (handle < 0) return true;
  pollfd watch{handle, POLLIN, 0};
  const bool ended = poll(&watch, 1, static_cast<int>(patience().count())) == 1;
  close(handle);
  return ended;
}

// Runs until the condition holds; false: a minute has passed.
template <class Condition>
bool comes(Condition condition) {
  const auto until = std::chrono::steady_clock::now() + patience();
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    sched_yield();
  }
  return true;
}

std::chrono::milliseconds time_to_wait = 60s;

}  // namespace

std::chrono::milliseconds patience() { return time_to_wait; }

void give_up(const std::string& what) {
  time_to_wait = 3s;
  RC_FAIL(what);
}

Stage::Stage(const Pool& model) : folder_(new_folder()), executor_(options_for(model)) {
  const std::string path = folder_ + "/arrivals";
  RC_ASSERT(mkfifo(path.c_str(), 0600) == 0);
  // Opened for both ways, so that it never ends although no task holds it.
  arrivals_ = open(path.c_str(), O_RDWR | O_CLOEXEC);
  RC_ASSERT(arrivals_ >= 0);
}

Stage::~Stage() {
  executor_.shutdown({.running = Running::kKill});
  for (const int gate : gates_) close(gate);
  close(arrivals_);
  std::filesystem::remove_all(folder_);
}

void Stage::submit(const Task& task) {
  const int number = static_cast<int>(futures_.size());
  if (task.body == Body::kHeld) {
    // It may already be there, from a task that was refused.
    RC_ASSERT(mkfifo(gate_of(folder_, number).c_str(), 0600) == 0 || errno == EEXIST);
  }
  TaskOptions options{.retries = task.retries};
  if (task.body == Body::kFreezes) options.run_limit = kRunLimit;
  Future<int> future = executor_.submit(options, act, folder_, number, task.body, task.number);
  if (task.by_callback) future = future.then([](Future<int> ended) { return ended.get(); });
  futures_.push_back(std::move(future));
  compared_.push_back(false);
  runs_.emplace_back();
}

std::optional<End> Stage::refusal_of(const Task& task) {
  try {
    submit(task);
  } catch (const ShutdownExecutorError&) {
    return End::kShutdown;
  } catch (const BrokenProcessPool&) {
    return End::kPoolBroken;
  }
  return std::nullopt;
}

void Stage::let_go(std::size_t task) {
  strike(task, SIGCONT);
  gates_.push_back(open(gate_of(folder_, static_cast<int>(task)).c_str(), O_RDWR | O_CLOEXEC));
}

void Stage::freeze(std::size_t task) {
  strike(task, SIGSTOP);
  if (!comes([&] { return state_of(worker_of(task)) == 'T'; })) give_up("it does not stop");
}

void Stage::strike(std::size_t task, int signal) const { kill(worker_of(task), signal); }

void Stage::strike_at_rest(std::size_t task) {
  strike(task, SIGKILL);
  if (!ends_in_time(worker_of(task))) give_up("a worker outlives SIGKILL");
  // The first answer may come from a turn that began before the end could be seen; the second one
  // cannot.
  heard();
  heard();
}

void Stage::heard() { static_cast<void>(executor_.health()); }

bool Stage::hear(int timeout_ms) {
  pollfd watch{arrivals_, POLLIN, 0};
  Arrival arrival;
  if (poll(&watch, 1, timeout_ms) != 1) return false;
  RC_ASSERT(read(arrivals_, &arrival, sizeof(arrival)) == sizeof(arrival));
  runs_.at(static_cast<std::size_t>(arrival.task)).push_back(arrival.pid);
  return true;
}

void Stage::await_runs(std::size_t task, int count) {
  const std::string name = "task " + std::to_string(task);
  const auto all_heard = [&] { return runs_.at(task).size() >= static_cast<std::size_t>(count); };
  const bool decided = comes([&] {
    if (all_heard()) return true;
    if (hear(kLook)) return all_heard();
    return futures_[task].wait_for(0s) && !hear(0);
  });
  if (!decided) give_up(name + " does not begin");
  if (!all_heard()) RC_FAIL(name + " has ended, and has not run so often as it should");
}

void Stage::follow(const Pool& model) {
  for (std::size_t i = 0; i < model.tasks.size(); ++i) {
    const Task& task = model.tasks[i];
    if (task.state == State::kRunning) {
      await_runs(i, task.runs);
      if (futures_[i].wait_for(0s)) RC_FAIL("task " + std::to_string(i) + " ended while it runs");
    } else if (task.state == State::kEnded) {
      follow_end(model, i);
    } else if (futures_[i].wait_for(0s)) {
      RC_FAIL("task " + std::to_string(i) + " ended while it waits");
    }
  }
}

void Stage::follow_end(const Pool& model, std::size_t i) {
  const Task& task = model.tasks[i];
  if (compared_[i]) return;
  compared_[i] = true;
  const std::string name = "task " + std::to_string(i);
  const bool frozen = task.end == End::kDeadline && seen_frozen(i);
  if (!futures_[i].wait_for(patience())) {
    give_up(name + " never ends; it should with: " + to_string(task.end));
  }
  const Ended ended = end_of(futures_[i]);
  if (ended.end != task.end) {
    RC_FAIL(name + " ended with: " + to_string(ended.end) + " (" + ended.failure.text +
            "); it should with: " + to_string(task.end));
  }
  await_runs(i, task.runs);
  if (task.end == End::kValue) {
    if (ended.value != task.number) RC_FAIL(name + " has another's value");
    return;
  }
  if (ended.failure.started != (task.runs > 0)) RC_FAIL(name + ": has it run?");
  if (task.end == End::kWorkerLost || task.end == End::kDeadline) {
    check_worker(i, task, ended.failure, frozen);
  }
}

// On a busy machine it may reach its limit before it freezes; then false.
bool Stage::seen_frozen(std::size_t task) {
  await_runs(task, 1);
  char state = '\0';
  static_cast<void>(comes([&] {
    state = state_of(worker_of(task));
    return state == 'T' || futures_[task].wait_for(0s);
  }));
  return state == 'T';
}

// What an error says about the worker that was lost with the task.
void Stage::check_worker(std::size_t i, const Task& task, const Failure& failure,
                         bool frozen) const {
  const std::string name = "task " + std::to_string(i);
  if (failure.worker.pid != worker_of(i)) RC_FAIL(name + " names another's worker");
  const int code = task.body == Body::kRaises || task.body == Body::kExits ? task.number : SIGKILL;
  const ExitStatus status =
      task.body == Body::kExits ? ExitStatus(Exited{code}) : ExitStatus(Signaled{code, false});
  if (failure.exit != status) {
    RC_FAIL(name + " says that its worker ended by " + poolproof::to_string(failure.exit));
  }
  const Cause cause = task.end == End::kWorkerLost ? Cause::kSelf
                      : frozen                     ? Cause::kFrozen
                                                   : failure.cause;
  if (failure.cause != cause) RC_FAIL(name + " does not say why its worker ended");
}

void Stage::check_runs(const Pool& model) {
  while (hear(0)) continue;
  for (std::size_t i = 0; i < model.tasks.size(); ++i) {
    if (runs_[i].size() != static_cast<std::size_t>(model.tasks[i].runs)) {
      RC_FAIL("task " + std::to_string(i) + " ran " + std::to_string(runs_[i].size()) +
              " times; it should " + std::to_string(model.tasks[i].runs));
    }
  }
}

Ended end_of(Future<int>& future) {
  try {
    return {End::kValue, future.get_for(patience())};
  } catch (const TaskError& error) {
    return {End::kTaskError, 0, error.failure()};
  } catch (const TerminatedWorkerError& error) {
    return {End::kWorkerLost, 0, error.failure()};
  } catch (const CancelledError& error) {
    return {End::kCancelled, 0, error.failure()};
  } catch (const DeadlineError& error) {
    return {End::kDeadline, 0, error.failure()};
  } catch (const ShutdownExecutorError& error) {
    return {End::kShutdown, 0, error.failure()};
  } catch (const BrokenProcessPool& error) {
    if (error.failure().kind == FailureKind::kPoolBroken) {
      return {End::kPoolBroken, 0, error.failure()};
    }
    throw;
  }
}

std::string to_string(End end) {
  switch (end) {
    case End::kValue:
      return "a value";
    case End::kTaskError:
      return "what it threw";
    case End::kWorkerLost:
      return "the loss of its worker";
    case End::kPoolBroken:
      return "the loss of another's worker";
    case End::kCancelled:
      return "a cancellation";
    case End::kDeadline:
      return "its deadline";
    case End::kShutdown:
      return "the shutdown";
  }
  return "?";
}

}  // namespace poolproof::fuzz::model
