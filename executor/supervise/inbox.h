// How the program's threads reach the supervisor: a list under a lock, and a bell.
#pragma once

#include <cstdint>
#include <iterator>
#include <mutex>
#include <utility>
#include <vector>

#include "executor/os/os.h"
#include "executor/supervise/supervisor.h"

namespace poolproof::supervise {

class Inbox {
 public:
  // The caller still owns `bell`.
  Inbox(os::Os& os, const os::Bell& bell)
      : os_(os),
        bell_(bell),
        read_end_(os.identity(bell.read_end)),
        write_end_(os.identity(bell.write_end)) {}
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  // Any thread. The bell rings only for the first input after a take, so a burst causes one
  // wake-up.
  void put(Input input) {
    bool first = false;
    {
      const std::lock_guard lock(mutex_);
      first = inputs_.empty();
      inputs_.push_back(std::move(input));
    }
    if (first) ring();
  }

  // The same for several: one lock, and at most one ring. Takes all, or throws and takes none.
  void put_all(std::vector<Input>& inputs) {
    bool first = false;
    {
      const std::lock_guard lock(mutex_);
      first = inputs_.empty() && !inputs.empty();
      inputs_.insert(inputs_.end(), std::make_move_iterator(inputs.begin()),
                     std::make_move_iterator(inputs.end()));
    }
    inputs.clear();
    if (first) ring();
  }

  // Any thread. If the program has closed the bell, the closing itself wakes the supervisor, and
  // the number is not used any more.
  void ring() {
    if (os_.identity(bell_.write_end) == write_end_) os_.ring(bell_);
  }

  // On the supervisor's thread, after it has drained the bell: a later put rings it again.
  std::vector<Input> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(inputs_, {});
  }

  const os::Bell& bell() const { return bell_; }
  bool bell_is_ours() {
    return os_.identity(bell_.read_end) == read_end_ && os_.identity(bell_.write_end) == write_end_;
  }

 private:
  os::Os& os_;
  const os::Bell bell_;
  const std::uint64_t read_end_, write_end_;
  std::mutex mutex_;
  std::vector<Input> inputs_;
};

}  // namespace poolproof::supervise
