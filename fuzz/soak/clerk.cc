#include "fuzz/soak/clerk.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

#include "faults/cage/watch.h"

namespace poolproof::fuzz::soak {
namespace {

void require(bool held, const char* what) {
  if (!held) throw faults::CallFailed(what);
}

std::optional<ExitStatus> status_of(int handle) {
  const std::optional<int> status = faults::reaped_status(handle);
  if (!status) return std::nullopt;
  if (WIFEXITED(*status)) return Exited{WEXITSTATUS(*status)};
  return Signaled{WTERMSIG(*status), WCOREDUMP(*status) != 0};
}

}  // namespace

Clerk::Clerk() {
  char name[] = "/tmp/poolproof-soak-XXXXXX";
  require(mkdtemp(name) != nullptr, "mkdtemp");
  folder_ = name;
  ledger_ = folder_ + "/ledger";
  require(mkfifo(ledger_.c_str(), 0600) == 0, "mkfifo");
  // Tasks and the program also write to it as other users.
  require(chmod(folder_.c_str(), 0755) == 0 && chmod(ledger_.c_str(), 0666) == 0, "chmod");
  // Opened for both ways, so that it never ends although no task holds it.
  fifo_ = open(ledger_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  bell_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  require(fifo_ >= 0 && bell_ >= 0, "open");
  fcntl(fifo_, F_SETPIPE_SZ, 1 << 20);
  thread_ = std::thread([this] { work(); });
}

Clerk::~Clerk() {
  if (thread_.joinable()) finish();
  for (const auto& [worker, handle] : handles_) ::close(handle);
  ::close(fifo_);
  ::close(bell_);
  unlink(ledger_.c_str());
  rmdir(folder_.c_str());
}

Serial Clerk::make_task(Deed deed, Instant limit_at) {
  const std::lock_guard lock(mutex_);
  return book_.make_task(deed, limit_at);
}

void Clerk::future_ended(Serial task, Outcome outcome) {
  {
    const std::lock_guard lock(mutex_);
    ended_.emplace_back(task, std::move(outcome));
  }
  eventfd_write(bell_, 1);
}

bool Clerk::strike(const Identity& worker, Blow blow) {
  const std::lock_guard lock(mutex_);
  const auto found = living_.find(worker);
  if (found == living_.end()) return false;
  book_.strike({worker, blow, std::chrono::steady_clock::now()});
  syscall(SYS_pidfd_send_signal, found->second, signal_of(blow), nullptr, 0);
  return true;
}

void Clerk::strike_all(Blow blow) {
  const std::lock_guard lock(mutex_);
  book_.strike_all(blow, std::chrono::steady_clock::now());
  kill(0, signal_of(blow));
}

void Clerk::expect_no_spawns(Instant until) {
  const std::lock_guard lock(mutex_);
  book_.expect_no_spawns(until);
}

void Clerk::expect_no_look(Instant until) {
  const std::lock_guard lock(mutex_);
  book_.expect_no_look(until);
}

bool Clerk::look_whether_stopped(const Identity& worker) {
  const std::lock_guard lock(mutex_);
  const auto use = use_descriptors();  // always lock this one after the other
  if (!living_.contains(worker)) return false;
  const auto stat = faults::read_stat(worker.pid);
  if (!stat || stat->identity() != worker || stat->state != 'T') return false;
  book_.seen_stopped(worker, std::chrono::steady_clock::now());
  return true;
}

std::vector<Identity> Clerk::alive() const {
  const std::lock_guard lock(mutex_);
  return book_.alive();
}

std::vector<Identity> Clerk::hanging() const {
  const std::lock_guard lock(mutex_);
  return book_.hanging();
}

bool Clerk::hangs(const Identity& worker) const {
  const std::lock_guard lock(mutex_);
  return book_.hangs(worker);
}

Tally Clerk::tally() const {
  const std::lock_guard lock(mutex_);
  return book_.tally();
}

std::vector<std::string> Clerk::wrong() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> all = complaints_;
  all.insert(all.end(), book_.wrong().begin(), book_.wrong().end());
  return all;
}

void Clerk::complain(const std::string& what) {
  const std::lock_guard lock(mutex_);
  complaints_.push_back(what);
}

void Clerk::finish() {
  {
    const std::lock_guard lock(mutex_);
    finishing_ = true;
  }
  eventfd_write(bell_, 1);
  thread_.join();
}

void Clerk::work() {
  while (turn()) continue;
  const std::lock_guard lock(mutex_);
  book_.finish();
}

bool Clerk::turn() {
  std::vector<pollfd> watched = {{fifo_, POLLIN, 0}, {bell_, POLLIN, 0}};
  std::vector<Identity> whose;
  bool finishing = false;
  {
    const std::lock_guard lock(mutex_);
    finishing = finishing_;
    for (const auto& [worker, handle] : living_) {
      whose.push_back(worker);
      watched.push_back({handle, POLLIN, 0});
    }
  }
  poll(watched.data(), watched.size(), finishing ? 0 : -1);
  eventfd_t rings = 0;
  eventfd_read(bell_, &rings);
  // In this order: first take the futures that have ended, then read what was written before.
  std::vector<std::pair<Serial, Outcome>> ended;
  {
    const std::lock_guard lock(mutex_);
    ended.swap(ended_);
  }
  read_all(torn_);
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < whose.size(); ++i) {
    if (watched[i + 2].revents == 0) continue;
    book_.process_ended(whose[i]);
    living_.erase(whose[i]);
  }
  for (const auto& [task, outcome] : ended) book_.judge(task, outcome);
  close_due();
  // Reads once more after the request to finish, so that this turn has begun after everything else
  // ended.
  return !finishing;
}

void Clerk::read_all(std::string& torn) {
  std::array<char, 65536> some;
  for (ssize_t size; (size = ::read(fifo_, some.data(), some.size())) > 0;) {
    torn.append(some.data(), static_cast<std::size_t>(size));
    std::size_t begin = 0;
    const std::lock_guard lock(mutex_);
    for (std::size_t end; (end = torn.find('\n', begin)) != std::string::npos; begin = end + 1) {
      const auto line = parse_line(std::string_view(torn).substr(begin, end - begin));
      if (!line) {
        complaints_.push_back("a line of the ledger cannot be read");
        continue;
      }
      book_.read(*line);
      watch(line->worker);
    }
    torn.erase(0, begin);
  }
}

// The pid belongs to that process if it still has that start time after the handle was opened.
void Clerk::watch(const Identity& worker) {
  if (handles_.contains(worker)) return;
  const auto use = use_descriptors();
  const int handle = static_cast<int>(syscall(SYS_pidfd_open, worker.pid, 0));
  const auto stat = faults::read_stat(worker.pid);
  if (handle >= 0 && stat && stat->identity() == worker) {
    handles_.emplace(worker, handle);
    living_.emplace(worker, handle);
    return;
  }
  if (handle >= 0) ::close(handle);
  handles_.emplace(worker, -1);
  book_.process_ended(worker);
}

void Clerk::close_due() {
  for (const Identity& worker : book_.due()) {
    const auto found = handles_.find(worker);
    book_.close(worker, found->second < 0 ? std::nullopt : status_of(found->second));
    if (found->second >= 0) ::close(found->second);
    handles_.erase(found);
  }
}

}  // namespace poolproof::fuzz::soak
