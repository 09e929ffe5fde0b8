#include "faults/cage/snapshot.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "faults/cage/sockets.h"
#include "faults/cage/wait_words.h"

namespace poolproof::faults {
namespace {

using nlohmann::json;
using std::string;

constexpr std::size_t kLongestCommand = 1024;
// Far more than a packet can hold: the packet then says that it was cut.
constexpr std::size_t kMostFiles = 20000;

// The number after "NAME:" at the start of a line, 0 if there is none.
unsigned long long number_after(const string& text, const string& name) {
  auto at = text.rfind(name, 0) == 0 ? 0 : text.find("\n" + name);
  if (at == string::npos) return 0;
  at = text.find_first_of("0123456789", at + name.size());
  if (at == string::npos) return 0;
  unsigned long long number = 0;
  std::from_chars(text.data() + at, text.data() + text.size(), number);
  return number;
}

// Of a thread's /proc/.../status.
Turns turns_in(const string& status) {
  const auto state = status.find("\nState:\t");
  if (state == string::npos || state + 8 >= status.size()) return {};
  return {status[state + 8], number_after(status, "voluntary_ctxt_switches:") +
                                 number_after(status, "nonvoluntary_ctxt_switches:")};
}

string thread_path(int pid, int tid) {
  return "/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid) + "/";
}

json threads_of(int pid) {
  const string process = "/proc/" + std::to_string(pid);
  json threads = json::array();
  for (const int tid : threads_in(pid)) {
    const string thread = thread_path(pid, tid);
    const Turns turns = turns_of(pid, tid);
    if (turns.state == 0) continue;
    const FileText syscall = read_file(thread + "syscall", 512);
    ThreadWait wait;
    wait.state = turns.state;
    wait.syscall = syscall.text;
    wait.syscall_error = syscall.error;
    wait.wchan = read_file(thread + "wchan", 128).text;
    const auto target_of = [&](int fd) {
      return link_target(process + "/fd/" + std::to_string(fd));
    };
    threads.push_back({{"tid", tid},
                       {"state", string(1, wait.state)},
                       {"wait", wait_words(wait, target_of)},
                       {"switches", turns.switches}});
  }
  return threads;
}

json descriptors_of(int pid) {
  const string directory = "/proc/" + std::to_string(pid) + "/fd";
  json fds = json::array();
  std::set<unsigned long> sockets;
  for (const int fd : numbers_in(directory)) {
    const string link = directory + "/" + std::to_string(fd);
    const string target = link_target(link);
    struct stat entry;
    if (target.empty() || ::lstat(link.c_str(), &entry) != 0) continue;
    string mode;  // the permissions of the link show the descriptor's open mode
    if ((entry.st_mode & S_IRUSR) != 0) mode += "r";
    if ((entry.st_mode & S_IWUSR) != 0) mode += "w";
    fds.push_back({{"fd", fd}, {"to", target}, {"mode", mode}});
    if (const auto inode = socket_inode(target); inode != 0) sockets.insert(inode);
  }
  if (sockets.empty()) return fds;
  const SocketNames names = socket_names_of(pid, sockets);
  for (json& fd : fds) {
    const auto inode = socket_inode(fd.at("to").get_ref<const string&>());
    const auto name = inode != 0 ? names.find(inode) : names.end();
    if (name != names.end() && !name->second.empty()) fd["socket"] = name->second;
  }
  return fds;
}

string command_of(int pid) {
  string command = read_file("/proc/" + std::to_string(pid) + "/cmdline", kLongestCommand).text;
  while (!command.empty() && command.back() == '\0') command.pop_back();
  std::replace(command.begin(), command.end(), '\0', ' ');
  return command;
}

void add_below(const std::filesystem::path& directory, const std::set<string>& but,
               std::vector<string>& paths) {
  std::error_code error;
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end;
       at.increment(error)) {
    if (paths.size() >= kMostFiles) return;
    const std::filesystem::path path = at->path();
    if (but.count(path.filename().string()) > 0) continue;
    std::error_code ignored;  // it is gone: then there is nothing below it either
    const bool folder = at->symlink_status(ignored).type() == std::filesystem::file_type::directory;
    paths.push_back(path.string() + (folder ? "/" : ""));
    if (folder) add_below(path, {}, paths);
  }
}

std::set<string> kept_in(const Places& places, const string& place) {
  const auto found = places.kept.find(place);
  return found == places.kept.end() ? std::set<string>{} : found->second;
}

}  // namespace

json picture_of(const Stat& process) {
  json picture = {{"pid", process.pid},
                  {"ppid", process.ppid},
                  {"start", process.start},
                  {"state", string(1, process.state)},
                  {"name", process.name},
                  {"command", command_of(process.pid)},
                  {"threads", threads_of(process.pid)},
                  {"fds", descriptors_of(process.pid)},
                  {"cpu_ticks", process.cpu_ticks}};
  const FileText io = read_file("/proc/" + std::to_string(process.pid) + "/io", 512);
  if (io.error == 0)
    picture["io_bytes"] = number_after(io.text, "rchar:") + number_after(io.text, "wchar:");
  return picture;
}

std::vector<int> threads_in(int pid) {
  return numbers_in("/proc/" + std::to_string(pid) + "/task");
}

Turns turns_of(int pid, int tid) {
  return turns_in(read_file(thread_path(pid, tid) + "status").text);
}

std::vector<string> shared_memory_names(const Places& places) {
  std::vector<string> names;
  const auto kept = kept_in(places, "/dev/shm");
  std::error_code error;
  for (std::filesystem::directory_iterator at("/dev/shm", error), end; !error && at != end;
       at.increment(error)) {
    const string name = at->path().filename().string();
    if (kept.count(name) == 0) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<string> file_paths(const Places& places, const string& folder, const string& tmp) {
  std::vector<string> paths;
  add_below(tmp, {}, paths);
  if (places.are_private) {
    auto but = kept_in(places, "/tmp");
    but.insert(std::filesystem::path(folder).filename().string());
    add_below("/tmp", but, paths);
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace poolproof::faults
