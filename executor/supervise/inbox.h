// How the program's threads reach the supervisor: a list under a lock, and a bell.
#pragma once

#include <algorithm>
#include <cstddef>
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

  // The three below: on the supervisor's thread.
  //
  // The oldest inputs, at most `limit`. When holds_rest() is false, the bell must be drained first:
  // a later put rings it again.
  std::vector<Input> take(std::size_t limit) {
    if (!holds_rest()) refill();
    if (taken_ == 0 && rest_.size() <= limit) return std::exchange(rest_, {});
    const auto begin = rest_.begin() + static_cast<std::ptrdiff_t>(taken_);
    const auto end = begin + static_cast<std::ptrdiff_t>(std::min(limit, rest_.size() - taken_));
    std::vector<Input> some(std::make_move_iterator(begin), std::make_move_iterator(end));
    taken_ += some.size();
    if (!holds_rest()) forget_taken();  // a flood has ended: its memory is not kept
    return some;
  }
  // Whether the last take left inputs that it could have taken.
  bool holds_rest() const { return taken_ < rest_.size(); }
  // Calls `each` for every input that nobody has taken.
  template <class Each>
  void for_untaken(Each each) {
    for (std::size_t i = taken_; i < rest_.size(); ++i) each(rest_[i]);
    refill();
    for (const Input& input : rest_) each(input);
  }

  const os::Bell& bell() const { return bell_; }
  bool bell_is_ours() {
    return os_.identity(bell_.read_end) == read_end_ && os_.identity(bell_.write_end) == write_end_;
  }

 private:
  void forget_taken() {
    rest_ = {};
    taken_ = 0;
  }
  void refill() {
    forget_taken();
    const std::lock_guard lock(mutex_);
    rest_.swap(inputs_);
  }

  os::Os& os_;
  const os::Bell bell_;
  const std::uint64_t read_end_, write_end_;
  std::mutex mutex_;
  std::vector<Input> inputs_;
  std::vector<Input> rest_;  // what refill() took from inputs_; the first taken_ of them are empty
  std::size_t taken_ = 0;
};

}  // namespace poolproof::supervise
