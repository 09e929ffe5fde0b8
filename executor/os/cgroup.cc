#include "executor/os/cgroup.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>
#include <vector>

namespace poolproof::os {
namespace {

using std::string;

// How an error names the call, so that it also names the option that caused it.
constexpr char kMake[] = "mkdir in ExecutorOptions::memory_cgroup";
constexpr char kLimit[] = "setting the limit of a cgroup in ExecutorOptions::memory_cgroup";
constexpr char kMove[] = "moving a worker to its cgroup in ExecutorOptions::memory_cgroup";

constexpr int kNames = 1000;  // names to try until one is free

bool exists(const string& path) { return access(path.c_str(), F_OK) == 0; }

bool has_word(const string& file, std::string_view wanted) {
  std::ifstream in(file);
  return std::find(std::istream_iterator<string>(in), {}, wanted) !=
         std::istream_iterator<string>();
}

// False: errno says why.
bool put(const string& file, const string& text) {
  const int fd = open(file.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const ssize_t size = ::write(fd, text.data(), text.size());
  const int error = errno;
  close(fd);
  errno = error;
  return size == static_cast<ssize_t>(text.size());
}

// In version 2, children get the controller only if this is written.
bool hand_on_memory(const string& parent) {
  const string file = parent + "/cgroup.subtree_control";
  return !exists(file) || has_word(file, "memory") || put(file, "+memory");
}

std::vector<int> processes_in(const string& cgroup) {
  std::ifstream in(cgroup + "/cgroup.procs");
  std::vector<int> pids(std::istream_iterator<int>(in), {});
  std::erase_if(pids, [](int pid) { return pid <= 0; });  // 0: a process that we cannot see
  return pids;
}

// Kills one process of the cgroup, and never a process that got the same number later: the handle
// was opened first, and the number is still in the list.
void kill_in(const string& cgroup, int pid) {
  const int handle = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (handle < 0) return;
  const std::vector<int> still = processes_in(cgroup);
  if (std::find(still.begin(), still.end(), pid) != still.end()) {
    syscall(SYS_pidfd_send_signal, handle, SIGKILL, nullptr, 0);
  }
  close(handle);
}

// Version 2 has a file for this since Linux 5.14. It also kills a process that is just being
// forked.
void kill_all_in(const string& cgroup) {
  if (put(cgroup + "/cgroup.kill", "1")) return;
  for (const int pid : processes_in(cgroup)) kill_in(cgroup, pid);
}

bool is_removed(const string& cgroup) { return rmdir(cgroup.c_str()) == 0 || errno == ENOENT; }

}  // namespace

string missing_for_cgroups(const string& parent, std::size_t memory_limit) {
  const string called = "ExecutorOptions::memory_cgroup is " + parent + ", ";
  const string cure =
      ". Cure: give it a cgroup of the memory controller that this user may divide (version 1: a "
      "directory that it owns; version 2: one with no process of its own, delegated to it, as by "
      "systemd's Delegate=memory); or leave it empty, and memory_limit is RLIMIT_DATA";
  if (!exists(parent + "/cgroup.procs")) return called + "which is no cgroup" + cure;
  const bool second = exists(parent + "/cgroup.controllers");
  if (second ? !has_word(parent + "/cgroup.controllers", "memory")
             : !exists(parent + "/memory.limit_in_bytes")) {
    return called + "where there is no memory controller" + cure;
  }
  if (!hand_on_memory(parent)) {
    return called + "which cannot hand on its memory controller: " +
           to_string(SysError{"writing +memory to cgroup.subtree_control", errno}) + cure;
  }
  const auto made = make_cgroup(parent, memory_limit);
  if (const auto* error = std::get_if<SysError>(&made)) {
    return called + "in which no cgroup for a worker can be made: " + to_string(*error) + cure;
  }
  remove_cgroup(std::get<string>(made));
  return "";
}

std::variant<string, SysError> make_cgroup(const string& parent, std::size_t memory_limit) {
  static std::atomic<int> made = 0;
  for (int attempt = 0; attempt < kNames; ++attempt) {
    const string path =
        parent + "/poolproof-" + std::to_string(getpid()) + "-" + std::to_string(++made);
    if (mkdir(path.c_str(), 0755) != 0) {
      if (errno == EEXIST) continue;  // left by a program that was killed, and that had our pid
      return SysError{kMake, errno};
    }
    if (const auto failed = limit_memory_in(path, memory_limit)) {
      rmdir(path.c_str());
      return *failed;
    }
    return path;
  }
  return SysError{kMake, EEXIST};
}

std::optional<SysError> limit_memory_in(const string& cgroup, std::size_t memory_limit) {
  const bool first = exists(cgroup + "/memory.limit_in_bytes");
  const string bytes = std::to_string(memory_limit);
  if (!put(cgroup + (first ? "/memory.limit_in_bytes" : "/memory.max"), bytes)) {
    return SysError{kLimit, errno};
  }
  // Swap would only delay the end. If there is no swap, there is no such file.
  const string swap = cgroup + (first ? "/memory.memsw.limit_in_bytes" : "/memory.swap.max");
  if (exists(swap) && !put(swap, first ? bytes : "0")) return SysError{kLimit, errno};
  return std::nullopt;
}

std::optional<SysError> move_into(const string& cgroup, int pid) {
  if (put(cgroup + "/cgroup.procs", std::to_string(pid))) return std::nullopt;
  return SysError{kMove, errno};
}

std::optional<std::uint64_t> out_of_memory_kills_in(const string& cgroup) {
  const bool first = exists(cgroup + "/memory.oom_control");
  std::ifstream in(cgroup + (first ? "/memory.oom_control" : "/memory.events"));
  string name;
  std::uint64_t count = 0;
  while (in >> name >> count) {
    if (name == "oom_kill") return count;
  }
  return std::nullopt;
}

bool remove_cgroup(const string& cgroup) {
  if (is_removed(cgroup)) return true;
  kill_all_in(cgroup);
  return is_removed(cgroup);
}

}  // namespace poolproof::os
