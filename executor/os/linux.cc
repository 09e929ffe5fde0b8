#include "executor/os/linux.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "executor/os/cgroup.h"
#include "executor/os/file.h"
#include "executor/os/lifeline.h"
#include "executor/os/memory.h"
#include "executor/os/nesting.h"
#include "executor/os/reap.h"
#include "executor/os/rights.h"
#include "executor/os/spawn.h"
#include "executor/os/wait_any.h"
#include "executor/os/worker_start.h"

namespace poolproof::os {
namespace {

// A list of strings in the form that the system calls need.
class Words {
 public:
  explicit Words(std::vector<std::string> words) : words_(std::move(words)) {
    for (std::string& word : words_) pointers_.push_back(word.data());
    pointers_.push_back(nullptr);
  }
  Words(const Words&) = delete;
  Words& operator=(const Words&) = delete;
  char** pointers() { return pointers_.data(); }

 private:
  std::vector<std::string> words_;
  std::vector<char*> pointers_;
};

WorkerStart start_of(int index, const WorkerSettings& settings, const std::string& name) {
  WorkerStart start;
  start.parent = getpid();
  start.index = index;
  start.max_payload = settings.max_payload;
  start.memory_limit = settings.memory_cgroup.empty() ? settings.memory_limit : 0;
  start.memory_interval_ms = settings.memory_interval.count();
  start.has_initializer = settings.has_initializer ? 1 : 0;
  start.waits = settings.memory_cgroup.empty() ? 0 : 1;
  start.depth = nesting_depth() + 1;
  start.share = settings.share;
  start.leaves_terminal = settings.leaves_terminal ? 1 : 0;
  start.name = name.c_str();
  return start;
}

// Two ends: ours does not block, and the other one is for the worker.
struct Ends {
  int ours = -1;
  int theirs = -1;

  Ends() = default;
  Ends(const Ends&) = delete;
  Ends& operator=(const Ends&) = delete;
  ~Ends() {
    if (ours >= 0) ::close(ours);
    if (theirs >= 0) ::close(theirs);
  }
  Ends& operator=(Ends&& other) noexcept {
    std::swap(ours, other.ours);
    std::swap(theirs, other.theirs);
    return *this;
  }
  std::optional<SysError> take(int one, int other) {
    ours = lifted(one);
    theirs = lifted(other);
    if (ours < 0 || theirs < 0) return SysError{"fcntl(F_DUPFD_CLOEXEC)", errno};
    if (fcntl(ours, F_SETFL, O_NONBLOCK) != 0) return SysError{"fcntl(O_NONBLOCK)", errno};
    return std::nullopt;
  }
};

// Moves a worker into its own cgroup, and then lets it go on.
std::optional<SysError> admit(int pid, const std::string& cgroup, int channel) {
  if (const auto failed = move_into(cgroup, pid)) return failed;
  // If it is dead by now, its exit record shows it.
  send(channel, &kGo, sizeof(kGo), MSG_DONTWAIT | MSG_NOSIGNAL);
  return std::nullopt;
}

// Everything that one start needs. What is not passed to the child is closed again.
struct Line {
  Ends channel, errors, lifeline;
};

std::variant<Child, SysError> start_on(Line& line, int index, const WorkerSettings& settings,
                                       const std::string& cgroup) {
  const std::string name = settings.name + "-" + std::to_string(index);
  WorkerStart start = start_of(index, settings, name);
  // It cannot fail, and sets no errno, but a seccomp filter can answer for it.
  if (start.parent < 0) return SysError{"getpid", -start.parent};
  if (std::string why = why_no_workers(); !why.empty()) return SysError{"", 0, std::move(why)};
  for (const auto& why_not : {&why_no_workers, &why_not_by_this_thread}) {
    if (std::string why = why_not(); !why.empty()) return SysError{"", 0, std::move(why)};
  }
  const std::optional<Capabilities> capabilities = program_capabilities();
  if (!capabilities) {
    return SysError{"reading /proc/self/status", errno,
                    " (is /proc mounted in this root directory?)"};
  }
  start.capabilities = *capabilities;
  std::vector<std::string> words = to_words(start);
  words.insert(words.begin(), kWorkerMarker);
  Words arguments(std::move(words));
  Words environment(settings.environment);
  const auto launched = launch({.arguments = arguments.pointers(),
                                .environment = environment.pointers(),
                                .channel = line.channel.theirs,
                                .lifeline = line.lifeline.theirs,
                                .errors = line.errors.theirs});
  if (const auto* failed = std::get_if<SysError>(&launched)) return *failed;
  const auto [pid, handle] = std::get<Launched>(launched);
  if (!cgroup.empty()) {
    if (const auto why = admit(pid, cgroup, line.channel.ours)) {
      line.lifeline = Ends();
      ::kill(pid, SIGKILL);
      reap_by_handle(handle);
      ::close(handle);
      return *why;
    }
  }
  return Child{pid,
               handle,
               std::exchange(line.channel.ours, -1),
               std::exchange(line.errors.ours, -1),
               cgroup,
               std::exchange(line.lifeline.ours, -1),
               settings.share};
}

std::optional<SysError> open_line(Line& line, const WorkerSettings& settings) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    return SysError{"socketpair", errno};
  }
  if (auto failed = line.channel.take(pair[0], pair[1])) return failed;
  auto lifeline = open_lifeline();
  if (auto* failed = std::get_if<SysError>(&lifeline)) return *failed;
  line.lifeline.ours = std::get<Lifeline>(lifeline).programs;
  line.lifeline.theirs = std::get<Lifeline>(lifeline).workers;
  if (!settings.keep_stderr) return std::nullopt;
  if (pipe2(pair, O_CLOEXEC) != 0) return SysError{"pipe2", errno};
  return line.errors.take(pair[0], pair[1]);
}

}  // namespace

