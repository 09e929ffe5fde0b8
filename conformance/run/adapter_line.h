// The harness's end of an adapter's line: one JSON object per message, never blocking
// (protocol.md).
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
    nlohmann::json message;  // null if `wrong` says why there is none
    std::string text;        // as it came
    std::optional<std::string> wrong;
  };

  void send(const nlohmann::json& message);  // queued; written as the adapter reads
  void flush();                              // writes what can be written now
  bool wants_to_write() const { return !queue_.empty(); }
  bool other_side_has_read_all() const;  // of what was sent

  // The next message, or nothing if none waits. After the other end is gone: nothing, and ended().
  std::optional<Received> receive();
  bool ended() const { return ended_; }

 private:
  int fd_;
  std::deque<std::string> queue_;
  bool ended_ = false;
};

}  // namespace poolproof::conformance
