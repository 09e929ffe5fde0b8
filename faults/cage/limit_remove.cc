// For guard, keeper and harness: those of them that are left remove the cgroups that were made.
#include <time.h>
#include <unistd.h>

#include <cerrno>

#include "faults/cage/limit_cgroup.h"

namespace poolproof::faults {
namespace {

constexpr int kLooks = 200;
constexpr timespec kPause = {0, 5'000'000};

}  // namespace

bool remove_cgroup(const std::string& path) {
  for (int look = 0; look < kLooks; ++look) {
    if (::rmdir(path.c_str()) == 0 || errno == ENOENT) return true;
    if (errno != EBUSY) return false;
    ::nanosleep(&kPause, nullptr);
  }
  return false;
}

}  // namespace poolproof::faults
