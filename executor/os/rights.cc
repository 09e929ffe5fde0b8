#include "executor/os/rights.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/auxv.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "executor/os/file.h"
#include "executor/os/os.h"

namespace poolproof::os {
namespace {

// The kernel gives three masks, in two halves each.
struct Masks {
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> halves{};

  static std::uint64_t join(std::uint32_t low, std::uint32_t high) {
    return low | (std::uint64_t{high} << 32);
  }
  std::uint64_t effective() const { return join(halves[0].effective, halves[1].effective); }
  std::uint64_t permitted() const { return join(halves[0].permitted, halves[1].permitted); }
  std::uint64_t inheritable() const { return join(halves[0].inheritable, halves[1].inheritable); }
};

bool read_masks(int pid, Masks& masks) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, pid};
  return syscall(SYS_capget, &header, masks.halves.data()) == 0;
}

bool write_masks(std::uint64_t effective, std::uint64_t permitted, std::uint64_t inheritable) {
  Masks masks;
  for (std::size_t half = 0; half < masks.halves.size(); ++half) {
    const unsigned shift = half == 0 ? 0 : 32;
    masks.halves[half] = {static_cast<std::uint32_t>(effective >> shift),
                          static_cast<std::uint32_t>(permitted >> shift),
                          static_cast<std::uint32_t>(inheritable >> shift)};
  }
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  return syscall(SYS_capset, &header, masks.halves.data()) == 0;
}

std::uint64_t mix(std::uint64_t digest, std::uint64_t value) {
  digest = (digest ^ value) * 0x9E3779B97F4A7C15;
  return digest ^ (digest >> 29);
}

// The text after that word, up to the end of the line; empty if the word is not there.
std::string_view line_of(std::string_view status, std::string_view key) {
  const std::size_t at = status.find(key);
  if (at == std::string_view::npos) return "";
  const std::string_view rest = status.substr(at + key.size());
  return rest.substr(0, rest.find('\n'));
}

// Of the real, effective, saved and file ids all but the last, which setfsuid changes for one
// thread. A worker does not inherit it: exec sets it to the effective one.
std::string_view without_last(std::string_view ids) { return ids.substr(0, ids.rfind('\t')); }

constexpr char kMainThread[] = "/proc/self/status";

// The facts that only /proc reports about the main thread. If /proc does not report them now, the
// last known value.
std::uint64_t status_digest() {
  static std::atomic<std::uint64_t> last = 0;
  const std::optional<std::string> status = read_file(kMainThread);
  if (!status) return last;
  std::uint64_t digest = 1;
  for (const char* key : {"\nUid:", "\nGid:", "\nGroups:", "\nCapBnd:", "\nNoNewPrivs:"}) {
    digest = mix(digest, std::hash<std::string_view>()(line_of(*status, key)));
  }
  last = digest;
  return digest;
}

std::optional<std::uint64_t> number_of(const std::string& status, const char* key, int base) {
  const std::size_t at = status.find(key);
  if (at == std::string::npos) return std::nullopt;
  return std::strtoull(status.c_str() + at + std::strlen(key), nullptr, base);
}

}  // namespace

std::string why_no_workers() {
  if (getauxval(AT_SECURE) != 0) {
    return "this program was started with more rights than its caller's (set-user-id, "
           "set-group-id or file capabilities), so its workers would not be safe";
  }
  // These calls cannot fail and set no errno, but a seccomp filter can answer for them.
  for (const auto& [call, answer] : {std::pair<const char*, int>{"getuid", getuid()},
                                     {"geteuid", geteuid()},
                                     {"getgid", getgid()},
                                     {"getegid", getegid()}}) {
    if (answer == -EPERM || answer == -ENOSYS) return to_string(SysError{call, -answer});
  }
  if (getuid() == geteuid() && getgid() == getegid()) return "";
  return "the real and effective user or group of this program differ (user " +
         std::to_string(getuid()) + " and " + std::to_string(geteuid()) + ", group " +
         std::to_string(getgid()) + " and " + std::to_string(getegid()) +
         "), so its workers would not be safe. Cure: drop the rights for good (setresgid, "
         "setresuid), or submit while the two are the same";
}

