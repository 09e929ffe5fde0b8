#include "executor/supervise/loop.h"

#include <signal.h>

#include <algorithm>
#include <exception>
#include <iterator>
#include <string>
#include <utility>

#include "executor/check.h"

namespace poolproof::supervise {
namespace {

// How many bytes are read from one worker in one turn, so that a flood from one worker does not
// delay the others.
constexpr std::size_t kTurnBudget = std::size_t{4} << 20;

// How many of the program's inputs are taken in one turn, so that a flood of submits does not delay
// the workers' frames, exits and deadlines. A flood that comes faster than it is taken would
// otherwise make every turn longer than the last one.
constexpr std::size_t kTurnInputs = 256;

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
    if (may_hand_out(inputs)) look_for_other_rights(inputs);
    std::vector<Order> orders = supervisor_.step(std::exchange(inputs, {}), os_.now());
    // This comes first: a user who learns from a future that the pool broke must find it broken.
    for (const Order& order : orders) {
      if (const auto* end = std::get_if<EndPool>(&order)) outlet_.pool_ended(end->why);
    }
    for (Order& order : orders) {
      std::visit([&](auto& each) { carry_out(each, inputs); }, order);
    }
  } while (!inputs.empty());
  return !finished_;
}

// Whether this step may give a task to a worker: a task waits or comes, and something else happens
// than what leaves every worker as busy as it was.
bool Loop::may_hand_out(const std::vector<Input>& inputs) const {
  const auto brings_task = [](const Input& input) {
    return std::holds_alternative<TaskSubmitted>(input) ||
           std::holds_alternative<WorkerExited>(input);  // it may have held one
  };
  const auto frees_nobody = [](const Input& input) {
    if (const auto* came = std::get_if<FrameCame>(&input)) {
      return came->frame.kind == transport::FrameKind::kClaim ||
             came->frame.kind == transport::FrameKind::kMemory;
    }
    return std::holds_alternative<PayloadMoved>(input) ||
           std::holds_alternative<HealthAsked>(input) ||
           std::holds_alternative<WorkerSpawned>(input);
  };
  return (supervisor_.waiting() != 0 || std::any_of(inputs.begin(), inputs.end(), brings_task)) &&
         !std::all_of(inputs.begin(), inputs.end(), frees_nobody);
}

void Loop::look_for_other_rights(std::vector<Input>& inputs) {
  const std::uint64_t now = os_.rights();
  if (std::exchange(rights_, now) != now && !workers_.empty()) inputs.push_back(RightsChanged{});
}

// Whether the worker's descriptors still refer to the same files. Checked before each use, because
// the program may have closed them and opened other files under their numbers.
bool Loop::are_ours(const WorkerHandle& worker) {
  if (os_.identity(worker.child.channel) != worker.channel_identity ||
      os_.identity(worker.child.handle) != worker.handle_identity ||
      (worker.tail && os_.identity(worker.child.errors) != worker.errors_identity)) {
    descriptors_lost_ = true;
  }
  return !descriptors_lost_;
}