std::string to_string(const SysError& error) {
  std::string text = error.call;
  if (error.number != 0)
    text += std::string(text.empty() ? "" : ": ") + std::strerror(error.number);
  return text + error.hint;
}

Instant LinuxOs::now() { return std::chrono::steady_clock::now(); }

std::variant<Child, SysError> LinuxOs::spawn_worker(int index, const WorkerSettings& settings) {
  if (!take_from_share(settings.share)) {
    return SysError{"", 0,
                    "this worker and those that it has started may have no more workers of their "
                    "own at once; an executor in a task gets a part of what the program's has"};
  }
  Line line;
  std::string cgroup;
  auto child = [&]() -> std::variant<Child, SysError> {
    if (auto failed = open_line(line, settings)) return *failed;
    if (settings.memory_cgroup.empty()) return start_on(line, index, settings, cgroup);
    auto made = make_cgroup(settings.memory_cgroup, settings.memory_limit);
    if (auto* failed = std::get_if<SysError>(&made)) return *failed;
    cgroup = std::get<std::string>(made);
    return start_on(line, index, settings, cgroup);
  }();
  if (std::holds_alternative<Child>(child)) return child;
  if (!cgroup.empty()) remove_cgroup(cgroup);
  give_back_to_share(settings.share);
  return child;
}

std::optional<SysError> LinuxOs::kill(Child& child) {
  if (syscall(SYS_pidfd_send_signal, child.handle, SIGKILL, nullptr, 0) == 0) return std::nullopt;
  if (errno == ESRCH) return std::nullopt;
  const SysError failed{"pidfd_send_signal(SIGKILL)", errno};
  if (child.lifeline >= 0) ::close(std::exchange(child.lifeline, -1));
  return failed;
}

std::uint64_t LinuxOs::rights() { return rights_digest(); }

bool LinuxOs::is_frozen(const Child& child) {
  const std::string path = "/proc/" + std::to_string(child.pid) + "/stat";
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  char text[512];
  const ssize_t size = ::read(fd, text, sizeof(text) - 1);
  ::close(fd);
  if (size <= 0) return false;
  text[size] = '\0';
  // pid (name) state ...: the name may contain any character, so search for the last parenthesis.
  const char* name_end = std::strrchr(text, ')');
  return name_end != nullptr && (name_end[2] == 'T' || name_end[2] == 't');
}

std::optional<ExitStatus> LinuxOs::try_reap(const Child& child) {
  return try_reap_by_handle(child.handle);
}

ExitStatus LinuxOs::reap(const Child& child) { return reap_by_handle(child.handle); }

std::optional<std::uint64_t> LinuxOs::out_of_memory_kills() { return count_out_of_memory_kills(); }

std::optional<std::uint64_t> LinuxOs::own_out_of_memory_kills(const Child& child) {
  return child.cgroup.empty() ? std::nullopt : out_of_memory_kills_in(child.cgroup);
}

bool LinuxOs::clear_away(const Child& child) {
  if (!child.cgroup.empty() && !remove_cgroup(child.cgroup)) return false;
  give_back_to_share(child.share);
  return true;
}

