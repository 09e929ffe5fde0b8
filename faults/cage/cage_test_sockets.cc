#include "faults/cage/cage_test_sockets.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>

namespace {

void bind_unix(const std::string& name, std::size_t skipped) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path + skipped, sizeof address.sun_path - 1 - skipped);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + skipped + name.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0) ::_exit(98);
}

}  // namespace

std::string open_sockets(const std::string& path) {
  bind_unix(path, 0);
  bind_unix("cage-test-" + std::to_string(::getpid()), 1);  // abstract: its first byte is zero
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(fd, 1) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    ::_exit(99);
  return std::to_string(ntohs(address.sin_port));
}