std::vector<Input> Loop::gather() {
  sleep();
  std::vector<Input> inputs;
  if (watches_[0].hung_up || !inbox_.bell_is_ours()) descriptors_lost_ = true;
  // The bell is drained before the inbox is emptied: an input that is put later rings it again.
  if (watches_[0].readable && !inbox_.holds_rest() && !descriptors_lost_) {
    os_.drain(inbox_.bell());
  }
  std::vector<Input> asked = inbox_.take(kTurnInputs);
  inputs.insert(inputs.end(), std::make_move_iterator(asked.begin()),
                std::make_move_iterator(asked.end()));
  std::size_t at = 1;
  for (auto& entry : workers_) {
    const WorkerId id = entry.first;
    WorkerHandle& worker = entry.second;
    const os::Watch& channel = watches_[at++];
    const os::Watch& handle = watches_[at++];
    const os::Watch& errors = watches_[at++];
    const bool again = worker.look_again && *worker.look_again <= os_.now();
    const bool anything = again || channel.readable || channel.writable || handle.readable ||
                          errors.readable || worker.channel->wants_a_look();
    if (descriptors_lost_ || (anything && !are_ours(worker))) break;
    if (channel.writable && worker.channel->wants_to_write()) {
      write_to(id, worker, inputs, [&] { worker.channel->flush(); });
    }
    if (channel.readable || worker.channel->wants_a_look()) hear(id, worker, kTurnBudget, inputs);
    if (errors.readable) worker.tail->read();
    if (handle.readable || again) look_for_exit(id, worker, inputs);
  }
  collect_late_exits(inputs);
  if (!descriptors_lost_) reap_abandoned(std::span(watches_).subspan(at));
  if (clear_at_ && *clear_at_ <= os_.now()) clear_again();
  if (descriptors_lost_) inputs.assign(1, DescriptorsLost{});
  return inputs;
}

void Loop::sleep() {
  watches_.clear();
  watches_.push_back({.fd = inbox_.bell().read_end});
  bool hurry = inbox_.holds_rest();
  for (const auto& [id, worker] : workers_) {
    const bool reads = worker.channel->wants_to_read();
    const bool writes = worker.channel->wants_to_write();
    // A descriptor of -1 is not watched.
    watches_.push_back({.fd = reads || writes ? worker.channel->fd() : -1,
                        .for_reading = reads,
                        .for_writing = writes});
    watches_.push_back({.fd = handle_to_watch(worker)});
    watches_.push_back({.fd = worker.tail && worker.tail->open() ? worker.tail->fd() : -1});
    hurry |= worker.channel->wants_a_look();
  }
  for (const auto& [id, worker] : abandoned_) watches_.push_back({.fd = handle_to_watch(worker)});
  // If it was closed since the last wait, another file may have its number now, and would never
  // wake us.
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
  for (const auto& [id, worker] : workers_) next = os::earlier(next, worker.look_again);
  for (const auto& [id, worker] : abandoned_) next = os::earlier(next, worker.look_again);
  return next;
}

// -1 if it was readable while the record was not there.
int Loop::handle_to_watch(const WorkerHandle& worker) {
  return worker.late_reaper.joinable() || worker.look_again ? -1 : worker.child.handle;
}

// Reports the progress of a payload that is sent in parts: sending may take long.
template <class Write>
void Loop::write_to(WorkerId id, WorkerHandle& worker, std::vector<Input>& inputs, Write write) {
  transport::Channel& channel = *worker.channel;
  const bool before = channel.holds_payload();
  const std::uint64_t written = channel.written();
  write();
  const bool after = channel.holds_payload();
  if (channel.refused() || (!before && !after)) return;
  if (before && channel.written() == written) return;
  inputs.push_back(PayloadMoved{.worker = id, .whole = !after});
}

void Loop::hear(WorkerId id, WorkerHandle& worker, std::size_t budget, std::vector<Input>& inputs) {
  transport::Channel::Received received = worker.channel->receive(budget);
  for (transport::Frame& frame : received.frames) {
    if (frame.kind == transport::FrameKind::kClaim && frame.task == worker.offered &&
        frame.task != worker.begun) {
      worker.begun = frame.task;
      outlet_.task_begun(frame.task, {worker.index, worker.child.pid});
    }
    inputs.push_back(FrameCame{id, std::move(frame)});
  }
  if (received.claim_in_garbage) {
    inputs.push_back(FrameCame{id, {transport::FrameKind::kClaim, worker.offered, {}}});
  }
  if (received.garbage) inputs.push_back(GarbageCame{id, std::move(*received.garbage)});
  if (worker.channel->lost() && !std::exchange(worker.loss_told, true)) {
    inputs.push_back(ChannelEnded{id});
  }
}

