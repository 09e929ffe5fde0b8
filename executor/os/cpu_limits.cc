#include "executor/os/cpu_limits.h"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

#include "poolproof/cpu_count.h"

namespace poolproof {
namespace os {
namespace {

namespace fs = std::filesystem;

std::string first_line(const fs::path& file) {
  std::string line;
  std::getline(std::ifstream(file), line);
  return line;
}

std::optional<long long> number(std::string_view text) {
  long long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "a,b,c" contains "b"
bool lists(const std::string& list, const std::string& wanted) {
  return ("," + list + ",").find("," + wanted + ",") != std::string::npos;
}

// A group's own quota in CPUs, rounded up.
std::optional<int> quota(std::optional<long long> microseconds, std::optional<long long> period) {
  if (!microseconds || !period || *microseconds <= 0 || *period <= 0) return std::nullopt;
  return static_cast<int>(
      std::clamp<long long>((*microseconds + *period - 1) / *period, 1, 1 << 20));
}

std::optional<int> quota_v2(const fs::path& group) {
  std::istringstream words(first_line(group / "cpu.max"));  // "150000 100000", or "max 100000"
  std::string most, period;
  words >> most >> period;
  return quota(number(most), number(period));
}

std::optional<int> quota_v1(const fs::path& group) {
  return quota(number(first_line(group / "cpu.cfs_quota_us")),
               number(first_line(group / "cpu.cfs_period_us")));
}

// Where a hierarchy of groups is mounted, and which of its groups appears there.
struct Mount {
  std::string top;    // the group
  std::string point;  // the folder
};

// mountinfo: id parent major:minor TOP POINT options [optional ...] - TYPE source OPTIONS
std::optional<Mount> find_mount(const fs::path& root, bool v2) {
  std::ifstream lines(root / "proc/self/mountinfo");
  for (std::string line; std::getline(lines, line);) {
    const std::size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    std::istringstream before(line.substr(0, dash)), after(line.substr(dash + 3));
    std::string skipped, type, source, options;
    Mount mount;
    before >> skipped >> skipped >> skipped >> mount.top >> mount.point;
    after >> type >> source >> options;
    if (v2 ? type == "cgroup2" : type == "cgroup" && lists(options, "cpu")) return mount;
  }
  return std::nullopt;
}

// cgroup: "0::/group" for v2, "4:cpu,cpuacct:/group" for v1
std::optional<std::string> find_group(const fs::path& root, bool v2) {
  std::ifstream lines(root / "proc/self/cgroup");
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string kinds = line.substr(first + 1, second - first - 1);
    if (v2 ? kinds.empty() : lists(kinds, "cpu")) return line.substr(second + 1);
  }
  return std::nullopt;
}

// From the process's group up to the topmost mounted group. If a group is outside of what is
// mounted (in a container, with the names of its host), the top is used: containers have their own
// group there.
std::optional<int> smallest_quota(const fs::path& root, bool v2) {
  const std::optional<Mount> mount = find_mount(root, v2);
  std::optional<std::string> group = find_group(root, v2);
  if (!mount || !group) return std::nullopt;
  std::string below;
  if (mount->top == "/") {
    below = *group;
  } else if (*group == mount->top || group->rfind(mount->top + "/", 0) == 0) {
    below = group->substr(mount->top.size());
  }
  if (below.find("/..") != std::string::npos) below.clear();
  const fs::path top = root / fs::path(mount->point).relative_path();
  fs::path here = top / fs::path(below).relative_path();
  std::error_code ignored;
  if (!fs::exists(here, ignored)) here = top;
  std::optional<int> smallest;
  while (true) {
    const std::optional<int> own = v2 ? quota_v2(here) : quota_v1(here);
    if (own && (!smallest || *own < *smallest)) smallest = own;
    if (here == top || !here.has_relative_path()) break;
    here = here.parent_path();
  }
  return smallest;
}

}  // namespace

std::optional<int> cpus_by_cgroup(const fs::path& root) {
  const std::optional<int> v1 = smallest_quota(root, false), v2 = smallest_quota(root, true);
  if (v1 && v2) return std::min(*v1, *v2);
  return v1 ? v1 : v2;
}

std::optional<int> cores_of(const std::vector<int>& cpus, const fs::path& root) {
  std::set<std::string> cores;  // each core is named by the list of its threads
  for (const int cpu : cpus) {
    const fs::path folder =
        root / "sys/devices/system/cpu" / ("cpu" + std::to_string(cpu)) / "topology";
    std::string threads = first_line(folder / "core_cpus_list");
    if (threads.empty()) threads = first_line(folder / "thread_siblings_list");  // older name
    if (threads.empty()) return std::nullopt;
    cores.insert(threads);
  }
  return static_cast<int>(cores.size());
}

std::vector<int> cpus_by_affinity(int thread) {
  for (int most = 1024; most <= 1 << 20; most *= 2) {  // the kernel refuses a set that is too small
    cpu_set_t* set = CPU_ALLOC(most);
    const std::size_t size = CPU_ALLOC_SIZE(most);
    std::vector<int> cpus;
    const bool known = set != nullptr && sched_getaffinity(thread, size, set) == 0;
    for (int cpu = 0; known && cpu < most; ++cpu) {
      if (CPU_ISSET_S(cpu, size, set)) cpus.push_back(cpu);
    }
    CPU_FREE(set);
    if (known) return cpus;
  }
  return {0};
}

void use_cpus(const std::vector<int>& cpus) {
  const int most = cpus.empty() ? 0 : *std::max_element(cpus.begin(), cpus.end()) + 1;
  cpu_set_t* set = CPU_ALLOC(most);
  if (set == nullptr) return;
  const std::size_t size = CPU_ALLOC_SIZE(most);
  CPU_ZERO_S(size, set);
  for (const int cpu : cpus) CPU_SET_S(static_cast<std::size_t>(cpu), size, set);
  sched_setaffinity(0, size, set);
  CPU_FREE(set);
}

int count_cpus(const CpuFacts& facts) {
  int count = static_cast<int>(facts.affinity.size());
  if (facts.physical) count = cores_of(facts.affinity, facts.root).value_or(count);
  if (const auto quota = cpus_by_cgroup(facts.root)) count = std::min(count, *quota);
  if (facts.cap != nullptr) {
    const std::optional<long long> cap = number(facts.cap);
    if (cap && *cap >= 1 && *cap < count) count = static_cast<int>(*cap);
  }
  return std::max(count, 1);
}

}  // namespace os

int cpu_count(const CpuCountOptions& options) {
  return os::count_cpus({.affinity = os::cpus_by_affinity(),
                         .cap = std::getenv("POOLPROOF_MAX_CPU_COUNT"),
                         .physical = options.physical});
}

}  // namespace poolproof
