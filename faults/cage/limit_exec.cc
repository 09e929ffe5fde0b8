#include "faults/cage/limit_exec.h"

#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <sstream>
#include <vector>

#include "faults/cage/fd.h"

namespace poolproof::faults {
namespace {

struct Mount {
  std::string point;
  unsigned long flags = 0;  // MS_...: its current flags
};

// "\040" and similar escapes of /proc/self/mountinfo.
std::string unescaped(const std::string& text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      plain += static_cast<char>(std::stoi(text.substr(i + 1, 3), nullptr, 8));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

// A remount without one of these flags would remove it, or would be refused if the flag is locked.
unsigned long flags_of(unsigned long told) {
  constexpr std::pair<unsigned long, unsigned long> kSame[] = {
      {ST_RDONLY, MS_RDONLY},   {ST_NOSUID, MS_NOSUID},         {ST_NODEV, MS_NODEV},
      {ST_NOATIME, MS_NOATIME}, {ST_NODIRATIME, MS_NODIRATIME}, {ST_RELATIME, MS_RELATIME}};
  unsigned long flags = 0;
  for (const auto& [theirs, ours] : kSame)
    if ((told & theirs) != 0) flags |= ours;
  return flags;
}

std::vector<Mount> mounts_with_programs() {
  std::vector<Mount> mounts;
  std::istringstream lines(read_file("/proc/self/mountinfo").text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string id, parent, device, root, point;
    words >> id >> parent >> device >> root >> point;
    point = unescaped(point);
    struct statvfs now {};
    if (::statvfs(point.c_str(), &now) != 0 || (now.f_flag & ST_NOEXEC) != 0) continue;
    mounts.push_back({point, flags_of(now.f_flag)});
  }
  return mounts;
}

int remount(const Mount& mount, unsigned long more) {
  return ::mount(nullptr, mount.point.c_str(), nullptr, MS_REMOUNT | MS_BIND | mount.flags | more,
                 nullptr);
}

}  // namespace

std::function<void()> limit_exec(const Places& places, const Identity& who) {
  if (const std::string why = why_no_exec_limit(places); !why.empty())
    throw std::runtime_error(why);
  std::vector<Mount> done;
  // Some cannot be remounted (one that another one hides). Whether the result is enough is tested
  // afterwards.
  for (const Mount& mount : mounts_with_programs())
    if (remount(mount, MS_NOEXEC) == 0) done.push_back(mount);
  const auto undo = [done] {
    for (auto mount = done.rbegin(); mount != done.rend(); ++mount)
      checked(remount(*mount, 0), "remount of " + mount->point + " without noexec");
  };
  const std::string program = "/proc/" + std::to_string(who.pid) + "/exe";
  if (::access(program.c_str(), X_OK) == 0) {
    undo();
    throw std::runtime_error(program + " can still be executed");
  }
  return undo;
}

std::string why_no_exec_limit(const Places& places) {
  return why_not_private(places, "the mounts are");
}

}  // namespace poolproof::faults