void Loop::look_for_exit(WorkerId id, WorkerHandle& worker, std::vector<Input>& inputs) {
  if (const std::optional<ExitStatus> exit = os_.try_reap(worker.child)) {
    told_exit(id, worker, *exit, inputs);
  } else {
    await_record(worker);
  }
}

void Loop::await_record(WorkerHandle& worker) {
  // The handle is readable, but there is no record: a tracer holds it. Polling again would spin. So
  // the handle leaves the poll set, and a short-lived thread waits for the record with a blocking
  // call. The worker keeps its state until that thread is joined.
  auto thread = os_.start_thread("poolproof-reap", [this, &worker] {
    const ExitStatus exit = os_.reap(worker.child);
    const std::lock_guard lock(late_mutex_);
    worker.late_exit = exit;
    inbox_.ring();
  });
  if (thread) {
    worker.late_reaper = std::move(*thread);
    worker.look_again.reset();
  } else {  // no thread can be started now: look again after a pause, and try then
    worker.look_again = os::after(os_.now(), worker.look_pause);
    worker.look_pause = std::min(2 * worker.look_pause, kLongestPause);
  }
}

void Loop::collect_late_exits(std::vector<Input>& inputs) {
  for (auto& [id, worker] : workers_) {
    if (!worker.late_reaper.joinable() || !has_late_exit(worker)) continue;
    worker.late_reaper.join();
    worker.reaped = true;
    // During the wait for the record, its channel's number may have become another file.
    if (!descriptors_lost_ && are_ours(worker)) told_exit(id, worker, *worker.late_exit, inputs);
  }
}

void Loop::told_exit(WorkerId id, WorkerHandle& worker, const ExitStatus& exit,
                     std::vector<Input>& inputs) {
  worker.reaped = true;
  worker.look_again.reset();
  tell_end(id, worker, exit, inputs);
}

void Loop::tell_end(WorkerId id, WorkerHandle& worker, const ExitStatus& exit,
                    std::vector<Input>& inputs) {
  // Replies are read before a death is reported (law L7). Everything that the process wrote is in
  // the channel now. If a child of it still writes, we do not wait for that.
  const std::size_t left = os_.unread(worker.child.channel);
  if (left > 0) hear(id, worker, left, inputs);
  if (worker.tail) worker.tail->read();
  inputs.push_back(
      WorkerExited{.worker = id,
                   .exit = exit,
                   .was_frozen = worker.was_frozen,
                   .out_of_memory = is_out_of_memory(worker, exit),
                   .own_limit = worker.child.cgroup.empty() ? 0 : settings_.memory_limit,
                   .stderr_tail = worker.tail ? worker.tail->lines() : "",
                   .by_itself = !worker.killed,
                   .abandoned = !worker.reaped});
}

// A SIGKILL that we did not send, and one more in the kernel's count. Each count explains one
// death.
bool Loop::is_out_of_memory(const WorkerHandle& worker, const ExitStatus& exit) {
  const auto* signaled = std::get_if<Signaled>(&exit);
  if (worker.killed || signaled == nullptr || signaled->signal != SIGKILL) return false;
  if (!worker.child.cgroup.empty())
    return os_.own_out_of_memory_kills(worker.child).value_or(0) > 0;
  const std::optional<std::uint64_t> kills = os_.out_of_memory_kills();
  if (!kills || !memory_kills_ || *kills <= *memory_kills_) return false;
  ++*memory_kills_;
  return true;
}

