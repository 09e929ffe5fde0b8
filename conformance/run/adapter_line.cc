#include "conformance/run/adapter_line.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <vector>

#include "conformance/protocol/protocol.h"

namespace poolproof::conformance {

void AdapterLine::send(const nlohmann::json& message) {
  queue_.push_back(message.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  flush();
}

void AdapterLine::flush() {
  while (!queue_.empty()) {
    const std::string& next = queue_.front();
    const ssize_t sent = ::send(fd_, next.data(), next.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS)) return;
    if (sent < 0) {  // EPIPE, ECONNRESET: gone; the process handle shows how
      queue_.clear();
      return;
    }
    queue_.pop_front();
  }
}

bool AdapterLine::other_side_has_read_all() const {
  int unread = 0;
  return queue_.empty() && ::ioctl(fd_, SIOCOUTQ, &unread) == 0 && unread == 0;
}

std::optional<AdapterLine::Received> AdapterLine::receive() {
  thread_local std::vector<char> buffer(kLongestMessage + 1);  // expensive to allocate each time
  ssize_t size = 0;
  do {
    size = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
  } while (size < 0 && errno == EINTR);
  if (size < 0 && errno == EAGAIN) return std::nullopt;
  if (size <= 0) {
    ended_ = true;
    return std::nullopt;
  }
  Received received;
  received.text.assign(buffer.data(), static_cast<std::size_t>(size));
  received.wrong = read_message(received.text, received.message);
  return received;
}

}  // namespace poolproof::conformance
