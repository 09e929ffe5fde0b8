#include "conformance/adapters/reference/outcome.h"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <typeinfo>

#include "conformance/adapters/cpp/serve.h"

namespace poolproof::adapter {
namespace {

using nlohmann::json;

struct Row {
  FailureKind failure;
  std::optional<Stage> stage;
  const char* kind;
  const char* scope;
  const char* type;  // nullptr: the type of the exception that the task threw
};

constexpr Row kTable[] = {
    {FailureKind::kTask, {}, "task-error", "task", nullptr},
    {FailureKind::kEncode, Stage::kArgs, "encode-args", "task", "EncodeError"},
    {FailureKind::kEncode, Stage::kResult, "encode-result", "task", "EncodeError"},
    {FailureKind::kDecode, Stage::kArgs, "decode-args", "task", "DecodeError"},
    {FailureKind::kDecode, Stage::kResult, "decode-result", "task", "DecodeError"},
    {FailureKind::kWorkerLost, {}, "worker-lost", "worker", "TerminatedWorkerError"},
    {FailureKind::kPoolBroken, {}, "pool-broken", "pool", "BrokenProcessPool"},
    {FailureKind::kProtocol, {}, "protocol", "worker", "ProtocolError"},
    {FailureKind::kDeadline, {}, "deadline", "task", "DeadlineError"},
    {FailureKind::kCancelled, {}, "cancelled", "task", "CancelledError"},
    {FailureKind::kShutdown, {}, "shutdown", "pool", "ShutdownExecutorError"},
    {FailureKind::kSpawn, {}, "spawn-failed", "pool", "SpawnError"},
    {FailureKind::kInitializer, {}, "init-failed", "pool", "InitializerError"},
    {FailureKind::kQueueFull, {}, "rejected", "pool", "QueueFullError"},
    {FailureKind::kNesting, {}, "nesting-limit", "pool", "NestingError"},
    {FailureKind::kSupervisorLost, {}, "pool-broken", "pool", "SupervisorLost"},
};

const Row* row_of(const Failure& failure) {
  for (const Row& row : kTable) {
    if (row.failure == failure.kind && (!row.stage || row.stage == failure.stage)) return &row;
  }
  return nullptr;
}

std::string cause_of(const ExitStatus& status) {
  if (const auto* exited = std::get_if<Exited>(&status)) {
    return "exit:" + std::to_string(exited->code);
  }
  if (const auto* signaled = std::get_if<Signaled>(&status)) {
    const std::string name = signal_name(signaled->signal);
    return "signal:" + (name.rfind("SIG", 0) == 0 ? name.substr(3) : name);
  }
  return "unknown";
}

// Empty if the protocol has no word for it.
std::string cause_of(const Failure& failure) {
  switch (failure.cause) {
    case Cause::kSelf:
      return cause_of(failure.exit);
    case Cause::kChannelLost:
      return "channel-lost";
    case Cause::kGarbage:
      return "garbage";
    case Cause::kDeadline:
    case Cause::kRunLimit:
    case Cause::kLate:
      return "deadline";
    case Cause::kFrozen:
      return "frozen";
    case Cause::kCancelled:
    case Cause::kInitializer:
    case Cause::kIdle:
    case Cause::kSpent:
    case Cause::kGrown:
    case Cause::kResized:
    case Cause::kRightsChanged:
    case Cause::kShutdown:
    case Cause::kPoolBroken:
      return "";
    case Cause::kOutOfMemory:
      return "oom-kill";
    case Cause::kUnknown:
      return "unknown";
  }
  return "";
}

const char* word_of(Intent intent) {
  switch (intent) {
    case Intent::kUnplanned:
      return "unplanned";
    case Intent::kPolicy:
      return "policy";
    case Intent::kAsked:
      return "asked";
  }
  return "";
}

// The executor says that a task has certainly not run, or that it may have run. It is certain that
// it ran only if it returned or threw something.
const char* certainty_of(const Failure& failure) {
  if (!failure.started) return "not-started";
  const bool came_back =
      failure.kind == FailureKind::kEncode || failure.kind == FailureKind::kDecode;
  const bool ran =
      failure.kind == FailureKind::kTask || (came_back && failure.stage == Stage::kResult);
  return ran ? "ran" : "unknown";
}

json outcome_of(const Failure& failure, const std::string& what, const std::string& id,
                TaskId task) {
  const Row* row = row_of(failure);
  if (row == nullptr) return {{"kind", "unmapped"}, {"native", native("ExecutorError", what)}};
  json outcome = {{"kind", row->kind},
                  {"scope", row->scope},
                  {"certainty", certainty_of(failure)},
                  {"native", row->type != nullptr ? native(row->type, what)
                                                  : native(failure.type_name, failure.text)}};
  if (failure.worker == WorkerRef{}) {  // no process was lost with it
    if (failure.kind == FailureKind::kDeadline) outcome["cause"] = "deadline";
    return outcome;
  }
  outcome["blame"] = {{"pid", failure.worker.pid}, {"worker", failure.worker.index}};
  if (failure.task != 0 && failure.kind != FailureKind::kPoolBroken) {  // else it is another task
    outcome["blame"]["task"] = failure.task == task ? id : "#" + std::to_string(failure.task);
  }
  if (row->type == nullptr || failure.kind == FailureKind::kEncode ||
      failure.kind == FailureKind::kDecode) {
    return outcome;  // the worker is named, and is still alive
  }
  outcome["intent"] = word_of(failure.intent);
  if (const std::string cause = cause_of(failure); !cause.empty()) outcome["cause"] = cause;
  return outcome;
}

std::string type_of(const std::exception& error) {
  const char* mangled = typeid(error).name();
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(mangled, nullptr, nullptr, &status), &std::free);
  return status == 0 ? name.get() : mangled;
}

}  // namespace

json outcome_of(std::exception_ptr error, const std::string& id, TaskId task) {
  try {
    std::rethrow_exception(error);
  } catch (const ExecutorError& known) {
    return outcome_of(known.failure(), known.what(), id, task);
  } catch (const std::exception& strange) {
    return {{"kind", "unmapped"}, {"native", native(type_of(strange), strange.what())}};
  }
}

}  // namespace poolproof::adapter
