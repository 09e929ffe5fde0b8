#include "faults/cage/limit_shm.h"

#include <sys/mount.h>
#include <sys/statfs.h>

#include <algorithm>

#include "faults/cage/fd.h"

namespace poolproof::faults {
namespace {

constexpr const char* kPlace = "/dev/shm";
constexpr long long kRoom = 1LL << 20;  // bytes

void resize(long long bytes, long long files) {
  const std::string options =
      "size=" + std::to_string(bytes) + ",nr_inodes=" + std::to_string(files);
  checked(::mount(nullptr, kPlace, nullptr, MS_REMOUNT | MS_NOSUID | MS_NODEV, options.c_str()),
          "remount of /dev/shm with " + options);
}

}  // namespace

SharedMemoryLimit limit_shm(const Places& places, bool room) {
  if (const std::string why = why_no_shm_limit(places); !why.empty()) throw std::runtime_error(why);
  struct statfs now {};
  checked(::statfs(kPlace, &now), "statfs /dev/shm");
  const long long whole = static_cast<long long>(now.f_blocks) * now.f_bsize;
  const long long used = static_cast<long long>(now.f_blocks - now.f_bfree) * now.f_bsize;
  const auto files = static_cast<long long>(now.f_files);
  const long long made = files - static_cast<long long>(now.f_ffree);
  // Zero would mean no limit, so it must be at least a page.
  const long long bytes = room ? used + kRoom : std::max<long long>(used, now.f_bsize);
  resize(bytes, room ? files : made);
  return {bytes, [whole, files] { resize(whole, files); }};
}

std::string why_no_shm_limit(const Places& places) {
  return why_not_private(places, "/dev/shm is");
}

}  // namespace poolproof::faults
