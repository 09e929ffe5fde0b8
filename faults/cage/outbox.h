// The queue of the keeper's messages to the harness. The keeper never blocks on a harness that does
// not read, because it must still kill what is inside.
#pragma once

#include <cstddef>
#include <deque>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace poolproof::faults {

inline constexpr std::size_t kLargestPacket = 65536;

long long monotonic_ns();

// Encodes one message as one packet of at most kLargestPacket bytes. A list that does not fit is
// cut, and NAME_cut says how many of its items were left out. Invalid UTF-8 is replaced.
std::string encode_packet(nlohmann::json message);

// Writes control characters and invalid UTF-8 as \xNN; at most `at_most` bytes.
std::string escaped(std::string_view text, std::size_t at_most = 512);

class Outbox {
 public:
  explicit Outbox(int socket) : socket_(socket) {}  // not owned, and non-blocking

  void post(const char* ev, nlohmann::json fields);  // adds `ev` and `t_ns`, sends what can be sent
  void send_waiting();                               // sends as much as the socket takes now
  void send_all();  // blocks until all is sent or the harness is gone

  bool waiting() const { return !queue_.empty(); }
  // Whether so much waits that nothing more may be read from the pool until the harness has read.
  bool crowded() const { return queued_bytes_ > kCrowdedBytes; }

 private:
  static constexpr std::size_t kCrowdedBytes = std::size_t{8} << 20;
  int socket_;
  std::deque<std::string> queue_;
  std::size_t queued_bytes_ = 0;
};

}  // namespace poolproof::faults
