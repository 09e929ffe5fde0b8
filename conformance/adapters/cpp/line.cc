#include "conformance/adapters/cpp/line.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <vector>

namespace poolproof::adapter {
namespace {

constexpr int kFdFloor = 10;  // above the low numbers that pools and people use by hand

// If fd 0 is a terminal or a pipe, a person started the program, and not a harness.
[[noreturn]] void give_up(const char* what) {
  std::fprintf(stderr, "adapter: %s: %s\n", what, std::strerror(errno));
  std::_Exit(2);
}

}  // namespace

Line::Line() : fd_(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, kFdFloor)) {
  int type = 0;
  socklen_t size = sizeof type;
  if (fd_ < 0 || ::getsockopt(fd_, SOL_SOCKET, SO_TYPE, &type, &size) != 0) {
    give_up("fd 0 must be the harness's socket (conformance/protocol/protocol.md)");
  }
  if (type != SOCK_SEQPACKET) {
    errno = EPROTOTYPE;
    give_up("fd 0 must be a SOCK_SEQPACKET socket (conformance/protocol/protocol.md)");
  }
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) give_up("open /dev/null");
  if (::dup2(null, STDIN_FILENO) < 0) give_up("dup2 of /dev/null to fd 0");
  if (::dup2(STDERR_FILENO, STDOUT_FILENO) < 0) give_up("dup2 of fd 2 to fd 1");
  ::close(null);
}

Line::~Line() { ::close(fd_); }

bool Line::send(const nlohmann::json& message) const {
  const std::string text = text_of(message) + "\n";
  if (text.size() > kMessageBytes) return false;
  ssize_t sent = 0;
  do {  // MSG_NOSIGNAL: if the harness is gone, EPIPE shows it, whatever SIGPIPE is set to
    sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) std::_Exit(1);
  return true;
}

std::optional<nlohmann::json> Line::receive(std::string& why) const {
  std::vector<char> buffer(kMessageBytes);
  ssize_t got = 0;
  do {  // MSG_TRUNC: returns the true length, also of a message that is too long
    got = ::recv(fd_, buffer.data(), buffer.size(), MSG_TRUNC);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) std::_Exit(0);
  if (static_cast<std::size_t>(got) > buffer.size()) {
    why = "a message of " + std::to_string(got) + " bytes; it may have 65536";
    return std::nullopt;
  }
  try {
    auto message = nlohmann::json::parse(buffer.begin(), buffer.begin() + got);
    if (message.is_object()) return message;
    why = "the message is no JSON object";
  } catch (const nlohmann::json::exception& error) {
    why = error.what();
  }
  return std::nullopt;
}

std::string text_of(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace poolproof::adapter
