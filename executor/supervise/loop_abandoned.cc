// The part of Loop that looks after workers that could not be killed. The pool has given them up,
// but they are processes of the program until they end.
#include <utility>

#include "executor/check.h"
#include "executor/supervise/loop.h"

namespace poolproof::supervise {

// All that it has said is told, and then that no more comes. Its handle is kept, and watched, until
// its record comes.
void Loop::carry_out(AbandonWorker& order, std::vector<Input>& inputs) {
  const auto found = hands_.find(order.worker);
  POOLPROOF_CHECK(found != hands_.end(), "a worker is abandoned once");
  Hand& hand = found->second;
  if (!are_ours(hand) || !lifeline_is_ours(hand)) return tell_loss(inputs);
  outlet_.worker_ended({hand.index, hand.child.pid});
  tell_end(order.worker, hand, Unseen{}, inputs);
  hand.channel.reset();
  hand.tail.reset();
  for (int* fd : {&hand.child.errors, &hand.child.lifeline}) {
    if (*fd >= 0) os_.close(std::exchange(*fd, -1));
  }
  // As a node: a late reaper knows the hand by its address.
  abandoned_.insert(hands_.extract(found));
}

bool Loop::has_late_exit(const Hand& hand) {
  const std::lock_guard lock(late_mutex_);
  return hand.late_exit.has_value();
}

// `handles`: what was told of each.
void Loop::reap_abandoned(std::span<const os::Watch> handles) {
  auto watch = handles.begin();
  for (auto at = abandoned_.begin(); at != abandoned_.end();) {
    Hand& hand = at->second;
    const bool told = watch != handles.end() && (watch++)->readable;
    if (hand.late_reaper.joinable()) {
      hand.reaped = has_late_exit(hand);
      if (hand.reaped) hand.late_reaper.join();
    } else if (told || (hand.look_again && *hand.look_again <= os_.now())) {
      if (os_.identity(hand.child.handle) != hand.handle_identity) {
        descriptors_lost_ = true;
        return;
      }
      hand.reaped = os_.try_reap(hand.child).has_value();
      if (!hand.reaped) await_record(hand);
    }
    if (!hand.reaped) {
      ++at;
      continue;
    }
    leave(hand);
    at = abandoned_.erase(at);
    clear_pause_ = kFirstClearing;
    clear_again();
  }
}

// Whether it ends, by its lifeline, which was cut when its kill had failed.
bool Loop::ends_by(os::Instant until, const Hand& hand) noexcept {
  if (descriptors_lost_ || os_.identity(hand.child.handle) != hand.handle_identity) return false;
  try {
    os::Watch ended{.fd = hand.child.handle};
    while (!ended.readable && os_.now() < until) {
      if (os_.wait({&ended, 1}, until)) break;  // it cannot sleep: then it is asked once
    }
  } catch (...) {  // no memory: the same
  }
  return os_.try_reap(hand.child).has_value();
}

// What is left of one that was abandoned. It may live on.
void Loop::leave(Hand& hand) noexcept {
  if (hand.late_reaper.joinable()) hand.late_reaper.join();
  if (descriptors_lost_ || os_.identity(hand.child.handle) != hand.handle_identity) return;
  if (!hand.reaped && !hand.late_exit) os_.try_reap(hand.child);
  os_.close(hand.child.handle);
  try {
    left_over_.push_back(std::move(hand.child));
  } catch (...) {  // no memory: its cgroup stands in the user's
  }
}

}  // namespace poolproof::supervise
