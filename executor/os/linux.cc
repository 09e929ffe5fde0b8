#include "executor/os/linux.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "executor/check.h"
#include "executor/os/cgroup.h"
#include "executor/os/child.h"
#include "executor/os/memory.h"

namespace poolproof::os {
namespace {

// The kernel's struct pidfd_info and its request, which this system's headers may be too old to
// have.
struct PidfdInfo {
  std::uint64_t mask;
  std::uint64_t cgroup;
  std::uint32_t ids[11];
  std::int32_t exit_status;
};
constexpr std::uint64_t kInfoExit = 1u << 3;  // PIDFD_INFO_EXIT
const unsigned long kGetInfo = _IOWR(0xFF, 11, PidfdInfo);

// glibc 2.36 declares these two without C linkage.
int open_pidfd(pid_t pid) { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); }
void send_signal(int pidfd, int signal) {
  syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0);
}

ExitStatus decode(int wait_status) {
  if (WIFEXITED(wait_status)) return Exited{WEXITSTATUS(wait_status)};
  return Signaled{WTERMSIG(wait_status), WCOREDUMP(wait_status) != 0};
}

// Somebody else took the record (SIGCHLD ignored, a wait for any child): newer kernels keep a copy
// at the pidfd.
ExitStatus reaped_elsewhere(int handle) {
  PidfdInfo info{};
  info.mask = kInfoExit;
  if (ioctl(handle, kGetInfo, &info) == 0 && (info.mask & kInfoExit) != 0) {
    return decode(info.exit_status);
  }
  return Unseen{};
}

std::optional<ExitStatus> wait_for(int handle, int more_options) {
  siginfo_t info;
  int answer = 0;
  do {
    info.si_pid = 0;
    answer = waitid(P_PIDFD, static_cast<id_t>(handle), &info, WEXITED | more_options);
  } while (answer != 0 && errno == EINTR);
  if (answer != 0) return reaped_elsewhere(handle);
  if (info.si_pid == 0) return std::nullopt;
  if (info.si_code == CLD_EXITED) return Exited{info.si_status};
  return Signaled{info.si_status, info.si_code == CLD_DUMPED};
}

// Above the three standard descriptors, which the spawn fills by number.
int lifted(int fd) {
  if (fd > STDERR_FILENO || fd < 0) return fd;
  const int higher = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  const int error = errno;
  ::close(fd);
  errno = error;
  return higher;
}

// A list of words as the system wants it.
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

// The program's own, but for what `more` sets.
std::vector<std::string> environment_with(const std::map<std::string, std::string>& more) {
  std::vector<std::string> all;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (!more.contains(std::string(text.substr(0, text.find('='))))) all.emplace_back(text);
  }
  for (const auto& [name, value] : more) all.push_back(name + "=" + value);
  return all;
}

