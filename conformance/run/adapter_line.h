// The harness's end of the connection to an adapter (its *line*): one JSON object per message;
// never blocks (protocol.md).
#pragma once

#include <deque>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace poolproof::conformance {

// Does not own the descriptor. Not thread-safe.
class AdapterLine {
 public:
  explicit AdapterLine(int fd) : fd_(fd) {}
  AdapterLine(const AdapterLine&) = delete;
  AdapterLine& operator=(const AdapterLine&) = delete;

  struct Received {
    nlohmann::json message;  // null: `wrong` says why there is none
    std::string text;        // as it was received
    std::optional<std::string> wrong;
  };

  void send(const nlohmann::json& message);  // queues it; it is written when the adapter reads
  void flush();                              // writes as much as possible now
  bool wants_to_write() const { return !queue_.empty(); }
  bool other_side_has_read_all() const;  // everything that was sent

  // The next message; nullopt if none waits. After the other end is gone: nullopt, and ended().
  std::optional<Received> receive();
  bool ended() const { return ended_; }

 private:
  int fd_;
  std::deque<std::string> queue_;
  bool ended_ = false;
};

}  // namespace poolproof::conformance
