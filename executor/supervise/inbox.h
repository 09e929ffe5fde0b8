// How the program's threads reach the supervisor: a list under a lock, and a bell.
#pragma once

#include <mutex>
#include <utility>
#include <vector>

#include "executor/os/os.h"
#include "executor/supervise/supervisor.h"

namespace poolproof::supervise {

class Inbox {
 public:
  // `bell` stays owned by the caller.
  Inbox(os::Os& os, int bell) : os_(os), bell_(bell) {}
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  // Any thread. The bell rings only for the first after a take: one wake-up for a burst.
  void put(Input input) {
    bool first = false;
    {
      const std::lock_guard lock(mutex_);
      first = inputs_.empty();
      inputs_.push_back(std::move(input));
    }
    if (first) os_.ring(bell_);
  }

  // The supervisor's thread, after it has hushed the bell: what is put later rings it again.
  std::vector<Input> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(inputs_, {});
  }

  int bell() const { return bell_; }

 private:
  os::Os& os_;
  const int bell_;
  std::mutex mutex_;
  std::vector<Input> inputs_;
};

}  // namespace poolproof::supervise