// posix_spawn's two argument objects, which must be destroyed on every way out.
class SpawnPlan {
 public:
  // `errors`: -1: stderr is inherited.
  SpawnPlan(int channel, int errors) {
    posix_spawn_file_actions_init(&actions_);
    // First, since it may stand where the channel goes.
    if (errors >= 0) posix_spawn_file_actions_adddup2(&actions_, errors, STDERR_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, channel, kWorkerChannel);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    // Closed in the child and by range: the user's descriptors are not ours to mark.
    posix_spawn_file_actions_addclosefrom_np(&actions_, kWorkerChannel + 1);
    posix_spawnattr_init(&attributes_);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  int run(int index, const WorkerSettings& settings, pid_t* pid) {
    Words arguments(
        {kWorkerMarker, std::to_string(getpid()), std::to_string(index),
         std::to_string(settings.max_payload),
         std::to_string(settings.memory_cgroup.empty() ? settings.memory_limit : 0),
         std::to_string(settings.memory_interval.count()), settings.has_initializer ? "1" : "0",
         settings.name + "-" + std::to_string(index), std::to_string(nesting_depth() + 1),
         settings.memory_cgroup.empty() ? "0" : "1"});
    Words environment(environment_with(settings.env));
    return posix_spawn(pid, "/proc/self/exe", &actions_, &attributes_, arguments.pointers(),
                       environment.pointers());
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

// A pair of ends: the one that we keep does not block, the other one is for the worker.
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
  std::optional<SysError> take(const int (&ends)[2]) {
    ours = lifted(ends[0]);
    theirs = lifted(ends[1]);
    if (ours < 0 || theirs < 0) return SysError{"fcntl(F_DUPFD_CLOEXEC)", errno};
    if (fcntl(ours, F_SETFL, O_NONBLOCK) != 0) return SysError{"fcntl(O_NONBLOCK)", errno};
    return std::nullopt;
  }
};

// Into its own cgroup, and only then may it go on.
std::optional<SysError> admit(int pid, const std::string& cgroup, int channel) {
  if (const auto failed = move_into(cgroup, pid)) return failed;
  // Should it be dead by now, its exit record will tell.
  send(channel, &kGo, sizeof(kGo), MSG_DONTWAIT | MSG_NOSIGNAL);
  return std::nullopt;
}

std::variant<Child, SysError> start_on(Ends& channel, Ends& errors, int index,
                                       const WorkerSettings& settings, const std::string& cgroup) {
  std::string own_cgroup = cgroup;  // before the spawn: a copy that fails must not lose a process
  pid_t pid = 0;
  const int failed = SpawnPlan(channel.theirs, errors.theirs).run(index, settings, &pid);
  if (failed != 0) return SysError{"posix_spawn", failed};
  // The pid is still that process: nobody but us reaps it, unless the program asked for that.
  const int handle = lifted(open_pidfd(pid));
  std::optional<SysError> why;
  if (handle < 0) why = SysError{"pidfd_open", errno};
  if (!why && !cgroup.empty()) why = admit(pid, cgroup, channel.ours);
  if (why) {
    ::kill(pid, SIGKILL);
    siginfo_t info;
    waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED);
    if (handle >= 0) ::close(handle);
    return *why;
  }
  return Child{pid, handle, std::exchange(channel.ours, -1), std::exchange(errors.ours, -1),
               std::move(own_cgroup)};
}

}  // namespace

std::string to_string(const SysError& error) {
  return std::string(error.call) + ": " + std::strerror(error.number);
}

Instant LinuxOs::now() { return std::chrono::steady_clock::now(); }

std::variant<Child, SysError> LinuxOs::spawn_worker(int index, const WorkerSettings& settings) {
  Ends channel, errors;
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    return SysError{"socketpair", errno};
  }
  if (const auto failed = channel.take(pair)) return *failed;
  if (settings.keep_stderr) {
    if (pipe2(pair, O_CLOEXEC) != 0) return SysError{"pipe2", errno};
    if (const auto failed = errors.take(pair)) return *failed;
  }
  if (settings.memory_cgroup.empty()) return start_on(channel, errors, index, settings, "");
  const auto cgroup = make_cgroup(settings.memory_cgroup, settings.memory_limit);
  if (const auto* failed = std::get_if<SysError>(&cgroup)) return *failed;
  auto child = start_on(channel, errors, index, settings, std::get<std::string>(cgroup));
  if (std::holds_alternative<SysError>(child)) remove_cgroup(std::get<std::string>(cgroup));
  return child;
}

void LinuxOs::kill(const Child& child) { send_signal(child.handle, SIGKILL); }

bool LinuxOs::is_frozen(const Child& child) {
  const std::string path = "/proc/" + std::to_string(child.pid) + "/stat";
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  char text[512];
  const ssize_t size = ::read(fd, text, sizeof(text) - 1);
  ::close(fd);
  if (size <= 0) return false;
  text[size] = '\0';
  // pid (name) state ...: the name may hold anything, so look from the last parenthesis.
  const char* name_end = std::strrchr(text, ')');
  return name_end != nullptr && (name_end[2] == 'T' || name_end[2] == 't');
}

std::optional<ExitStatus> LinuxOs::try_reap(const Child& child) {
  return wait_for(child.handle, WNOHANG);
}

