#include "executor/os/memory.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

namespace poolproof::os {
namespace {

// The number after `word` in a file with lines "word number".
std::optional<std::uint64_t> number_after(const std::string& word, const std::string& path) {
  std::ifstream file(path);
  std::string name;
  std::uint64_t value = 0;
  while (file >> name >> value) {
    if (name == word) return value;
  }
  return std::nullopt;
}

// In a container the path is often that of the host, while the container's own root is mounted.
std::optional<std::uint64_t> kills_of(const std::string& mount, const std::string& path,
                                      const std::string& file) {
  if (const auto kills = number_after("oom_kill", mount + path + "/" + file)) return kills;
  return number_after("oom_kill", mount + "/" + file);
}

}  // namespace

std::size_t anonymous_memory() {
  std::ifstream file("/proc/self/statm");
  std::size_t size = 0, resident = 0, backed = 0;  // in pages
  if (!(file >> size >> resident >> backed)) return 0;
  return (resident - std::min(resident, backed)) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

void limit_memory(std::size_t bytes) {
  rlimit limit{};
  if (getrlimit(RLIMIT_DATA, &limit) != 0) return;
  limit.rlim_max = std::min<rlim_t>(limit.rlim_max, bytes);
  limit.rlim_cur = std::min(limit.rlim_cur, limit.rlim_max);
  setrlimit(RLIMIT_DATA, &limit);
}

std::optional<std::uint64_t> count_out_of_memory_kills() {
  // In version 1 a line names its controllers ("4:memory:/path"); in version 2 it names none.
  std::ifstream file("/proc/self/cgroup");
  std::string line;
  while (std::getline(file, line)) {
    std::string number, controllers, path;
    std::istringstream words(line);
    std::getline(std::getline(std::getline(words, number, ':'), controllers, ':'), path);
    std::optional<std::uint64_t> kills;
    if (controllers == "memory") {
      kills = kills_of("/sys/fs/cgroup/memory", path, "memory.oom_control");
    } else if (controllers.empty()) {
      kills = kills_of("/sys/fs/cgroup", path, "memory.events");
    }
    if (kills) return kills;
  }
  return std::nullopt;
}

}  // namespace poolproof::os
