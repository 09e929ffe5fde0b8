#include "executor/os/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace poolproof::os {

namespace {

struct Open {
  explicit Open(const char* path) : fd(open(path, O_RDONLY | O_CLOEXEC)) {}
  ~Open() {
    const int error = errno;
    if (fd >= 0) close(fd);
    errno = error;
  }
  Open(const Open&) = delete;
  Open& operator=(const Open&) = delete;
  const int fd;
};

}  // namespace

std::optional<std::string> read_file(const char* path) {
  const Open file(path);  // closed on every way out: there may be no memory for the text
  if (file.fd < 0) return std::nullopt;
  std::string text;
  char part[4096];
  ssize_t size = 0;
  while ((size = read(file.fd, part, sizeof(part))) != 0) {
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return std::nullopt;
    text.append(part, static_cast<std::size_t>(size));
  }
  return text;
}

std::uint64_t identity_of(int fd) {
  struct stat what {};
  if (fstat(fd, &what) != 0) return 0;
  // Sockets and pipes have their own inodes. Pidfds have them since Linux 6.9. Before, pidfds share
  // one inode with eventfds and similar files, so this value only tells them apart from files,
  // pipes and sockets.
  return (static_cast<std::uint64_t>(what.st_dev) << 48) ^ what.st_ino ^ (std::uint64_t{1} << 63);
}

bool is_refused(int error) { return error == EPERM || error == EACCES || error == ENOSYS; }

}  // namespace poolproof::os
