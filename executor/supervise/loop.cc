#include "executor/supervise/loop.h"

#include <signal.h>

#include <algorithm>
#include <exception>
#include <iterator>
#include <string>

#include "executor/check.h"

namespace poolproof::supervise {
namespace {

// What one worker may say in one turn, so that a flood from one does not silence the others.
constexpr std::size_t kTurnBudget = std::size_t{4} << 20;

constexpr std::size_t kReserve = std::size_t{64} << 10;

}  // namespace

Loop::Loop(os::Os& os, Inbox& inbox, Outlet& outlet, const SupervisorOptions& options,
           const os::WorkerSettings& settings)
    : os_(os),
      inbox_(inbox),
      outlet_(outlet),
      settings_(settings),
      supervisor_(options),
      reserve_(std::make_unique<std::byte[]>(kReserve)) {}

bool Loop::turn() noexcept {
  try {
    return live();
  } catch (...) {
    break_down();
    return false;
  }
}

bool Loop::live() {
  std::vector<Input> inputs = gather();
  do {
    look_for_other_rights(inputs);
    std::vector<Order> orders = supervisor_.step(std::exchange(inputs, {}), os_.now());
    // First: who hears from a future that the pool broke must find it broken.
    for (const Order& order : orders) {
      if (const auto* end = std::get_if<EndPool>(&order)) outlet_.pool_ended(end->why);
    }
    for (Order& order : orders) {
      std::visit([&](auto& each) { carry_out(each, inputs); }, order);
    }
  } while (!inputs.empty());
  return !finished_;
}

// Before each step, since each may hand out a task.
void Loop::look_for_other_rights(std::vector<Input>& inputs) {
  const std::uint64_t now = os_.rights();
  if (std::exchange(rights_, now) != now && !hands_.empty()) inputs.push_back(RightsChanged{});
}

// Whether the worker's descriptors are still what they were: asked before each use, since the
// program may have closed them and opened others under their numbers.
bool Loop::are_ours(const Hand& hand) {
  if (os_.identity(hand.child.channel) != hand.channel_identity ||
      os_.identity(hand.child.handle) != hand.handle_identity ||
      (hand.tail && os_.identity(hand.child.errors) != hand.errors_identity)) {
    descriptors_lost_ = true;
  }
  return !descriptors_lost_;
}

std::vector<Input> Loop::gather() {
  sleep();
  std::vector<Input> inputs;
  if (watches_[0].hung_up || !inbox_.bell_is_ours()) descriptors_lost_ = true;
  // Hushed before it is emptied: what is put after the take rings again.
  if (watches_[0].readable && !descriptors_lost_) os_.hush(inbox_.bell());
  std::vector<Input> asked = inbox_.take();
  inputs.insert(inputs.end(), std::make_move_iterator(asked.begin()),
                std::make_move_iterator(asked.end()));
  std::size_t at = 1;
  for (auto& entry : hands_) {
    const WorkerId id = entry.first;
    Hand& hand = entry.second;
    const os::Watch& channel = watches_[at++];
    const os::Watch& handle = watches_[at++];
    const os::Watch& errors = watches_[at++];
    const bool again = hand.look_again && *hand.look_again <= os_.now();
    const bool anything = again || channel.readable || channel.writable || handle.readable ||
                          errors.readable || hand.channel->wants_a_look();
    if (descriptors_lost_ || (anything && !are_ours(hand))) break;
    if (channel.writable && hand.channel->wants_to_write()) {
      write_to(id, hand, inputs, [&] { hand.channel->flush(); });
    }
    if (channel.readable || hand.channel->wants_a_look()) hear(id, hand, kTurnBudget, inputs);
    if (errors.readable) hand.tail->read();
    if (handle.readable || again) look_for_exit(id, hand, inputs);
  }
  collect_late_exits(inputs);
  if (!descriptors_lost_) reap_abandoned(std::span(watches_).subspan(at));
  if (clear_at_ && *clear_at_ <= os_.now()) clear_again();
  if (descriptors_lost_) inputs.assign(1, DescriptorsLost{});
  return inputs;
}

void Loop::sleep() {
  watches_.clear();
  watches_.push_back({.fd = inbox_.bell().ear});
  bool hurry = false;
  for (const auto& [id, hand] : hands_) {
    const bool reads = hand.channel->wants_to_read();
    const bool writes = hand.channel->wants_to_write();
    // A descriptor of -1 is not watched.
    watches_.push_back({.fd = reads || writes ? hand.channel->fd() : -1,
                        .for_reading = reads,
                        .for_writing = writes});
    watches_.push_back({.fd = handle_to_watch(hand)});
    watches_.push_back({.fd = hand.tail && hand.tail->open() ? hand.tail->fd() : -1});
    hurry |= hand.channel->wants_a_look();
  }
  for (const auto& [id, hand] : abandoned_) watches_.push_back({.fd = handle_to_watch(hand)});
  // Closed since the last wait: what stands at these numbers now would never wake us.
  if (!inbox_.bell_is_ours()) {
    descriptors_lost_ = true;
    return;
  }
  if (const auto failed = os_.wait(watches_, hurry ? std::optional(os_.now()) : next_deadline())) {
    throw std::runtime_error(os::to_string(*failed));  // turn() ends the pool with it
  }
  descriptors_lost_ =
      descriptors_lost_ || std::any_of(watches_.begin(), watches_.end(),
                                       [](const os::Watch& watch) { return watch.foreign; });
}

std::optional<os::Instant> Loop::next_deadline() const {
  std::optional<os::Instant> next = os::earlier(supervisor_.next_deadline(), clear_at_);
  for (const auto& [id, hand] : hands_) next = os::earlier(next, hand.look_again);
  for (const auto& [id, hand] : abandoned_) next = os::earlier(next, hand.look_again);
  return next;
}

// -1 once it was readable and the record was not there.
int Loop::handle_to_watch(const Hand& hand) {
  return hand.late_reaper.joinable() || hand.look_again ? -1 : hand.child.handle;
}

// Tells how a payload moves that does not go out in one piece: it may take as long as it does.
template <class Write>
void Loop::write_to(WorkerId id, Hand& hand, std::vector<Input>& inputs, Write write) {
  transport::Channel& channel = *hand.channel;
  const bool before = channel.holds_payload();
  const std::uint64_t written = channel.written();
  write();
  const bool after = channel.holds_payload();
  if (channel.refused() || (!before && !after)) return;
  if (before && channel.written() == written) return;
  inputs.push_back(PayloadMoved{.worker = id, .whole = !after});
}

void Loop::hear(WorkerId id, Hand& hand, std::size_t budget, std::vector<Input>& inputs) {
  transport::Channel::Received received = hand.channel->receive(budget);
  for (transport::Frame& frame : received.frames) {
    if (frame.kind == transport::FrameKind::kClaim && frame.task == hand.offered &&
        frame.task != hand.begun) {
      hand.begun = frame.task;
      outlet_.task_begun(frame.task, {hand.index, hand.child.pid});
    }
    inputs.push_back(FrameCame{id, std::move(frame)});
  }
  if (received.claim_in_garbage) {
    inputs.push_back(FrameCame{id, {transport::FrameKind::kClaim, hand.offered, {}}});
  }
  if (received.garbage) inputs.push_back(GarbageCame{id, std::move(*received.garbage)});
  if (hand.channel->lost() && !std::exchange(hand.loss_told, true)) {
    inputs.push_back(ChannelEnded{id});
  }
}

void Loop::look_for_exit(WorkerId id, Hand& hand, std::vector<Input>& inputs) {
  if (const std::optional<ExitStatus> exit = os_.try_reap(hand.child)) {
    told_exit(id, hand, *exit, inputs);
  } else {
    await_record(hand);
  }
}

void Loop::await_record(Hand& hand) {
  // Readable, and no record: a tracer holds it. To poll on would spin, so the handle leaves the
  // poll set and a short-lived thread waits for the record where waiting blocks. The hand stays
  // where it is until that is joined.
  auto thread = os_.start_thread("poolproof-reap", [this, &hand] {
    const ExitStatus exit = os_.reap(hand.child);
    const std::lock_guard lock(late_mutex_);
    hand.late_exit = exit;
    inbox_.ring();
  });
  if (thread) {
    hand.late_reaper = std::move(*thread);
    hand.look_again.reset();
  } else {  // none can be started now: look again after a while, and try to start one then
    hand.look_again = os::after(os_.now(), hand.look_pause);
    hand.look_pause = std::min(2 * hand.look_pause, kLongestPause);
  }
}

void Loop::collect_late_exits(std::vector<Input>& inputs) {
  for (auto& [id, hand] : hands_) {
    if (!hand.late_reaper.joinable() || !has_late_exit(hand)) continue;
    hand.late_reaper.join();
    hand.reaped = true;
    // Its channel may have become something else while the record was waited for.
    if (!descriptors_lost_ && are_ours(hand)) told_exit(id, hand, *hand.late_exit, inputs);
  }
}

void Loop::told_exit(WorkerId id, Hand& hand, const ExitStatus& exit, std::vector<Input>& inputs) {
  hand.reaped = true;
  hand.look_again.reset();
  tell_end(id, hand, exit, inputs);
}

void Loop::tell_end(WorkerId id, Hand& hand, const ExitStatus& exit, std::vector<Input>& inputs) {
  // Replies are drained before a death is told (law L7). All that the process wrote lies in the
  // channel now; what a child of it may go on writing is not waited for.
  const std::size_t left = os_.unread(hand.child.channel);
  if (left > 0) hear(id, hand, left, inputs);
  if (hand.tail) hand.tail->read();
  inputs.push_back(WorkerExited{.worker = id,
                                .exit = exit,
                                .was_frozen = hand.was_frozen,
                                .out_of_memory = is_out_of_memory(hand, exit),
                                .own_limit = hand.child.cgroup.empty() ? 0 : settings_.memory_limit,
                                .stderr_tail = hand.tail ? hand.tail->lines() : "",
                                .by_itself = !hand.killed,
                                .abandoned = !hand.reaped});
}

// A SIGKILL that we did not send, and one more in the kernel's count: each explains one death.
bool Loop::is_out_of_memory(const Hand& hand, const ExitStatus& exit) {
  const auto* signaled = std::get_if<Signaled>(&exit);
  if (hand.killed || signaled == nullptr || signaled->signal != SIGKILL) return false;
  if (!hand.child.cgroup.empty()) return os_.own_out_of_memory_kills(hand.child).value_or(0) > 0;
  const std::optional<std::uint64_t> kills = os_.out_of_memory_kills();
  if (!kills || !memory_kills_ || *kills <= *memory_kills_) return false;
  ++*memory_kills_;
  return true;
}

void Loop::carry_out(SpawnWorker& order, std::vector<Input>& inputs) {
  if (descriptors_lost_) return;  // the end is on its way
  // What was counted before the first of them started explains none of their deaths.
  if (hands_.empty()) memory_kills_ = os_.out_of_memory_kills();
  // Made before its process is, which so has an owner whatever fails then.
  const auto made = hands_.try_emplace(order.worker).first;
  Hand& hand = made->second;
  hand.reaped = true;  // as long as there is none
  auto spawned = os_.spawn_worker(order.index, settings_);
  if (const auto* error = std::get_if<os::SysError>(&spawned)) {
    hands_.erase(made);
    inputs.push_back(SpawnFailed{order.worker, *error});
    return;
  }
  hand.child = std::move(std::get<os::Child>(spawned));
  hand.reaped = false;
  hand.index = order.index;
  hand.channel_identity = os_.identity(hand.child.channel);
  hand.handle_identity = os_.identity(hand.child.handle);
  if (hand.child.errors >= 0) {
    hand.tail.emplace(os_, hand.child.errors);
    hand.errors_identity = os_.identity(hand.child.errors);
  }
  hand.lifeline_identity = os_.identity(hand.child.lifeline);
  hand.channel =
      std::make_unique<transport::Channel>(os_, hand.child.channel, settings_.max_payload);
  inputs.push_back(WorkerSpawned{order.worker, hand.child.pid});
  outlet_.worker_started({hand.index, hand.child.pid});
}

void Loop::tell_loss(std::vector<Input>& inputs) { inputs.push_back(DescriptorsLost{}); }

void Loop::carry_out(SendFrame& order, std::vector<Input>& inputs) {
  Hand& hand = hands_.at(order.worker);
  if (!are_ours(hand)) return tell_loss(inputs);
  if (order.kind == transport::FrameKind::kOffer) {
    hand.offered = order.task;
    if (hand.tail) {
      hand.tail->read();  // what came together with the reply is the earlier task's, too
      hand.tail->forget();
    }
    hand.channel->expect_claim(order.task);
  }
  write_to(order.worker, hand, inputs,
           [&] { hand.channel->send(order.kind, order.task, std::move(order.payload)); });
}

void Loop::carry_out(KillWorker& order, std::vector<Input>& inputs) {
  Hand& hand = hands_.at(order.worker);
  if (!are_ours(hand) || !lifeline_is_ours(hand)) return tell_loss(inputs);
  if (hand.reaped) return;  // what condemned it and its record came together
  // Its record may have come since we looked. Then its end is its own, and a SIGKILL not ours.
  if (!hand.late_reaper.joinable()) {
    if (const std::optional<ExitStatus> exit = os_.try_reap(hand.child)) {
      return told_exit(order.worker, hand, *exit, inputs);
    }
  }
  hand.killed = true;
  hand.was_frozen = os_.is_frozen(hand.child);
  if (auto failed = os_.kill(hand.child)) {
    inputs.push_back(KillFailed{order.worker, std::move(*failed), hand.was_frozen});
  }
}

void Loop::carry_out(ForgetWorker& order, std::vector<Input>& inputs) {
  const auto found = hands_.find(order.worker);
  POOLPROOF_CHECK(found != hands_.end() && !found->second.late_reaper.joinable(),
                  "a worker is forgotten once, after its record was taken");
  if (!are_ours(found->second) || !lifeline_is_ours(found->second)) return tell_loss(inputs);
  outlet_.worker_ended({found->second.index, found->second.child.pid});
  clear_away(found->second.child);
  close_all_of(found->second);
  hands_.erase(found);
}

void Loop::carry_out(SettleTask& order, std::vector<Input>&) {
  outlet_.settle(order.task, std::move(order.outcome));
}

void Loop::carry_out(EndPool&, std::vector<Input>&) {}  // turn() has done that

void Loop::carry_out(TellHealth& order, std::vector<Input>&) {
  outlet_.tell_health(order.ticket, std::move(order.health));
}

void Loop::carry_out(Finish&, std::vector<Input>&) { finished_ = true; }

}  // namespace poolproof::supervise
