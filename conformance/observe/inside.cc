#include "conformance/observe/inside.h"

#include <algorithm>
#include <map>
#include <set>

namespace poolproof::hang {
namespace {

class Numbers {
 public:
  explicit Numbers(const Look& look) {
    for (const ProcessLook& process : look.processes) {
      add(process.pid, process.inner);
      for (const ThreadLook& thread : process.threads) add(thread.tid, thread.inner);
    }
  }

  bool differ() const { return differ_; }

  // nullopt if the number belongs to no process of the tree, but could be confused with one.
  std::optional<pid_t> inner(pid_t outer) const {
    const auto found = inner_.find(outer);
    if (found != inner_.end()) return found->second;
    if (taken_.contains(outer)) return std::nullopt;
    return outer;
  }

 private:
  // A kernel that does not report inner pids gives 0.
  void add(pid_t outer, pid_t inner) {
    if (inner <= 0) inner = outer;
    inner_[outer] = inner;
    taken_.insert(inner);
    differ_ = differ_ || inner != outer;
  }

  std::map<pid_t, pid_t> inner_;
  std::set<pid_t> taken_;
  bool differ_ = false;
};

void renumber(const Numbers& numbers, Wait& wait) {
  for (Wish& wish : wait.wishes) {
    if (wish.target <= 0) continue;
    const auto target = numbers.inner(wish.target);
    wish.target = target.value_or(0);
    if (!target) wish.not_understood = "it watches a process that is not of the tree";
  }
  if (wait.kind != Wait::Kind::children || !wait.by_handle) return;  // otherwise it is an inner one
  const auto child = numbers.inner(wait.child);
  if (!child) wait.kind = Wait::Kind::unknown;
  if (!child) wait.not_understood = "it waits for a process that is not of the tree";
  wait.child = child.value_or(0);
}

}  // namespace

Look numbered_inside(Look look) {
  const Numbers numbers(look);
  if (!numbers.differ()) return look;
  std::set<pid_t> tree;
  for (const ProcessLook& process : look.processes) tree.insert(process.pid);
  for (ProcessLook& process : look.processes) {
    process.parent = tree.contains(process.parent) ? *numbers.inner(process.parent) : 1;
    process.pid = *numbers.inner(process.pid);
    process.tracer = numbers.inner(process.tracer).value_or(1);
    for (ThreadLook& thread : process.threads) {
      thread.tid = *numbers.inner(thread.tid);
      renumber(numbers, thread.wait);
    }
    for (Descriptor& held : process.descriptors)
      held.target = held.target > 0 ? numbers.inner(held.target).value_or(0) : held.target;
  }
  // If the holder of a lock is left out, it is still one of the processes that have its file open.
  for (FileLock& lock : look.locks) lock.pid = numbers.inner(lock.pid).value_or(-1);
  return look;
}

}  // namespace poolproof::hang
