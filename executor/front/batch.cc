// Many tasks at once: one lock, and one wake-up of the supervisor.
#include <utility>
#include <variant>

#include "executor/front/pool.h"
#include "executor/supervise/death.h"
#include "executor/transport/thrown.h"

namespace poolproof::detail {
namespace {

using Ready = std::variant<transport::SharedPayload, Failure>;

NodePtr ended(const TaskOptions& options, Failure failure, TaskId task,
              const std::shared_ptr<CallbackOwner>& owner, MakeNode make) {
  failure.task = task;
  failure.task_name = options.name;
  NodePtr node(make(task, owner));
  node->settle(std::move(failure));
  return node;
}

}  // namespace

std::vector<NodePtr> Pool::submit_batch(const TaskOptions& options, std::vector<BatchItem> items,
                                        MakeNode make) {
  check(options);
  refuse_in_fork();
  refuse_if_repeated_by_workers();
  std::vector<Ready> ready;
  ready.reserve(items.size());
  for (BatchItem& item : items) {
    if (item.unencodable) {
      ready.emplace_back(
          transport::describe_thrown({FailureKind::kEncode, Stage::kArgs}, item.unencodable));
    } else if (auto failure = too_long(item.payload)) {
      ready.emplace_back(std::move(*failure));
    } else {
      ready.emplace_back(std::make_shared<const transport::Payload>(std::move(item.payload)));
    }
  }
  const std::optional<os::Instant> deadline = os::after(os_.now(), options.deadline);
  std::vector<NodePtr> nodes;
  std::vector<supervise::Input> inputs;
  nodes.reserve(ready.size());
  inputs.reserve(ready.size());

  std::unique_lock lock(mutex_);
  refuse_if_over();
  refuse_if_batch_is_too_large(options, ready.size());
  std::optional<Failure> over;  // why the rest cannot be taken
  const auto send = [&] {
    try {
      put_all(inputs);
    } catch (...) {  // no memory
      for (const supervise::Input& each : inputs) {
        open_.erase(std::get<supervise::TaskSubmitted>(each).task);
      }
      throw;
    }
  };
  const auto take = [&](transport::SharedPayload payload) {
    if (phase_ == Phase::kFresh) start();
    nodes.push_back(open_task(options, make));
    inputs.push_back(supervise::TaskSubmitted{.task = nodes.back()->task(),
                                              .payload = std::move(payload),
                                              .deadline = deadline,
                                              .run_limit = options.run_limit,
                                              .retries = options.retries});
  };
  const auto refuse_one = [&](const Failure& why) {
    nodes.push_back(ended(options, why, ++last_task_, shared_from_this(), make));
  };
  try {
    for (Ready& each : ready) {
      if (const auto* failure = std::get_if<Failure>(&each)) {
        refuse_one(*failure);
        continue;
      }
      if (!over && options_.max_pending != 0 && open_.size() >= options_.max_pending) {
        send();  // the tasks taken so far must run, or there is never room
        over = wait_for_room(lock, options);
        if (over && nodes.empty()) throw_failure(*over);
      }
      over ? refuse_one(*over) : take(std::move(std::get<transport::SharedPayload>(each)));
    }
  } catch (...) {
    send();  // the tasks taken so far run, whatever the error
    throw;
  }
  send();
  return nodes;
}

// Why there is no room, or why the pool has ended; nullopt: there is room.
std::optional<Failure> Pool::wait_for_room(std::unique_lock<std::mutex>& lock,
                                           const TaskOptions& options) {
  try {
    await_room(lock, options);
    refuse_if_over();
    return std::nullopt;
  } catch (const ExecutorError& error) {
    return error.failure();
  }
}

// Under the lock. With Backpressure::kReject, either all of a batch is taken or nothing.
void Pool::refuse_if_batch_is_too_large(const TaskOptions& options, std::size_t tasks) const {
  const bool rejects = options.when_full.value_or(options_.when_full) == Backpressure::kReject;
  if (!rejects || options_.max_pending == 0) return;
  if (open_.size() + tasks <= options_.max_pending) return;
  throw_failure(supervise::plain_failure(
      FailureKind::kQueueFull, 0,
      "the executor has no room for a batch of " + std::to_string(tasks) + " tasks: " +
          std::to_string(open_.size()) + " tasks are open, and ExecutorOptions::max_pending is " +
          std::to_string(options_.max_pending) + ". None of the batch was taken"));
}

}  // namespace poolproof::detail