ExitStatus LinuxOs::reap(const Child& child) {
  const std::optional<ExitStatus> status = wait_for(child.handle, 0);
  POOLPROOF_CHECK(status.has_value(), "a waitid that blocks returned without a process");
  return *status;
}

std::optional<std::uint64_t> LinuxOs::out_of_memory_kills() { return count_out_of_memory_kills(); }

std::optional<std::uint64_t> LinuxOs::own_out_of_memory_kills(const Child& child) {
  return child.cgroup.empty() ? std::nullopt : out_of_memory_kills_in(child.cgroup);
}

bool LinuxOs::clear_away(const Child& child) {
  return child.cgroup.empty() || remove_cgroup(child.cgroup);
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
    // sendmsg only reads; its interface is older than const.
    vectors[i] = {const_cast<std::byte*>(parts[i].data()), parts[i].size()};
  }
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = vectors.size();
  ssize_t size = 0;
  do {
    size = sendmsg(channel, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
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

std::uint64_t LinuxOs::identity(int fd) {
  struct stat what {};
  if (fstat(fd, &what) != 0) return 0;
  // Sockets and pipes have inodes of their own. So have pidfds since Linux 6.9; before, they share
  // one with eventfds and their like, and are told from files, pipes and sockets only.
  return (static_cast<std::uint64_t>(what.st_dev) << 48) ^ what.st_ino ^ (std::uint64_t{1} << 63);
}

void LinuxOs::abandon(const Child& child) {
  // Only while it is an unreaped child of ours can its pid be nobody else's.
  const auto pid = static_cast<id_t>(child.pid);
  siginfo_t info{};
  if (waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0) return;
  ::kill(child.pid, SIGKILL);
  waitid(P_PID, pid, &info, WEXITED);
}

namespace {

// A high number for what must be missed as soon as the program has closed it. A woken ppoll looks
// at its numbers anew; under a low one the program's next descriptor would stand there by then, and
// ppoll would sleep on. Under a high one there is nothing, and it says so.
int out_of_reach(int fd) {
  for (const int least : {1000, 500, 250, 100}) {  // a soft limit may be lower
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
  if (const auto failed = ends.take(pair)) return *failed;
  return Bell{out_of_reach(std::exchange(ends.ours, -1)), std::exchange(ends.theirs, -1)};
}

void LinuxOs::ring(const Bell& bell) {
  const char one = 1;
  // Fails only when the line is full: then it rings already. To a file or a pipe, should the number
  // have become one, send writes nothing.
  [[maybe_unused]] const ssize_t size = send(bell.clapper, &one, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void LinuxOs::hush(const Bell& bell) {
  char rings[64];
  while (recv(bell.ear, rings, sizeof(rings), MSG_DONTWAIT) == sizeof(rings)) continue;
}

void LinuxOs::wait(std::span<Watch> watches, std::optional<Instant> until) {
  std::vector<pollfd> polled;
  polled.reserve(watches.size());
  for (const Watch& watch : watches) {
    const int events = (watch.for_reading ? POLLIN : 0) | (watch.for_writing ? POLLOUT : 0);
    polled.push_back({watch.fd, static_cast<short>(events), 0});
  }
  timespec left{};
  if (until) {
    const std::chrono::nanoseconds ns = time_left(now(), *until);
    left.tv_sec = static_cast<time_t>(ns.count() / 1'000'000'000);
    left.tv_nsec = static_cast<long>(ns.count() % 1'000'000'000);
  }
  const int ready = ppoll(polled.data(), polled.size(), until ? &left : nullptr, nullptr);
  for (std::size_t i = 0; i < watches.size(); ++i) {
    const short told = ready > 0 ? polled[i].revents : short{0};
    watches[i].readable = (told & (POLLIN | POLLHUP | POLLERR)) != 0;
    watches[i].writable = (told & (POLLOUT | POLLERR)) != 0;
    watches[i].hung_up = (told & (POLLHUP | POLLERR)) != 0;
    watches[i].foreign = (told & POLLNVAL) != 0;
  }
}

}  // namespace poolproof::os
