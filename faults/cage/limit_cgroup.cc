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

constexpr int kAttempts = 8;             // to find a free name
constexpr long long kPeriod_us = 20000;  // of the cpu's quota: short, so that no process waits long

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

// "NAME NUMBER" on a line of its own; 0 if it is not there.
long long count_of(const string& text, const string& name) {
  std::istringstream in(text);
  for (string line; std::getline(in, line);)
    if (line.rfind(name + " ", 0) == 0) return std::atoll(line.c_str() + name.size());
  return 0;
}

}  // namespace

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
  // Swap would only delay the effect; if there is no swap, there is no such file. The memory limit
  // may never be higher than the limit for both together, so the order depends on the direction.
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
