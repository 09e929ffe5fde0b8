#include "faults/cage/outbox.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include <cerrno>
#include <stdexcept>

#include "faults/cage/fd.h"

namespace poolproof::faults {
namespace {

std::string dumped(const nlohmann::json& message) {
  return message.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// Length of the valid UTF-8 sequence at the start of `text`; 0 if there is none.
std::size_t utf8_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t length = lead < 0x80           ? 1
                             : (lead >> 5) == 0x06 ? 2
                             : (lead >> 4) == 0x0e ? 3
                             : (lead >> 3) == 0x1e ? 4
                                                   : 0;
  if (length == 0 || length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((static_cast<unsigned char>(text[i]) >> 6) != 0x02) return 0;
  return length;
}

}  // namespace

long long monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<long long>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

std::string encode_packet(nlohmann::json message) {
  std::string packet = dumped(message);
  while (packet.size() > kLargestPacket) {
    std::string longest;
    std::size_t longest_size = 0;
    for (const auto& [name, value] : message.items()) {
      if (!value.is_array() || value.empty()) continue;
      const std::size_t size = dumped(value).size();
      if (size > longest_size) {
        longest = name;
        longest_size = size;
      }
    }
    if (longest.empty()) throw std::logic_error("a message is too large and has no list to cut");
    auto& list = message[longest];
    const std::size_t kept = list.size() / 2;
    auto& cut = message[longest + "_cut"];
    cut = (cut.is_null() ? std::size_t{0} : cut.get<std::size_t>()) + (list.size() - kept);
    list.erase(list.begin() + static_cast<std::ptrdiff_t>(kept), list.end());
    packet = dumped(message);
  }
  return packet;
}

std::string escaped(std::string_view text, std::size_t at_most) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string result;
  while (!text.empty()) {
    const auto byte = static_cast<unsigned char>(text.front());
    const std::size_t length = utf8_length(text);
    const bool plain = length > 1 || (length == 1 && byte >= 0x20 && byte != 0x7f);
    const std::string piece = plain
                                  ? std::string(text.substr(0, length))
                                  : std::string("\\x") + kDigits[byte >> 4] + kDigits[byte & 0x0f];
    if (result.size() + piece.size() > at_most) break;
    result += piece;
    text.remove_prefix(plain ? length : 1);
  }
  return result;
}

void Outbox::post(const char* ev, nlohmann::json fields) {
  fields["ev"] = ev;
  if (!fields.contains("t_ns")) fields["t_ns"] = monotonic_ns();
  queue_.push_back(encode_packet(std::move(fields)));
  queued_bytes_ += queue_.back().size();
  send_waiting();
}

void Outbox::send_waiting() {
  while (!queue_.empty()) {
    const std::string& packet = queue_.front();
    const ssize_t sent = ::send(socket_, packet.data(), packet.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)) return;
    if (sent < 0 && errno != EPIPE && errno != ECONNRESET) throw CallFailed("send to the harness");
    if (sent < 0) {  // the harness is gone: nothing will read what waits
      queue_.clear();
      queued_bytes_ = 0;
      return;
    }
    queued_bytes_ -= packet.size();
    queue_.pop_front();
  }
}

void Outbox::send_all() {
  while (send_waiting(), waiting()) {
    pollfd room = {socket_, POLLOUT, 0};
    if (::poll(&room, 1, -1) < 0 && errno != EINTR) throw CallFailed("poll of the harness");
  }
}

}  // namespace poolproof::faults
