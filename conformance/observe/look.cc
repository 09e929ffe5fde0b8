#include "conformance/observe/look.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <map>
#include <set>
#include <utility>

#include "conformance/observe/ends.h"
#include "conformance/observe/holders.h"
#include "conformance/observe/proc_text.h"
#include "conformance/observe/wait.h"

namespace poolproof::hang {
namespace {

using Clock = std::chrono::steady_clock;

std::string folder_of(pid_t pid) { return "/proc/" + std::to_string(pid); }

std::string thread_folder(pid_t pid, pid_t tid) {
  return folder_of(pid) + "/task/" + std::to_string(tid);
}

class ProcessMemory final : public Memory {
 public:
  explicit ProcessMemory(pid_t pid)
      : fd_(::open((folder_of(pid) + "/mem").c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~ProcessMemory() override {
    if (fd_ >= 0) ::close(fd_);
  }
  ProcessMemory(const ProcessMemory&) = delete;
  ProcessMemory& operator=(const ProcessMemory&) = delete;

  bool read(std::uint64_t address, void* into, std::size_t size) const override {
    return fd_ >= 0 &&
           ::pread(fd_, into, size, static_cast<off_t>(address)) == static_cast<ssize_t>(size);
  }

 private:
  const int fd_;
};

constexpr std::uint64_t bit(int signal) { return std::uint64_t{1} << (signal - 1); }

std::vector<pid_t> tree_of(const Table& table, const Tree& wanted) {
  std::multimap<pid_t, pid_t> children;
  for (const auto& [pid, stat] : table.processes) children.emplace(stat.parent, pid);
  const auto top = table.processes.find(wanted.root);
  if (top == table.processes.end()) return {};
  std::set<pid_t> known;  // the tree, and the processes above it that are not part of it
  for (pid_t up = wanted.root; table.processes.contains(up) && known.insert(up).second;)
    up = table.processes.at(up).parent;
  std::vector<std::pair<pid_t, int>> found{{wanted.root, 0}};  // with its generation
  if (wanted.holders == 0)
    for (const auto& [pid, stat] : table.processes)
      if (stat.parent == 1 && stat.session == top->second.session &&
          stat.start >= top->second.start && known.insert(pid).second)
        found.emplace_back(pid, 0);
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto [parent, generation] = found[i];
    const auto [begin, end] = children.equal_range(parent);
    for (auto child = begin; child != end; ++child)
      if (known.insert(child->second).second) found.emplace_back(child->second, generation + 1);
  }
  // A tracer that the holders started acts only when one of its processes makes a call, so it
  // counts as a holder.
  std::set<pid_t> tracers;
  if (wanted.holders > 0)
    for (const auto& one : found)
      if (const auto status = read_text(folder_of(one.first) + "/status"))
        tracers.insert(parse_status(*status).tracer);
  std::vector<pid_t> tree;
  for (const auto& [pid, generation] : found)
    if (generation > wanted.holders || (generation == wanted.holders && !tracers.contains(pid)))
      tree.push_back(pid);
  return tree;
}

// If the kernel does not report something, the sample gets a state that no rule treats as sleep.
Sample sample(pid_t pid, pid_t tid) {
  Sample sample;
  const std::string folder = thread_folder(pid, tid);
  const auto scheduled = read_text(folder + "/schedstat");
  const auto numbers = scheduled ? parse_schedstat(*scheduled) : std::nullopt;
  const auto status = read_text(folder + "/status");
  const auto text = read_text(folder + "/stat");
  const auto stat = text ? parse_stat(*text) : std::nullopt;
  if (!numbers || !status || !stat) return sample;
  std::tie(sample.run_ns, sample.turns) = *numbers;
  sample.switches = parse_status(*status).switches;
  sample.state = stat->state;
  return sample;
}

std::vector<Descriptor> descriptors_of(pid_t pid, ProcessLook& process) {
  std::vector<Descriptor> all;
  const std::string folder = folder_of(pid);
  const auto fds = numbers_in(folder + "/fd");
  if (!fds) {
    process.unseen = std::strerror(errno);
    return all;
  }
  for (const int fd : *fds) {
    const auto link = read_link(folder + "/fd/" + std::to_string(fd));
    const auto info = read_text(folder + "/fdinfo/" + std::to_string(fd));
    if (link && info) all.push_back(parse_descriptor(fd, *link, *info));
  }
  return all;
}

bool is_32_bit(pid_t pid) {
  std::array<char, 5> head{};  // of an ELF file: its magic, then its class
  const int fd = ::open((folder_of(pid) + "/exe").c_str(), O_RDONLY | O_CLOEXEC);
  const bool read = fd >= 0 && ::read(fd, head.data(), head.size()) == std::ssize(head);
  if (fd >= 0) ::close(fd);
  return !read || head[4] != 2;  // if it cannot be read, it counts as not understood
}

void read_process(ProcessLook& process) {
  const std::string folder = folder_of(process.pid);
  if (const auto status = read_text(folder + "/status")) {
    const StatusText told = parse_status(*status);
    process.tracer = told.tracer;
    process.alarm_caught = (told.caught & bit(SIGALRM)) != 0;
    process.alarm_ignored = (told.ignored & bit(SIGALRM)) != 0;
  }
  const auto timers = read_text(folder + "/timers");
  process.timers = !timers || !timers->empty();
  process.descriptors = descriptors_of(process.pid, process);
  if (const auto maps = read_text(folder + "/maps"))
    process.maps = parse_maps(*maps);
  else
    process.unseen = std::strerror(errno);
  if (!process.unseen.empty()) return;
  process.foreign_calls = is_32_bit(process.pid);
  process.works_alone =
      std::any_of(process.descriptors.begin(), process.descriptors.end(),
                  [](const auto& d) { return d.object.kind == Object::Kind::io_uring; }) ||
      std::any_of(process.maps.begin(), process.maps.end(),
                  [](const auto& map) { return map.path.starts_with("/[aio]"); });
}

void name_futex(const ProcessLook& process, FutexWait& futex) {
  for (const SharedMap& map : process.maps)
    if (futex.shared && map.begin <= futex.address && futex.address < map.end)
      futex.by_name = name_of_mapped(process.pid, map);
}

void read_thread(ProcessLook& process, ThreadLook& thread, const Memory& memory) {
  const std::string folder = thread_folder(process.pid, thread.tid);
  if (const auto status = read_text(folder + "/status")) {
    const StatusText told = parse_status(*status);
    thread.inner = told.inner;
    thread.signal_comes = ((told.pending | told.pending_for_all) & ~told.blocked) != 0;
    thread.alarm_open = (told.blocked & bit(SIGALRM)) == 0;
  }
  const auto text = read_text(folder + "/syscall");
  if (!text) {
    process.unseen = std::strerror(errno);
    return;
  }
  if (const auto call = parse_syscall(*text)) thread.wait = decode_wait(*call, memory, process);
  name_futex(process, thread.wait.futex);
}

ProcessLook begin_process(pid_t pid, const StatText& stat) {
  ProcessLook process;
  process.pid = pid;
  process.parent = stat.parent;
  process.group = stat.group;
  process.start = stat.start;
  process.exit_status = stat.exit_status;
  if (const auto status = read_text(folder_of(pid) + "/status")) {
    const StatusText told = parse_status(*status);
    process.inner = told.inner;
    process.inner_group = told.inner_group;
  }
  const auto line = read_text(folder_of(pid) + "/cmdline");
  process.name = line ? parse_cmdline(*line) : "";
  if (process.name.empty()) process.name = stat.name;
  for (const pid_t tid : numbers_in(folder_of(pid) + "/task").value_or(std::vector<int>{})) {
    ThreadLook thread;
    thread.tid = tid;
    thread.before = sample(pid, tid);
    if (thread.before.state == 'Z' || thread.before.state == 'X') continue;  // nothing runs in it
    if (auto name = read_text(thread_folder(pid, tid) + "/comm")) {
      if (!name->empty() && name->back() == '\n') name->pop_back();
      thread.name = *name;
    }
    process.threads.push_back(std::move(thread));
  }
  process.dead = process.threads.empty();
  return process;
}

// Does a thread with this number live in the PID namespace of that process?
bool lives_beside(const Table& table, pid_t beside, pid_t inner) {
  const auto space = read_link(folder_of(beside) + "/ns/pid");
  for (const auto& [pid, stat] : table.processes) {
    if (stat.state == 'Z' || read_link(folder_of(pid) + "/ns/pid") != space) continue;
    for (const pid_t tid : numbers_in(folder_of(pid) + "/task").value_or(std::vector<int>{}))
      if (const auto status = read_text(thread_folder(pid, tid) + "/status"))
        if (parse_status(*status).inner == inner) return true;
  }
  return false;
}

void tell_owners(const Table& table, Look& look) {
  for (ProcessLook& process : look.processes)
    for (ThreadLook& thread : process.threads)
      if (FutexWait& futex = thread.wait.futex; futex.owner)
        futex.owner_lives = lives_beside(table, process.pid, *futex.owner);
}

Wanted wanted_by(const Look& look) {
  Wanted wanted;
  for (const ProcessLook& process : look.processes)
    for (const ThreadLook& thread : process.threads) {
      for (const Wish& wish : thread.wait.wishes)
        for (const Object& object : {wish.object, wish.peer})
          if (!object.name.empty()) wanted.objects.insert(object.name);
      if (thread.wait.kind == Wait::Kind::file_lock) wanted.objects.insert(thread.wait.locked.name);
      if (!thread.wait.futex.shared) continue;
      wanted.maps.insert(thread.wait.futex.device_inode);
      wanted.objects.insert(thread.wait.futex.path);
    }
  // A pidfd, epoll or timerfd of another process may have the same name, but is a different object.
  std::erase_if(wanted.objects,
                [](const std::string& name) { return name.starts_with("anon_inode:"); });
  return wanted;
}

}  // namespace

Look look_at(const Tree& wanted) {
  const auto begin = Clock::now();
  Look look;
  const Table table = read_table();
  const std::vector<pid_t> tree = tree_of(table, wanted);
  // The samples come first and last: if they are equal, everything in between was read while
  // nothing ran.
  for (const pid_t pid : tree)
    look.processes.push_back(begin_process(pid, table.processes.at(pid)));
  const auto sockets = unix_sockets();
  for (ProcessLook& process : look.processes) {
    if (process.dead) continue;
    read_process(process);
    const ProcessMemory memory(process.pid);
    for (ThreadLook& thread : process.threads) {
      read_thread(process, thread, memory);
      ask_ends(process.pid, thread.wait, sockets);
    }
  }
  tell_owners(table, look);
  find_outsiders(table, {tree.begin(), tree.end()}, wanted.root, wanted_by(look), look);
  if (const auto locks = read_text("/proc/locks")) look.locks = parse_locks(*locks);
  if (const auto timers = read_text("/proc/timer_list"))
    look.interval_timers = has_interval_timer(*timers);
  for (ProcessLook& process : look.processes)
    for (ThreadLook& thread : process.threads) thread.after = sample(process.pid, thread.tid);
  look.took = Clock::now() - begin;
  return look;
}

}  // namespace poolproof::hang