void Loop::carry_out(SpawnWorker& order, std::vector<Input>& inputs) {
  if (descriptors_lost_) return;  // the end is on its way
  // What was counted before the first of them started explains none of their deaths.
  if (workers_.empty()) {
    memory_kills_ = os_.out_of_memory_kills();
    rights_ = os_.rights();
  }
  // Made before its process is, which so has an owner whatever fails then.
  const auto made = workers_.try_emplace(order.worker).first;
  WorkerHandle& worker = made->second;
  worker.reaped = true;  // true while there is no process
  auto spawned = os_.spawn_worker(order.index, settings_);
  if (const auto* error = std::get_if<os::SysError>(&spawned)) {
    workers_.erase(made);
    inputs.push_back(SpawnFailed{order.worker, *error});
    return;
  }
  worker.child = std::move(std::get<os::Child>(spawned));
  worker.reaped = false;
  worker.index = order.index;
  worker.channel_identity = os_.identity(worker.child.channel);
  worker.handle_identity = os_.identity(worker.child.handle);
  if (worker.child.errors >= 0) {
    worker.tail.emplace(os_, worker.child.errors);
    worker.errors_identity = os_.identity(worker.child.errors);
  }
  worker.lifeline_identity = os_.identity(worker.child.lifeline);
  worker.channel =
      std::make_unique<transport::Channel>(os_, worker.child.channel, settings_.max_payload);
  inputs.push_back(WorkerSpawned{order.worker, worker.child.pid});
  look_for_other_rights(inputs);  // it has those of a moment ago
  outlet_.worker_started({worker.index, worker.child.pid});
}

void Loop::tell_loss(std::vector<Input>& inputs) { inputs.push_back(DescriptorsLost{}); }

void Loop::carry_out(SendFrame& order, std::vector<Input>& inputs) {
  WorkerHandle& worker = workers_.at(order.worker);
  if (!are_ours(worker)) return tell_loss(inputs);
  if (order.kind == transport::FrameKind::kOffer) {
    worker.offered = order.task;
    if (worker.tail) {
      worker.tail->read();  // text that came with the reply is the earlier task's
      worker.tail->forget();
    }
    worker.channel->expect_claim(order.task);
  }
  write_to(order.worker, worker, inputs,
           [&] { worker.channel->send(order.kind, order.task, std::move(order.payload)); });
}

void Loop::carry_out(KillWorker& order, std::vector<Input>& inputs) {
  WorkerHandle& worker = workers_.at(order.worker);
  if (!are_ours(worker) || !lifeline_is_ours(worker)) return tell_loss(inputs);
  if (worker.reaped) return;  // the reason for the kill and its exit record came together
  // Its record may have come since we looked. Then it ended by itself, and a SIGKILL is not ours.
  if (!worker.late_reaper.joinable()) {
    if (const std::optional<ExitStatus> exit = os_.try_reap(worker.child)) {
      return told_exit(order.worker, worker, *exit, inputs);
    }
  }
  worker.killed = true;
  worker.was_frozen = os_.is_frozen(worker.child);
  if (auto failed = os_.kill(worker.child)) {
    inputs.push_back(KillFailed{order.worker, std::move(*failed), worker.was_frozen});
  }
}

void Loop::carry_out(ForgetWorker& order, std::vector<Input>& inputs) {
  const auto found = workers_.find(order.worker);
  POOLPROOF_CHECK(found != workers_.end() && !found->second.late_reaper.joinable(),
                  "a worker is forgotten once, after its record was taken");
  if (!are_ours(found->second) || !lifeline_is_ours(found->second)) return tell_loss(inputs);
  outlet_.worker_ended({found->second.index, found->second.child.pid});
  clear_away(found->second.child);
  close_all_of(found->second);
  workers_.erase(found);
}

void Loop::carry_out(SettleTask& order, std::vector<Input>&) {
  outlet_.settle(order.task, std::move(order.outcome));
}

void Loop::carry_out(EndPool&, std::vector<Input>&) {}  // turn() has already done it

void Loop::carry_out(TellHealth& order, std::vector<Input>&) {
  outlet_.tell_health(order.ticket, std::move(order.health));
}

void Loop::carry_out(Finish&, std::vector<Input>&) { finished_ = true; }

}  // namespace poolproof::supervise
