#include "executor/supervise/fake_os.h"

#include <signal.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace poolproof::supervise {

void FakeOs::say(std::size_t n, transport::FrameKind kind, TaskId task, Bytes payload) {
  say_bytes(n, to_bytes(transport::Frame{kind, task, std::move(payload)}));
}

void FakeOs::say_bytes(std::size_t n, std::span<const std::byte> bytes) {
  worker(n).said.insert(worker(n).said.end(), bytes.begin(), bytes.end());
}

std::optional<transport::Frame> FakeOs::heard(std::size_t n) {
  std::optional<transport::Frame> frame = worker(n).heard.next();
  if (frame && frame->kind == transport::FrameKind::kTally) frame = worker(n).heard.next();
  return frame;
}

void FakeOs::end(std::size_t n, ExitStatus exit) {
  worker(n).ended = true;
  worker(n).hung_up = true;
  worker(n).exit = exit;
}

void FakeOs::release_record(std::size_t n) {
  std::unique_lock lock(mutex_);
  worker(n).traced = false;
  changed_.notify_all();
  changed_.wait(lock, [this] { return ringing_; });
}

std::variant<os::Child, os::SysError> FakeOs::spawn_worker(int index,
                                                           const os::WorkerSettings& settings) {
  if (!spawn_errors_.empty()) {
    const os::SysError error = spawn_errors_.front();
    spawn_errors_.pop_front();
    return error;
  }
  if (rights_after_spawn != 0) rights_now = std::exchange(rights_after_spawn, 0);
  const int n = static_cast<int>(workers_.size());
  Worker& made = workers_.emplace_back();
  made.pid = 1000 + n;
  made.index = index;
  made.settings = settings;
  made.room = room_of_new;
  made.without_lifeline = no_lifelines;
  const int channel = kFirst + 3 * n;
  open_.insert({channel, channel + 1});
  if (settings.keep_stderr) open_.insert(channel + 2);
  return os::Child{made.pid, channel + 1, channel, settings.keep_stderr ? channel + 2 : -1,
                   settings.memory_cgroup};
}

std::optional<os::SysError> FakeOs::kill(os::Child& child) {
  Worker& victim = of(child.channel);
  if (kills_fail_with && victim.without_lifeline) return kills_fail_with;
  victim.killed = true;
  if (!victim.ended && !victim.traced) {
    victim.ended = true;
    victim.hung_up = true;
    victim.exit = Signaled{SIGKILL, false};
  }
  return kills_fail_with;
}

std::optional<ExitStatus> FakeOs::try_reap(const os::Child& child) {
  if (before_reap) before_reap();
  const std::lock_guard lock(mutex_);
  Worker& ended = of(child.channel);
  if (!ended.ended || ended.traced) return std::nullopt;
  ++ended.reaped;
  return ended.exit;
}

ExitStatus FakeOs::reap(const os::Child& child) {
  std::unique_lock lock(mutex_);
  Worker& ended = of(child.channel);
  changed_.wait(lock, [&] { return ended.ended && !ended.traced; });
  ++ended.reaped;
  return ended.exit;
}

os::IoResult FakeOs::read(int fd, std::span<std::byte> into) {
  Worker& from = of(fd);
  Bytes& unread = is_errors(fd) ? from.errors : from.said;
  if (unread.empty()) {
    return {from.hung_up ? os::IoResult::Kind::kGone : os::IoResult::Kind::kWouldBlock, 0};
  }
  const std::size_t size = std::min(into.size(), unread.size());
  std::copy_n(unread.begin(), size, into.begin());
  unread.erase(unread.begin(), unread.begin() + static_cast<std::ptrdiff_t>(size));
  return {os::IoResult::Kind::kSome, size};
}

os::IoResult FakeOs::write(int channel, std::array<std::span<const std::byte>, 2> parts) {
  Worker& to = of(channel);
  if (to.hung_up || to.refuses_writes) return {os::IoResult::Kind::kGone, 0};
  if (to.full) return {};
  const std::size_t taken = std::min(to.room, parts[0].size() + parts[1].size());
  if (taken == 0) return {};
  const std::size_t of_first = std::min(taken, parts[0].size());
  to.heard.feed(parts[0].first(of_first));
  to.heard.feed(parts[1].first(taken - of_first));
  if (to.room != Worker::kEverything) to.room -= taken;
  return {os::IoResult::Kind::kSome, taken};
}

void FakeOs::close(int fd) {
  const auto found = open_.find(fd);
  if (found == open_.end()) throw std::logic_error("closed what was not open");
  open_.erase(found);
}

std::variant<os::Bell, os::SysError> FakeOs::open_bell() {
  open_.insert(kBell);
  return os::Bell{kBell, kBell};  // one descriptor is enough here
}

void FakeOs::ring(const os::Bell&) {
  const std::lock_guard lock(mutex_);
  ringing_ = true;
  changed_.notify_all();
}

void FakeOs::drain(const os::Bell&) {
  const std::lock_guard lock(mutex_);
  ringing_ = false;
}

std::optional<os::SysError> FakeOs::wait(std::span<os::Watch> watches,
                                         std::optional<os::Instant> until) {
  const std::lock_guard lock(mutex_);
  ++waits_;
  until_ = until;
  quiet_ = !until || *until > now_;
  for (os::Watch& watch : watches) {
    if (watch.fd < 0) continue;
    if (watch.fd == kBell) {
      watch.hung_up = write_end_closed_;
      watch.readable = ringing_ || write_end_closed_;
    } else if (is_channel(watch.fd)) {
      const Worker& other = of(watch.fd);
      watch.readable = watch.for_reading && (!other.said.empty() || other.hung_up);
      watch.writable = watch.for_writing && ((!other.full && other.room > 0) || other.hung_up);
    } else if (is_errors(watch.fd)) {
      watch.readable = !of(watch.fd).errors.empty() || of(watch.fd).hung_up;
    } else {
      watch.readable = of(watch.fd).ended;
    }
    watch.foreign = lost_;
    if (watch.readable || watch.writable || watch.foreign) quiet_ = false;
  }
  if (waits_fail_with) quiet_ = false;
  return waits_fail_with;
}

}  // namespace poolproof::supervise
