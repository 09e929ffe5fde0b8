#include "conformance/observe/holders.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <utility>

namespace poolproof::hang {
namespace {

constexpr ino_t kFirstPidNamespace = 0xEFFFFFFC;  // the machine's own PID namespace

// Inside a container there are processes that we cannot see. What they start has no parent here,
// and may share its descriptors with them.
bool all_are_seen() {
  struct stat space {};
  return ::stat("/proc/self/ns/pid", &space) == 0 && space.st_ino == kFirstPidNamespace;
}

std::string name_of(pid_t pid, const StatText& stat) {
  const auto line = read_text("/proc/" + std::to_string(pid) + "/cmdline");
  const std::string name = line ? parse_cmdline(*line) : "";
  return name.empty() ? stat.name : name;
}

Outsider outsider_of(pid_t pid, const StatText& stat, const Descriptor& held) {
  return {pid, name_of(pid, stat), held.fd, held.object, "", held.reads, held.writes};
}

// False: we may not look.
bool scan_descriptors(pid_t pid, const StatText& stat, const Wanted& wanted, Look& look) {
  const std::string folder = "/proc/" + std::to_string(pid);
  const auto fds = numbers_in(folder + "/fd");
  if (!fds) return errno == ENOENT || errno == ESRCH;
  const bool eventfds = std::any_of(wanted.objects.begin(), wanted.objects.end(),
                                    [](const auto& name) { return name.starts_with("eventfd:"); });
  for (const int fd : *fds) {
    const auto link = read_link(folder + "/fd/" + std::to_string(fd));
    if (!link) continue;  // closed in between
    if (!wanted.objects.contains(*link) && !(eventfds && *link == "anon_inode:[eventfd]")) continue;
    const auto info = read_text(folder + "/fdinfo/" + std::to_string(fd));
    if (!info) continue;
    const Descriptor held = parse_descriptor(fd, *link, *info);
    if (wanted.objects.contains(held.object.name))
      look.outsiders.push_back(outsider_of(pid, stat, held));
  }
  return true;
}

void scan_maps(pid_t pid, const StatText& stat, const Wanted& wanted, Look& look) {
  if (wanted.maps.empty()) return;
  const auto text = read_text("/proc/" + std::to_string(pid) + "/maps");
  if (!text) return;
  for (const SharedMap& map : parse_maps(*text))
    if (wanted.maps.contains(map.device_inode)) {
      look.outsiders.push_back({pid,
                                name_of(pid, stat),
                                -1,
                                {Object::Kind::file, map.path},
                                map.device_inode,
                                true,
                                true});
      return;
    }
}

enum class Kinship { stranger, elder, kin };

// Did a process between `from` and its ancestor `to` call exec? Then it can have inherited only
// descriptors that exec keeps, and no memory.
bool execs_between(const Table& table, pid_t from, pid_t to) {
  const auto program = [](pid_t pid) { return read_link("/proc/" + std::to_string(pid) + "/exe"); };
  for (pid_t up = from; up > 1 && up != to && table.processes.contains(up);) {
    const pid_t parent = table.processes.at(up).parent;
    const auto one = program(up), other = program(parent);
    if (one && other && *one != *other) return true;
    up = parent;
  }
  return false;
}

// May this process, which we cannot look into, hold an end that belongs to the tree? Ends are
// inherited from parent to child. So an ancestor of the tree may hold one; so may a process that
// shares an ancestor's descriptors, and a process that was started in the tree and left it. A
// stranger could have got one only through a socket.
Kinship kinship(const Table& table, pid_t pid, pid_t root) {
  std::set<pid_t> line;  // ancestors of the tree, without init
  for (pid_t up = root; up > 1 && table.processes.contains(up) && line.insert(up).second;)
    up = table.processes.at(up).parent;
  const auto top = table.processes.find(root);
  if (top == table.processes.end()) return Kinship::kin;
  for (int depth = 0; depth < 1000; ++depth) {
    const auto found = table.processes.find(pid);
    if (found == table.processes.end()) return Kinship::kin;
    if (line.contains(pid))
      return pid != root && execs_between(table, root, pid) ? Kinship::elder : Kinship::kin;
    if (found->second.parent <= 1)
      return found->second.start >= top->second.start ? Kinship::kin : Kinship::stranger;
    pid = found->second.parent;
  }
  return Kinship::kin;
}

void add_unseen(Kinship kin, std::string who, Look& look) {
  if (kin == Kinship::stranger)
    look.unseen_strangers = true;
  else if (kin == Kinship::elder)
    look.unseen_elders.push_back(std::move(who));
  else
    look.unseen_kin.push_back(std::move(who));
}

// If a process without a parent in this container holds something, a process outside the container
// may hold it too.
void add_hidden(pid_t pid, const StatText& stat, const Wanted& wanted, Look& look) {
  Look held;
  scan_descriptors(pid, stat, wanted, held);
  for (Outsider& outsider : held.outsiders) {
    if (outsider.fd > 2) continue;  // a container gets only its stdio from outside
    outsider.pid = 0;
    outsider.name = "somebody outside of this container";
    outsider.reads = outsider.writes = true;
    look.outsiders.push_back(std::move(outsider));
  }
}

}  // namespace

std::optional<std::string> read_text(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  std::string text;
  std::array<char, 8192> part;
  ssize_t got = 0;
  while ((got = ::read(fd, part.data(), part.size())) > 0)
    text.append(part.data(), static_cast<std::size_t>(got));
  const int problem = errno;
  ::close(fd);
  errno = problem;
  if (got < 0) return std::nullopt;
  return text;
}

std::optional<std::string> read_link(const std::string& path) {
  std::array<char, 4096> target;
  const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
  if (size < 0) return std::nullopt;
  return std::string(target.data(), static_cast<std::size_t>(size));
}

std::optional<std::vector<int>> numbers_in(const std::string& folder) {
  DIR* const opened = ::opendir(folder.c_str());
  if (opened == nullptr) return std::nullopt;
  std::vector<int> numbers;
  while (const dirent* entry = ::readdir(opened)) {
    int number = 0;
    const char* const end = entry->d_name + std::strlen(entry->d_name);
    if (std::from_chars(entry->d_name, end, number).ptr == end) numbers.push_back(number);
  }
  ::closedir(opened);
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

Table read_table() {
  Table table;
  for (const int pid : numbers_in("/proc").value_or(std::vector<int>{})) {
    const auto text = read_text("/proc/" + std::to_string(pid) + "/stat");
    if (!text) continue;  // gone in between
    if (auto stat = parse_stat(*text)) table.processes.emplace(pid, std::move(*stat));
  }
  return table;
}

std::string name_of_mapped(pid_t pid, const SharedMap& map) {
  for (const char* nameless : {"/dev/zero (deleted)", "/memfd:", "/anon_hugepage"})
    if (map.path.starts_with(nameless)) return "";
  const std::string folder = map.path.substr(0, map.path.rfind('/'));
  const std::string seen = "/proc/" + std::to_string(pid) + "/root" + folder;
  const std::string inode = map.device_inode.substr(map.device_inode.rfind(' ') + 1);
  DIR* const opened = ::opendir(seen.c_str());
  if (opened == nullptr) return map.path;
  // sem_open makes a file with a random name and links it to the right name, so only its inode
  // identifies it.
  std::string name;
  while (const dirent* entry = ::readdir(opened))
    if (std::to_string(entry->d_ino) == inode) name = folder + "/" + entry->d_name;
  ::closedir(opened);
  if (!name.empty() || !map.path.ends_with(" (deleted)")) return name.empty() ? map.path : name;
  std::array<char, 64> range;  // a link in another folder would also count, but only root may ask
  std::snprintf(range.data(), range.size(), "/map_files/%llx-%llx",
                static_cast<unsigned long long>(map.begin),
                static_cast<unsigned long long>(map.end));
  struct stat file {};
  const bool told = ::stat(("/proc/" + std::to_string(pid) + range.data()).c_str(), &file) == 0;
  return told && file.st_nlink > 0 ? "some name of " + map.path : "";
}

void find_outsiders(const Table& table, const std::set<pid_t>& tree, pid_t root,
                    const Wanted& wanted, Look& look) {
  if (wanted.objects.empty() && wanted.maps.empty()) return;
  const bool all_seen = all_are_seen();
  for (const auto& [pid, stat] : table.processes) {
    if (stat.kernel) continue;
    if (!all_seen && stat.parent == 0) add_hidden(pid, stat, wanted, look);
    if (tree.contains(pid) || stat.state == 'Z') continue;
    if (scan_descriptors(pid, stat, wanted, look))
      scan_maps(pid, stat, wanted, look);
    else
      add_unseen(kinship(table, pid, root), std::to_string(pid) + " (" + name_of(pid, stat) + ")",
                 look);
  }
}

}  // namespace poolproof::hang
