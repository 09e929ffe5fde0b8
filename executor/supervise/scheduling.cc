#include "executor/supervise/scheduling.h"

#include <algorithm>

namespace poolproof::supervise {

void Tasks::add(Task task) {
  if (task.deadline) deadlines_.emplace(*task.deadline, task.id);
  queue_.push_back(task.id);
  ++waiting_;
  const TaskId id = task.id;
  all_.emplace(id, std::move(task));
}

Task* Tasks::find(TaskId id) {
  const auto found = all_.find(id);
  return found == all_.end() ? nullptr : &found->second;
}

Task* Tasks::hand_out(WorkerId holder) {
  while (!queue_.empty()) {
    Task* task = find(queue_.front());
    queue_.pop_front();
    if (task == nullptr) continue;  // it ended while it waited
    task->holder = holder;
    --waiting_;
    return task;
  }
  return nullptr;
}

void Tasks::put_back(Task& task) {
  task.holder = 0;
  task.started = false;
  // If a deadline came during this time, the holder was told. Now the deadline belongs to the task
  // again.
  if (task.deadline) deadlines_.emplace(*task.deadline, task.id);
  queue_.push_front(task.id);
  ++waiting_;
}

void Tasks::remove(TaskId id) {
  const auto found = all_.find(id);
  if (found == all_.end()) return;
  if (found->second.holder == 0) --waiting_;
  if (found->second.deadline) deadlines_.erase({*found->second.deadline, id});
  all_.erase(found);
  if (all_.empty()) queue_.clear();
}

std::vector<TaskId> Tasks::all_waiting() const {
  std::vector<TaskId> ids;
  for (const TaskId id : queue_) {
    if (all_.contains(id)) ids.push_back(id);
  }
  return ids;
}

std::vector<TaskId> Tasks::all() const {
  std::vector<TaskId> ids;
  ids.reserve(all_.size());
  for (const auto& [id, task] : all_) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::vector<TaskId> Tasks::take_expired(Instant now) {
  std::vector<TaskId> ids;
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    ids.push_back(deadlines_.begin()->second);
    deadlines_.erase(deadlines_.begin());
  }
  return ids;
}

std::optional<Instant> Tasks::next_deadline() const {
  if (deadlines_.empty()) return std::nullopt;
  return deadlines_.begin()->first;
}

}  // namespace poolproof::supervise
