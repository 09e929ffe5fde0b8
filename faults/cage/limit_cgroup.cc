#include "faults/cage/limit_cgroup.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <sstream>

#include "faults/cage/fd.h"
#include "faults/cage/proc.h"

namespace poolproof::faults {
namespace {

using nlohmann::json;
using std::string;

constexpr int kAttempts = 8;             // to find a name that nobody has
constexpr long long kPeriod_us = 20000;  // of the cpu's share: short, so that nobody waits long

struct Hierarchy {
  int version = 0;
  string root;  // the group that the mount shows as its own root
  string mount;
};

std::vector<string> fields_of(const string& line, char separator) {
  std::vector<string> fields;
  std::istringstream in(line);
  for (string field; std::getline(in, field, separator);) fields.push_back(field);
  return fields;
}

bool lists(const string& words, char separator, const string& word) {
  for (const string& each : fields_of(words, separator))
    if (each == word) return true;
  return false;
}

// proc(5): "31 23 0:35 ROOT MOUNT rw,relatime - cgroup SOURCE rw,memory"
std::vector<Hierarchy> hierarchies_with(const string& controller, const string& mountinfo) {
  std::vector<Hierarchy> found;
  std::istringstream in(mountinfo);
  for (string line; std::getline(in, line);) {
    const auto dash = line.find(" - ");
    if (dash == string::npos) continue;
    const auto before = fields_of(line.substr(0, dash), ' ');
    const auto after = fields_of(line.substr(dash + 3), ' ');
    if (before.size() < 5 || after.size() < 3) continue;
    if (after[0] == "cgroup" && lists(after[2], ',', controller))
      found.push_back({1, before[3], before[4]});
    if (after[0] == "cgroup2") found.push_back({2, before[3], before[4]});
  }
  return found;
}

// cgroups(7): "4:memory:/a/b" of version 1, "0::/a/b" of version 2.
std::optional<string> own_group(int version, const string& controller, const string& own_groups) {
  std::istringstream in(own_groups);
  for (string line; std::getline(in, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == string::npos || second == string::npos) continue;
    const string controllers = line.substr(first + 1, second - first - 1);
    const bool ours = version == 2 ? line.substr(0, first) == "0" && controllers.empty()
                                   : lists(controllers, ',', controller);
    if (ours) return line.substr(second + 1);
  }
  return std::nullopt;
}

// The path of a group below the mount that shows it; nothing if it lies outside of what is mounted.
std::optional<string> visible_path(const Hierarchy& hierarchy, const string& group) {
  if (group.find("/..") != string::npos) return std::nullopt;  // above a cgroup namespace's root
  if (hierarchy.root == "/") return hierarchy.mount + (group == "/" ? "" : group);
  if (group.rfind(hierarchy.root, 0) != 0) return std::nullopt;
  return hierarchy.mount + group.substr(hierarchy.root.size());
}

std::optional<string> nearest_that_hands_on(const string& controller, const string& mount,
                                            string group) {
  while (group.size() >= mount.size()) {
    const FileText handed = read_file(group + "/cgroup.subtree_control");
    string words = handed.text;
    while (!words.empty() && words.back() == '\n') words.pop_back();
    if (handed.error == 0 && lists(words, ' ', controller)) return group;
    if (group == mount) break;
    group.erase(group.rfind('/'));
  }
  return std::nullopt;
}

string random_name() {
  std::array<unsigned char, 8> bytes;
  checked(static_cast<int>(::getrandom(bytes.data(), bytes.size(), 0)), "getrandom");
  string name = "poolproof-";
  for (const unsigned char byte : bytes) {
    std::array<char, 3> hex;
    std::snprintf(hex.data(), hex.size(), "%02x", byte);
    name += hex.data();
  }
  return name;
}

// "NAME NUMBER" on a line of its own; 0 if there is none.
long long count_of(const string& text, const string& name) {
  std::istringstream in(text);
  for (string line; std::getline(in, line);)
    if (line.rfind(name + " ", 0) == 0) return std::atoll(line.c_str() + name.size());
  return 0;
}

}  // namespace

CgroupPlace find_cgroup_place(const string& controller, const string& mountinfo,
                              const string& own_groups) {
  string why;
  for (const Hierarchy& hierarchy : hierarchies_with(controller, mountinfo)) {
    const auto group = own_group(hierarchy.version, controller, own_groups);
    const auto path = group ? visible_path(hierarchy, *group) : std::nullopt;
    if (!path) {
      why = "our own group is not visible below " + hierarchy.mount;
    } else if (hierarchy.version == 1) {
      return {1, hierarchy.mount, *path};
    } else if (const auto above = nearest_that_hands_on(controller, hierarchy.mount, *path)) {
      return {2, hierarchy.mount, *above};
    } else if (why.empty()) {
      why = "no group above us hands the controller on to its children (cgroup.subtree_control)";
    }
  }
  if (why.empty()) why = "no cgroup hierarchy with it is mounted";
  throw std::runtime_error("no " + controller + " cgroup can be made: " + why);
}

Cgroup::Cgroup(const string& controller)
    : Cgroup(controller,
             find_cgroup_place(controller, read_file("/proc/self/mountinfo", 1U << 20).text,
                               read_file("/proc/self/cgroup").text)) {}

Cgroup::Cgroup(const string& controller, CgroupPlace place)
    : controller_(controller), place_(std::move(place)) {
  for (int attempt = 0; path_.empty(); ++attempt) {
    const string path = place_.parent + "/" + random_name();
    if (::mkdir(path.c_str(), 0755) == 0) {
      path_ = path;
    } else if (errno != EEXIST || attempt == kAttempts) {
      throw CallFailed("mkdir " + path);
    }
  }
}

string Cgroup::words() const {
  return "the " + controller_ + " cgroup (version " + std::to_string(place_.version) + ") " + path_;
}

void Cgroup::write(const string& file, const string& text) const {
  const string path = path_ + "/" + file;
  const Fd open_file(checked(::open(path.c_str(), O_WRONLY | O_CLOEXEC), "open " + path));
  const ssize_t written = ::write(open_file.get(), text.data(), text.size());
  checked(static_cast<int>(written), "write \"" + text + "\" to " + path);
}

string Cgroup::read(const string& file) const { return read_file(path_ + "/" + file).text; }

void Cgroup::take_in(int pid) { write("cgroup.procs", std::to_string(pid)); }

void Cgroup::limit(std::optional<long long> amount) {
  const bool first = place_.version == 1;
  const string none = first ? "-1" : "max";
  const string number = amount ? std::to_string(*amount) : none;
  if (controller_ == "pids") return write("pids.max", amount ? number : "max");
  if (controller_ == "cpu") {
    const string quota = amount ? std::to_string(*amount * kPeriod_us / 1000) : none;
    if (!first) return write("cpu.max", quota + " " + std::to_string(kPeriod_us));
    write("cpu.cfs_period_us", std::to_string(kPeriod_us));
    return write("cpu.cfs_quota_us", quota);
  }
  // Swap would only put off what is to happen; where there is none, there is no such file. Memory
  // may never exceed both together, so that the order depends on the direction.
  const string swap = path_ + (first ? "/memory.memsw.limit_in_bytes" : "/memory.swap.max");
  const bool has_swap = ::access(swap.c_str(), F_OK) == 0;
  if (first && has_swap && !amount) write("memory.memsw.limit_in_bytes", none);
  write(first ? "memory.limit_in_bytes" : "memory.max", number);
  if (first && has_swap && amount) write("memory.memsw.limit_in_bytes", number);
  if (!first && has_swap) write("memory.swap.max", amount ? "0" : none);
}

json Cgroup::counters() const {
  if (controller_ == "memory")
    return {
        {"oom_kill",
         count_of(read(place_.version == 1 ? "memory.oom_control" : "memory.events"), "oom_kill")}};
  if (controller_ == "pids") return {{"refused", count_of(read("pids.events"), "max")}};
  return json::object();
}

long long Cgroup::usage() const {
  if (controller_ != "memory") return 0;
  return std::atoll(read(place_.version == 1 ? "memory.usage_in_bytes" : "memory.current").c_str());
}

}  // namespace poolproof::faults
