#include "fuzz/simulation/kernel.h"

#include <errno.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "executor/transport/crc32c.h"

namespace poolproof::simulation {
namespace {

constexpr int kMostCalls = 10000;
constexpr std::chrono::seconds kLongestRelease{60};  // of real time

}  // namespace

// If it acts although nothing woke it, this would not happen on a real system: it would sleep.
void Kernel::acts(const char* what) {
  if (asleep_) facts_.breaks(std::string("nothing woke it, and yet it acts: ") + what);
}

bool Kernel::uses(int fd, const char* what) {
  acts(what);
  const bool known = fd >= 0 && static_cast<std::size_t>(fd) < fds_.size();
  const State state = known ? fds_[static_cast<std::size_t>(fd)] : State::kNever;
  if (state == State::kOpen) return true;
  facts_.breaks(std::string(what) +
                (state == State::kForeign ? " a foreign descriptor" : " a closed descriptor"));
  return false;
}

Instant Kernel::now() {
  if (++calls_ > kMostCalls) {
    facts_.breaks("the loop spins within one turn");
    throw std::runtime_error(facts_.broken);
  }
  return facts_.now;
}

std::variant<os::Child, os::SysError> Kernel::spawn_worker(int index,
                                                           const os::WorkerSettings& settings) {
  acts("spawn");
  if (pass_spawns > 0) {
    --pass_spawns;
  } else if (fail_spawns > 0) {
    --fail_spawns;
    ++facts_.spawn_failures;
    facts_.record.add(What::kSpawnFailed, index);
    return os::SysError{"posix_spawn", EAGAIN};
  }
  const int n = static_cast<int>(facts_.processes.size());
  Process& made = facts_.processes.emplace_back();
  made.number = n;
  made.pid = 1000 + n;
  made.index = index;
  made.spawned_at = facts_.now;
  made.channel = kFirst + kEach * n;
  made.handle = made.channel + 1;
  made.lifeline = made.channel + 2;
  made.rights = facts_.rights;
  if (facts_.plan.refuses) made.refusal = Process::Refusal::kEnds;
  fds_.insert(fds_.end(), {State::kOpen, State::kOpen, State::kOpen, State::kNever});
  if (settings.keep_stderr) {
    made.errors = made.channel + 3;
    fds_.back() = State::kOpen;
  }
  facts_.record.add(What::kSpawned, n, index);
  judge_.spawns(made);
  return os::Child{.pid = made.pid,
                   .handle = made.handle,
                   .channel = made.channel,
                   .errors = made.errors,
                   .lifeline = made.lifeline};
}

std::optional<os::SysError> Kernel::kill(os::Child& child) {
  if (!uses(child.handle, "kill through")) return std::nullopt;
  Process& victim = of(child.handle);
  facts_.record.add(What::kKilled, victim.number);
  // Within the turn that took its record, its handle is still open, so this is harmless.
  if (victim.reaped > 0 && victim.reaped_in != facts_.turns)
    facts_.breaks("a kill of a worker that was reaped");
  judge_.kills(victim);
  if (std::max(victim.kill, facts_.kill) == Kill::kWorks) {
    victim.dying = !victim.ended;
    return std::nullopt;
  }
  facts_.record.add(What::kKillFailed, victim.number);
  judge_.fails_to_kill(victim);
  if (child.lifeline >= 0 && uses(child.lifeline, "close")) {
    fds_[static_cast<std::size_t>(std::exchange(child.lifeline, -1))] = State::kClosed;
    cut_lifeline(victim);
  }
  return os::SysError{"pidfd_send_signal(SIGKILL)", EPERM};
}

// Whichever side closes it.
void Kernel::cut_lifeline(Process& process) {
  if (std::max(process.kill, facts_.kill) == Kill::kUseless) return;
  process.dying = !process.ended;
}

std::optional<ExitStatus> Kernel::try_reap(const os::Child& child) {
  if (!uses(child.handle, "reap through")) return std::nullopt;
  Process& ended = of(child.handle);
  asked_ = &ended;
  if (!ended.recorded || ended.late) return std::nullopt;
  judge_.reaps(ended);
  facts_.record.add(What::kReaped, ended.number, static_cast<int>(ended.given.index()));
  return ended.given;
}

// For a late reaper, whose record was asked for just now.
std::optional<std::thread> Kernel::start_thread(const char* name, std::function<void()> body) {
  asked_->awaited = !no_threads;
  asked_->looked_for = no_threads;
  return no_threads ? std::nullopt : Os::start_thread(name, std::move(body));
}

ExitStatus Kernel::reap(const os::Child& child) {
  if (std::this_thread::get_id() == home_) {  // the loop has broken down, and ends
    if (!uses(child.handle, "reap through")) return Unseen{};
    Process& ended = of(child.handle);
    if (!ended.ended && !ended.dying) facts_.breaks("it waits for a worker that nothing ends");
    finish_dying();
    judge_.reaps(ended);
    return ended.given;
  }
  std::unique_lock lock(mutex_);
  const auto come = [&] { return released_.contains(child.pid); };
  // In reality it waits without a limit. Here, a thread that is not released in time reports an
  // error.
  if (!changed_.wait_for(lock, kLongestRelease, come)) {
    std::fprintf(stderr, "broken: the supervisor waits for a record that may never come\n");
    std::abort();
  }
  return released_.at(child.pid);
}

void Kernel::finish_dying() {
  for (Process& process : facts_.processes) {
    if (process.dying && !process.ended) {
      end(process, Signaled{SIGKILL, false});
      process.died_of_us = process.kill_called;
    }
    process.recorded = process.ended;
  }
}

void Kernel::release(Process& process) {
  process.late = false;
  if (std::exchange(process.looked_for, false)) return;  // it will be found
  process.awaited = false;
  judge_.reaps(process);
  process.reaped_in = facts_.turns + 1;  // its reaper rings for the next one
  std::unique_lock lock(mutex_);
  const int before = through_;
  released_[process.pid] = process.given;
  changed_.notify_all();
  changed_.wait(lock, [&] { return through_ > before; });
}

void Kernel::release_all() {
  const std::lock_guard lock(mutex_);
  for (const Process& process : facts_.processes) released_.emplace(process.pid, process.exit);
  changed_.notify_all();
}

os::IoResult Kernel::read(int fd, std::span<std::byte> into) {
  if (!uses(fd, "read from")) return {os::IoResult::Kind::kGone, 0};
  Process& from = of(fd);
  const bool gone = from.hung_up && !from.held_open;
  if (fd == from.errors) {
    const std::size_t size = std::min(into.size(), from.errors_said.size());
    if (size == 0) {
      return {gone ? os::IoResult::Kind::kGone : os::IoResult::Kind::kWouldBlock, 0};
    }
    std::copy_n(from.errors_said.begin(), size, into.begin());
    from.errors_said.erase(from.errors_said.begin(),
                           from.errors_said.begin() + static_cast<std::ptrdiff_t>(size));
    return {os::IoResult::Kind::kSome, size};
  }
  const std::size_t size = std::min(into.size(), from.said.size() - from.read);
  if (size == 0) {
    if ((gone || from.refused) && !from.eof_at) from.eof_at = facts_.now;
    return {gone ? os::IoResult::Kind::kGone : os::IoResult::Kind::kWouldBlock, 0};
  }
  std::memcpy(into.data(), from.said.data() + from.read, size);
  from.read += size;
  judge_.reads(from);
  return {os::IoResult::Kind::kSome, size};
}

os::IoResult Kernel::write(int channel, std::array<std::span<const std::byte>, 2> parts) {
  if (!uses(channel, "write to")) return {os::IoResult::Kind::kGone, 0};
  Process& to = of(channel);
  if (channel != to.channel) facts_.breaks("a write to what is no channel");
  // The header of the message itself comes last: a tally may be before it.
  if (!to.mid_write && !to.sighted && parts[0].size() >= transport::kHeaderSize) {
    const auto header = parts[0].last(transport::kHeaderSize);
    TaskId task = 0;
    for (std::size_t i = 0; i < 8; ++i) task |= std::to_integer<TaskId>(header[8 + i]) << (8 * i);
    const auto kind = static_cast<FrameKind>(header[5]);
    facts_.record.add(What::kWrote, to.number, static_cast<int>(kind), transport::crc32c(parts[0]));
    to.writes = kind;
    judge_.orders(to, kind, task);
    to.sighted = true;
  }
  if ((to.hung_up && !to.held_open) || to.refuses) {
    to.refused = true;
    return {os::IoResult::Kind::kGone, 0};
  }
  const std::size_t all = parts[0].size() + parts[1].size();
  const std::size_t taken = std::min(all, to.room);
  if (taken == 0) return {};
  const std::size_t of_head = std::min(taken, parts[0].size());
  to.heard.feed(parts[0].first(of_head));
  to.heard.feed(parts[1].first(taken - of_head));
  while (std::optional<Frame> frame = to.heard.next()) to.inbox.push_back(std::move(*frame));
  if (to.room != Process::kLots) to.room -= taken;
  to.mid_write = taken < all;
  if (to.writes == FrameKind::kOffer) {
    to.moved_at = facts_.now;
    if (!to.mid_write) to.sent_at = facts_.now;
  }
  if (!to.mid_write) to.sighted = false;
  return {os::IoResult::Kind::kSome, taken};
}

std::size_t Kernel::unread(int channel) {
  if (!uses(channel, "look into")) return 0;
  const Process& from = of(channel);
  return from.said.size() - from.read;
}

void Kernel::close(int fd) {
  facts_.record.add(What::kClosed, fd);
  if (!uses(fd, "close")) return;
  fds_[static_cast<std::size_t>(fd)] = State::kClosed;
  Process& process = of(fd);
  if (!process.gone() && !(facts_.sleep_failed && process.kill_called)) {
    facts_.breaks("a descriptor of a worker that lives is closed");
  }
  if (fd == process.channel) process.parent_closed = true;
}

std::uint64_t Kernel::identity(int fd) {
  const State state = fds_[static_cast<std::size_t>(fd)];
  const std::uint64_t answer = state == State::kOpen      ? 100 + static_cast<std::uint64_t>(fd)
                               : state == State::kForeign ? 7
                                                          : 0;
  // If a late reaper finds the bell closed, it does not ring, and ends.
  if (std::this_thread::get_id() != home_ && state != State::kOpen) {
    const std::lock_guard lock(mutex_);
    ++through_;
    changed_.notify_all();
  }
  return answer;
}

void Kernel::abandon(const os::Child& child) {
  for (Process& process : facts_.processes) {
    if (process.pid != child.pid) continue;
    if (std::exchange(process.abandoned, true)) facts_.breaks("a worker is abandoned twice");
    facts_.record.add(What::kAbandoned, process.number);
  }
}

void Kernel::ring(const os::Bell&) {
  const std::lock_guard lock(mutex_);
  ringing_ = true;
  if (std::this_thread::get_id() == home_) return;
  ++through_;
  changed_.notify_all();
}

void Kernel::drain(const os::Bell& bell) {
  if (!uses(bell.read_end, "drain")) return;
  if (in_drain) in_drain();
  if (std::exchange(rights_change_in_drain, false)) ++facts_.rights;
  const std::lock_guard lock(mutex_);
  ringing_ = false;
}

void Kernel::answer(os::Watch& watch, const Process& process) const {
  const bool gone = process.hung_up && !process.held_open;
  if (watch.fd == process.channel) {
    watch.readable = watch.for_reading && (process.read < process.said.size() || gone);
    watch.writable = watch.for_writing && (process.room > 0 || gone || process.refuses);
  } else if (watch.fd == process.errors) {
    watch.readable = !process.errors_said.empty() || gone;
  } else {
    watch.readable = process.recorded;
  }
}

// A thread that sleeps in a wait holds its files, so a file that is closed during the wait still
// wakes it.
bool Kernel::answer(std::span<os::Watch> watches, bool since_asleep) {
  bool any = false;
  for (os::Watch& watch : watches) {
    if (watch.fd < 0) continue;
    const State state = fds_[static_cast<std::size_t>(watch.fd)];
    if (watch.fd == kReadEnd) {
      const std::lock_guard lock(mutex_);
      watch.hung_up = fds_[kWriteEnd] != State::kOpen;
      watch.readable = ringing_ || watch.hung_up;
    } else if (since_asleep || state == State::kOpen) {
      answer(watch, of(watch.fd));
    }
    if (!since_asleep && state == State::kClosed) watch.foreign = true;
    any |= watch.readable || watch.writable || watch.foreign;
  }
  return any;
}

bool Kernel::would_wake() {
  if (until_ && *until_ <= facts_.now) return true;
  return answer(kept_, true);
}

std::optional<os::SysError> Kernel::wait(std::span<os::Watch> watches,
                                         std::optional<Instant> until) {
  calls_ = 0;
  if (facts_.sleep_failed && !passing_) facts_.breaks("a sleep that has failed is asked for again");
  if (failing_sleeps_ > 0) {
    if (failing_sleeps_ != kAll) --failing_sleeps_;
    facts_.sleep_failed = true;
    facts_.sleeps_no_more = failing_sleeps_ == kAll;
    facts_.record.add(What::kSleepFailed);
    return os::SysError{"ppoll", ENOMEM};
  }
  if (passing_) {
    finish_dying();
    if (until && !answer(watches, false)) facts_.now = std::max(facts_.now, *until);
    return std::nullopt;
  }
  const bool any = answer(watches, std::exchange(slept_, false));
  until_ = until;
  if (any || (until && *until <= facts_.now)) return std::nullopt;
  asleep_ = true;
  kept_.assign(watches.begin(), watches.end());
  if (facts_.broken.empty()) judge_.sleeps(until);
  return std::nullopt;
}

bool Kernel::carry(Process& process, std::span<const std::byte> bytes) {
  if (process.parent_closed || process.hung_up) return false;
  process.said.insert(process.said.end(), bytes.begin(), bytes.end());
  return true;
}

void Kernel::end(Process& process, ExitStatus exit) {
  process.ended = process.hung_up = true;
  process.dying = process.frozen = false;
  process.exit = exit;
}

void Kernel::show_record(Process& process) { process.recorded = true; }

void Kernel::lose_all() {
  for (std::size_t fd = 0; fd < fds_.size(); ++fd) {
    if (fds_[fd] == State::kOpen) fds_[fd] = State::kClosed;
  }
  for (Process& process : facts_.processes) {
    process.parent_closed = process.struck = true;
    cut_lifeline(process);
  }
}

void Kernel::steal(int fd) {
  State& state = fds_[static_cast<std::size_t>(fd)];
  if (state != State::kOpen) return;
  state = State::kForeign;
  if (fd >= kFirst && fd == of(fd).channel) of(fd).parent_closed = true;
  if (fd >= kFirst && fd == of(fd).lifeline) {
    of(fd).struck = true;
    ++facts_.plain_sigkills;
    cut_lifeline(of(fd));
  }
}

void Kernel::is_over() {
  if (facts_.descriptors_struck) return;
  for (std::size_t fd = kFirst; fd < fds_.size(); ++fd) {
    if (fds_[fd] == State::kOpen)
      facts_.breaks("L9: descriptor " + std::to_string(fd) + " is left");
  }
}

}  // namespace poolproof::simulation
