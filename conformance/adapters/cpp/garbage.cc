#include "conformance/adapters/cpp/garbage.h"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace poolproof::adapter {
namespace {

constexpr std::size_t kBytes = 4096;  // a pipe takes this much as a whole, or nothing

bool takes_bytes(int fd) {
  struct stat kind {};
  if (::fstat(fd, &kind) != 0 || !(S_ISFIFO(kind.st_mode) || S_ISSOCK(kind.st_mode))) return false;
  pollfd now = {fd, POLLOUT, 0};
  return ::poll(&now, 1, 0) == 1 && (now.revents & POLLOUT) != 0;
}

}  // namespace

void write_garbage() {
  std::string rubbish;
  while (rubbish.size() < kBytes) rubbish += "rubbish of a worker ";
  rubbish.resize(kBytes);
  ::signal(SIGPIPE, SIG_IGN);
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const int fd = std::stoi(entry.path().filename());
    // A refused write is ignored.
    if (fd > 2 && takes_bytes(fd)) static_cast<void>(!::write(fd, rubbish.data(), rubbish.size()));
  }
}

}  // namespace poolproof::adapter
