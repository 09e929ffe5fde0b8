#include "faults/cage/limit_process.h"

#include <sys/resource.h>
#include <unistd.h>

#include <charconv>

#include "faults/cage/fd.h"

namespace poolproof::faults {
namespace {

constexpr rlim_t kRoomOfMemory = 64UL << 20;  // bytes
constexpr rlim_t kRoomOfFiles = 16;
constexpr rlim_t kRoomOfFileSize = 1UL << 20;  // bytes

// "VmSize:   1234 kB" of /proc/PID/status, in bytes.
rlim_t size_of(int pid, const std::string& name) {
  const std::string status = read_file("/proc/" + std::to_string(pid) + "/status").text;
  const auto line = status.find("\n" + name + ":");
  const auto digits = status.find_first_of("0123456789", line);
  if (line == std::string::npos || digits == std::string::npos)
    throw std::runtime_error("/proc/" + std::to_string(pid) + "/status does not tell " + name);
  rlim_t kilobytes = 0;
  std::from_chars(status.data() + digits, status.data() + status.size(), kilobytes);
  return kilobytes * 1024;
}

std::vector<int> descriptors_of(int pid) {
  return numbers_in("/proc/" + std::to_string(pid) + "/fd");
}

// The lowest free number. With it as the limit, the next open is refused. But a call that counts
// the descriptors it is given (poll) still accepts the open ones.
rlim_t lowest_free(int pid) {
  rlim_t lowest = 0;
  for (const int fd : descriptors_of(pid)) {
    if (static_cast<rlim_t>(fd) != lowest) break;
    ++lowest;
  }
  return lowest;
}

struct Row {
  const char* what;
  const char* name;
  __rlimit_resource resource;
  rlim_t (*now)(int pid);
  rlim_t room;
};

const Row kRows[] = {
    {"address-space", "RLIMIT_AS", RLIMIT_AS, [](int pid) { return size_of(pid, "VmSize"); },
     kRoomOfMemory},
    {"data", "RLIMIT_DATA", RLIMIT_DATA, [](int pid) { return size_of(pid, "VmData"); },
     kRoomOfMemory},
    {"files", "RLIMIT_NOFILE", RLIMIT_NOFILE, lowest_free, 0},
    {"file-size", "RLIMIT_FSIZE", RLIMIT_FSIZE, [](int) { return rlim_t{0}; }, kRoomOfFileSize},
    {"processes", "RLIMIT_NPROC", RLIMIT_NPROC, [](int) { return rlim_t{0}; }, 0},
};

rlim_t wanted(const Row& row, int pid, bool room) {
  if (room && row.resource == RLIMIT_NOFILE) {
    const auto open = descriptors_of(pid);
    return (open.empty() ? 0 : static_cast<rlim_t>(open.back())) + kRoomOfFiles;
  }
  return row.now(pid) + (room ? row.room : 0);
}

bool is_there(const Identity& who) {
  const auto stat = read_stat(who.pid);
  return stat && stat->identity() == who && stat->alive();
}

}  // namespace

ProcessLimit limit_one_process(const Identity& who, const std::string& what, bool room) {
  for (const Row& row : kRows) {
    if (what != row.what) continue;
    if (!is_there(who)) {
      errno = ESRCH;
      throw CallFailed("process " + std::to_string(who.pid));
    }
    const std::string call = std::string("prlimit ") + row.name + " of " + std::to_string(who.pid);
    rlimit old{};
    checked(::prlimit(who.pid, row.resource, nullptr, &old), call);
    rlimit fresh = {std::min(wanted(row, who.pid, room), old.rlim_max), old.rlim_max};
    checked(::prlimit(who.pid, row.resource, &fresh, nullptr), call);
    const auto undo = [who, resource = row.resource, old] {
      if (is_there(who)) ::prlimit(who.pid, resource, &old, nullptr);
    };
    return {row.name, static_cast<long long>(fresh.rlim_cur), undo};
  }
  throw std::runtime_error("\"" + what + "\" is nothing that can be limited");
}

bool births_are_limited_by_rlimit() { return ::getuid() != 0; }

}  // namespace poolproof::faults
