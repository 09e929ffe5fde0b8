// The line to the harness: a SEQPACKET socket, one JSON object per message
// (conformance/protocol/protocol.md).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace poolproof::adapter {

// Only main() may make one, and first of all: a worker never runs main, so it never touches the
// line.
class Line {
 public:
  // The rule of every kit: moves fd 0 to a private CLOEXEC descriptor, then points fd 0 to
  // /dev/null and fd 1 to fd 2, so that nothing a task prints or reads can reach the line. Aborts
  // if the kernel refuses.
  Line();
  ~Line();
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  // Sends one message in one write; any thread may call it. Invalid UTF-8 is replaced; it causes no
  // exception. If the harness is gone, ends this program at once. False: the message is longer than
  // kMessageBytes, and nothing was sent.
  bool send(const nlohmann::json& message) const;

  // Blocks until the next message; nullopt if it is not a JSON object (`why` says what is wrong).
  // EOF means that the harness is gone: ends this program at once.
  std::optional<nlohmann::json> receive(std::string& why) const;

  static constexpr std::size_t kMessageBytes = 65536;

 private:
  int fd_;
};

// JSON text of a value; invalid UTF-8 is replaced.
std::string text_of(const nlohmann::json& value);

}  // namespace poolproof::adapter
