// The line to the harness: a SEQPACKET socket, one JSON object per message
// (conformance/protocol/protocol.md).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace poolproof::adapter {

// Only main() makes one, as its first act: a worker that never runs main never touches the line.
class Line {
 public:
  // The kit's law: moves fd 0 to a private CLOEXEC descriptor, then fd 0 to /dev/null and fd 1 to
  // fd 2, so that nothing a task prints or reads can reach the line. Aborts if the kernel refuses.
  Line();
  ~Line();
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  // One message, one write; any thread may call. Invalid UTF-8 is replaced, never thrown on. A
  // harness that is gone ends this program at once. False, and nothing sent, for a message that is
  // longer than kMessageBytes.
  bool send(const nlohmann::json& message) const;

  // Blocks for the next message; nullopt if it is no JSON object (`why` says what is wrong with
  // it). EOF means that the harness is gone: ends this program at once.
  std::optional<nlohmann::json> receive(std::string& why) const;

  static constexpr std::size_t kMessageBytes = 65536;

 private:
  int fd_;
};

// JSON text of a value, in which invalid UTF-8 is replaced.
std::string text_of(const nlohmann::json& value);

}  // namespace poolproof::adapter
