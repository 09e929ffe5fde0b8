#include "poolproof/error.h"

#include <signal.h>

#include <cstring>
#include <future>
#include <ios>
#include <string>
#include <system_error>

#include "executor/transport/thrown.h"

namespace poolproof {
namespace {

std::string stage_name(Stage stage) { return stage == Stage::kArgs ? "an argument" : "the result"; }

std::string name_of_task(const Failure& failure) {
  if (failure.task == 0) return "the executor";
  const std::string number = "task " + std::to_string(failure.task);
  return failure.task_name.empty() ? number : number + " \"" + failure.task_name + "\"";
}

// Describes the moment at which the worker ended, so it stays true whenever the error is read.
std::string what_became_of_pool(PoolAfter after) {
  switch (after) {
    case PoolAfter::kShuttingDown:
      return "; the pool was shutting down";
    case PoolAfter::kEnded:
      return "; that was the end of the pool: make another executor";
    case PoolAfter::kUnaffected:
      break;
  }
  return "; no other task is affected";
}

// What happened, to what, and what to do next.
std::string describe(const Failure& failure) {
  const std::string task = name_of_task(failure);
  switch (failure.kind) {
    case FailureKind::kTask:
      return task + " threw " + transport::in_words(failure);
    case FailureKind::kEncode:
      return stage_name(failure.stage) + " of " + task +
             " could not be encoded: " + transport::in_words(failure);
    case FailureKind::kDecode:
      return stage_name(failure.stage) + " of " + task +
             " could not be decoded: " + transport::in_words(failure);
    case FailureKind::kWorkerLost:
      return task +
             (failure.started ? " was running when its " : " had not started when its third ") +
             failure.text + what_became_of_pool(failure.pool_after);
    case FailureKind::kPoolBroken:
    case FailureKind::kSpawn:
    case FailureKind::kInitializer:
    case FailureKind::kSupervisorLost:
      return task + (failure.started ? " may have run, and was ended: " : " cannot run: ") +
             failure.text;
    case FailureKind::kProtocol:
      return task + " failed because its " + failure.text +
             "; it may have run (does it write to descriptor 3?)" +
             what_became_of_pool(failure.pool_after);
    case FailureKind::kDeadline:
      return task + (failure.started ? " had started, and was ended: " : " has not started: ") +
             failure.text;
    case FailureKind::kCancelled:
    case FailureKind::kShutdown:
      return task + " has ended: " + failure.text;
    case FailureKind::kQueueFull:
    case FailureKind::kNesting:
      return failure.text;
    case FailureKind::kTimeout:
      return failure.task == 0 ? failure.text
                               : "the wait for " + task + " ran out; the task has not ended";
  }
  return task;
}

std::string last_words(const Failure& failure) {
  if (failure.stderr_tail.empty()) return "";
  return "\nIts last lines on stderr:\n" + failure.stderr_tail;
}

}  // namespace

std::string signal_name(int signal) {
  const char* short_name = sigabbrev_np(signal);
  return short_name != nullptr ? std::string("SIG") + short_name
                               : "signal " + std::to_string(signal);
}

std::string to_string(const ExitStatus& status) {
  if (const auto* exited = std::get_if<Exited>(&status)) {
    return "exit code " + std::to_string(exited->code);
  }
  if (const auto* signaled = std::get_if<Signaled>(&status)) {
    const bool forbidden = signaled->signal == SIGSYS;
    return signal_name(signaled->signal) + (signaled->core ? " (core dumped)" : "") +
           (forbidden ? " (a seccomp filter forbids a system call that it made)" : "");
  }
  return "an unknown cause: it was reaped elsewhere (SIGCHLD ignored, or a wait for any child)";
}

ExecutorError::ExecutorError(const Failure& failure)
    : std::runtime_error(describe(failure) + last_words(failure)), failure_(failure) {}

bool BrokenProcessPool::pool_ended() const {
  return failure().kind != FailureKind::kWorkerLost || failure().pool_after == PoolAfter::kEnded;
}

std::optional<std::error_code> TaskError::code() const {
  const std::optional<ThrownCode>* code = &failure().code;
  for (const Thrown& each : failure().nested) {
    if (!*code) code = &each.code;
  }
  if (!*code) return std::nullopt;
  for (const std::error_category* each : {&std::generic_category(), &std::system_category(),
                                          &std::future_category(), &std::iostream_category()}) {
    if ((*code)->category == each->name()) return std::error_code((*code)->value, *each);
  }
  return std::nullopt;
}

std::optional<int> TerminatedWorkerError::exit_code() const {
  const auto* exited = std::get_if<Exited>(&failure().exit);
  return exited != nullptr ? std::optional(exited->code) : std::nullopt;
}

std::optional<int> TerminatedWorkerError::signal() const {
  const auto* signaled = std::get_if<Signaled>(&failure().exit);
  return signaled != nullptr ? std::optional(signaled->signal) : std::nullopt;
}

bool TerminatedWorkerError::core() const {
  const auto* signaled = std::get_if<Signaled>(&failure().exit);
  return signaled != nullptr && signaled->core;
}

void throw_failure(const Failure& failure) {
  switch (failure.kind) {
    case FailureKind::kTask:
      throw TaskError(failure);
    case FailureKind::kEncode:
      throw EncodeError(failure);
    case FailureKind::kDecode:
      throw DecodeError(failure);
    case FailureKind::kWorkerLost:
      throw TerminatedWorkerError(failure);
    case FailureKind::kPoolBroken:
      throw BrokenProcessPool(failure);
    case FailureKind::kProtocol:
      throw ProtocolError(failure);
    case FailureKind::kDeadline:
      throw DeadlineError(failure);
    case FailureKind::kCancelled:
      throw CancelledError(failure);
    case FailureKind::kShutdown:
      throw ShutdownExecutorError(failure);
    case FailureKind::kSpawn:
      throw SpawnError(failure);
    case FailureKind::kInitializer:
      throw InitializerError(failure);
    case FailureKind::kSupervisorLost:
      throw SupervisorLost(failure);
    case FailureKind::kQueueFull:
      throw QueueFullError(failure);
    case FailureKind::kNesting:
      throw NestingError(failure);
    case FailureKind::kTimeout:
      throw TimeoutError(failure);
  }
  throw ExecutorError(failure);
}

}  // namespace poolproof
