#include "executor/os/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace poolproof::os {

std::optional<std::string> read_file(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  std::string text;
  char part[4096];
  ssize_t size = 0;
  while ((size = read(fd, part, sizeof(part))) != 0) {
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) break;
    text.append(part, static_cast<std::size_t>(size));
  }
  const int error = errno;
  close(fd);
  errno = error;
  if (size < 0) return std::nullopt;
  return text;
}

}  // namespace poolproof::os