std::string why_not_by_this_thread() {
  const std::optional<std::string> main_thread = read_file(kMainThread);
  const std::optional<std::string> this_thread = read_file("/proc/thread-self/status");
  if (!main_thread || !this_thread) return "";  // the call that needs it will report the error
  for (const char* key : {"\nUid:", "\nGid:", "\nGroups:"}) {
    std::string_view mains = line_of(*main_thread, key), ours = line_of(*this_thread, key);
    if (key != std::string_view("\nGroups:")) {
      mains = without_last(mains);
      ours = without_last(ours);
    }
    if (mains == ours) continue;
    return "the main thread of this program and the executor's have different rights (" +
           std::string(key + 1) + std::string(mains) + " and" + std::string(ours) +
           "), so its workers would not be safe. Has a thread changed its own by a raw system "
           "call? Cure: use setresuid, setresgid and setgroups of the C library, which change "
           "those of all threads, or submit first in a thread that has not changed its own";
  }
  return "";
}

void use_file_ids_of_main_thread() {
  const std::optional<std::string> status = read_file(kMainThread);
  if (!status) return;
  const auto last = [&](const char* key) {
    const std::string_view line = line_of(*status, key);
    const std::string id(line.substr(without_last(line).size()));
    return static_cast<unsigned>(std::strtoul(id.c_str(), nullptr, 10));
  };
  setfsuid(last("\nUid:"));
  setfsgid(last("\nGid:"));
}

std::optional<Capabilities> program_capabilities() {
  const std::optional<std::string> status = read_file(kMainThread);
  if (!status) return std::nullopt;
  const auto inheritable = number_of(*status, "\nCapInh:", 16);
  const auto permitted = number_of(*status, "\nCapPrm:", 16);
  const auto effective = number_of(*status, "\nCapEff:", 16);
  const auto bounding = number_of(*status, "\nCapBnd:", 16);
  if (!inheritable || !permitted || !effective || !bounding) {
    errno = ENODATA;
    return std::nullopt;
  }
  const auto none_new = number_of(*status, "\nNoNewPrivs:", 10);
  return Capabilities{*effective, *permitted, *inheritable, *bounding,
                      static_cast<int>(none_new.value_or(0))};
}

std::uint64_t rights_digest() {
  std::uint64_t digest = 1;
  uid_t users[3] = {};
  gid_t groups[3] = {};
  if (getresuid(&users[0], &users[1], &users[2]) != 0) digest = mix(digest, 2);
  if (getresgid(&groups[0], &groups[1], &groups[2]) != 0) digest = mix(digest, 3);
  for (int i = 0; i < 3; ++i) digest = mix(mix(digest, users[i]), groups[i]);
  std::array<gid_t, 64> few{};
  int count = getgroups(few.size(), few.data());
  std::vector<gid_t> many;
  if (count < 0 && errno == EINVAL) {
    many.resize(static_cast<std::size_t>(std::max(0, getgroups(0, nullptr))));
    count = getgroups(static_cast<int>(many.size()), many.data());
  }
  for (int i = 0; i < count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    digest = mix(digest, many.empty() ? few[at] : many[at]);
  }
  digest = mix(digest, status_digest());
  Masks masks;
  if (read_masks(getpid(), masks)) {
    digest = mix(mix(mix(digest, masks.effective()), masks.permitted()), masks.inheritable());
  }
  return digest;
}

std::optional<SysError> keep_at_most(const Capabilities& most) {
  if (most.no_new_privileges != 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return SysError{"prctl(PR_SET_NO_NEW_PRIVS)", errno};
  }
  // The bounding set comes first: the process needs a capability to change it.
  for (int capability = 0; capability < 64; ++capability) {
    if ((most.bounding >> capability & 1) != 0) continue;
    const int held = prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
    if (held < 0) break;  // this kernel knows no more capabilities
    if (held == 0 || prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0) continue;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
      return SysError{"prctl(PR_SET_NO_NEW_PRIVS)", errno};
    }
    break;
  }
  Masks now;
  if (!read_masks(0, now)) return SysError{"capget", errno};
  const std::uint64_t permitted = now.permitted() & most.permitted;
  const std::uint64_t effective = now.effective() & most.effective;
  const std::uint64_t inheritable = now.inheritable() & most.inheritable;
  if (permitted == now.permitted() && effective == now.effective() &&
      inheritable == now.inheritable()) {
    return std::nullopt;
  }
  if (!write_masks(effective & permitted, permitted, inheritable)) {
    return SysError{"capset", errno};
  }
  return std::nullopt;
}

bool may_become_another_user() {
  Masks now;
  if (!read_masks(0, now) || (now.permitted() >> CAP_SETUID & 1) == 0) return false;
  if (geteuid() != 0) return true;
  // Inside, outside, count: a single line that maps every user to the same number.
  const std::string map = read_file("/proc/self/uid_map").value_or("");
  std::istringstream words(map);
  std::uint64_t inside = 0, outside = 0, count = 0;
  return !(words >> inside >> outside >> count) || inside != 0 || outside != 0;
}

}  // namespace poolproof::os