IoResult LinuxOs::read(int fd, std::span<std::byte> into) {
  ssize_t size = 0;
  do {
    size = ::read(fd, into.data(), into.size());
  } while (size < 0 && errno == EINTR);
  if (size > 0) return {IoResult::Kind::kSome, static_cast<std::size_t>(size)};
  if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return {};
  return {IoResult::Kind::kGone, 0};
}

IoResult LinuxOs::write(int channel, std::array<std::span<const std::byte>, 2> parts) {
  std::array<iovec, 2> vectors;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    // sendmsg only reads the data; its interface is older than const.
    vectors[i] = {const_cast<std::byte*>(parts[i].data()), parts[i].size()};
  }
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = vectors.size();
  ssize_t size = 0;
  do {
    size = sendmsg(channel, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    // The channel does not block, and SIGPIPE is blocked on this thread.
    if (size < 0 && is_refused(errno)) size = writev(channel, vectors.data(), vectors.size());
  } while (size < 0 && errno == EINTR);
  if (size >= 0) return {IoResult::Kind::kSome, static_cast<std::size_t>(size)};
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) return {};
  return {IoResult::Kind::kGone, 0};
}

std::size_t LinuxOs::unread(int channel) {
  int size = 0;
  return ioctl(channel, SIOCINQ, &size) == 0 && size > 0 ? static_cast<std::size_t>(size) : 0;
}

void LinuxOs::close(int fd) { ::close(fd); }

std::uint64_t LinuxOs::identity(int fd) { return identity_of(fd); }

void LinuxOs::abandon(const Child& child) { end_by_pid(child.pid); }

namespace {

// Moves a descriptor to a high number, so that the program does not reuse the number soon after it
// closes the descriptor. A woken ppoll looks its numbers up again. With a low number, the program's
// next descriptor would be there by then, and ppoll would sleep on. With a high number there is
// none, and ppoll reports that.
int out_of_reach(int fd) {
  for (const int least : {1000, 500, 250, 100}) {  // the soft limit may be lower
    const int moved = fcntl(fd, F_DUPFD_CLOEXEC, least);
    if (moved < 0) continue;
    ::close(fd);
    return moved;
  }
  return fd;
}

}  // namespace

std::variant<Bell, SysError> LinuxOs::open_bell() {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    return SysError{"socketpair", errno};
  }
  Ends ends;
  if (const auto failed = ends.take(pair[0], pair[1])) return *failed;
  return Bell{out_of_reach(std::exchange(ends.ours, -1)), std::exchange(ends.theirs, -1)};
}

void LinuxOs::ring(const Bell& bell) {
  const char one = 1;
  // If the socket is full, the bell has rung already. If the number now belongs to a file or a
  // pipe, send writes nothing.
  if (send(bell.write_end, &one, 1, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 || !is_refused(errno)) return;
  [[maybe_unused]] const ssize_t size = ::write(bell.write_end, &one, 1);
}

void LinuxOs::drain(const Bell& bell) {
  char rings[64];
  ssize_t size = 0;
  do {
    size = recv(bell.read_end, rings, sizeof(rings), MSG_DONTWAIT);
    if (size < 0 && is_refused(errno)) size = ::read(bell.read_end, rings, sizeof(rings));
  } while (size == sizeof(rings));
}

std::optional<SysError> LinuxOs::wait(std::span<Watch> watches, std::optional<Instant> until) {
  std::vector<pollfd> polled;
  std::vector<Watch*> asked;
  polled.reserve(watches.size());
  asked.reserve(watches.size());
  for (Watch& watch : watches) {
    watch.readable = watch.writable = watch.hung_up = watch.foreign = false;
    if (watch.fd < 0) continue;
    const int events = (watch.for_reading ? POLLIN : 0) | (watch.for_writing ? POLLOUT : 0);
    polled.push_back({watch.fd, static_cast<short>(events), 0});
    asked.push_back(&watch);
  }
  const int ready = poll_any(polled, until);
  if (ready < 0 && errno != EINTR) return SysError{"ppoll", errno};
  for (std::size_t i = 0; ready > 0 && i < asked.size(); ++i) {
    const short told = polled[i].revents;
    asked[i]->readable = (told & (POLLIN | POLLHUP | POLLERR)) != 0;
    asked[i]->writable = (told & (POLLOUT | POLLERR)) != 0;
    asked[i]->hung_up = (told & (POLLHUP | POLLERR)) != 0;
    asked[i]->foreign = (told & POLLNVAL) != 0;
  }
  return std::nullopt;
}

}  // namespace poolproof::os
