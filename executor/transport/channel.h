// The parent's end of one worker's channel: a stream of frames that never blocks the supervisor.
//
// Used by the supervisor's thread alone. Nothing here judges what a frame means.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "executor/os/os.h"
#include "executor/transport/frame.h"

namespace poolproof::transport {

class Channel {
 public:
  // Takes over `fd`, a non-blocking stream.
  Channel(os::Os& os, int fd, std::size_t max_payload);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // Queues a frame and writes what the stream takes now. Before an offer goes a tally of what was
  // heard: if a task has written to the channel by hand, the worker sees that they differ, and ends
  // before it claims another task, which is then not harmed by it.
  void send(FrameKind kind, TaskId task, SharedPayload payload);
  // Once it is writable. A large payload goes out in parts, one a call, so that it does not keep
  // the supervisor.
  void flush();
  std::uint64_t written() const { return written_; }  // bytes, in all
  bool holds_payload() const;                         // some of one is still unsent

  struct Received {
    std::vector<Frame> frames;           // whole ones, in order
    std::optional<std::string> garbage;  // told once; no frame comes afterwards
    bool claim_in_garbage = false;       // the claim of `expect_claim`, among or after the garbage
  };
  // The claim to look for, should the stream turn to garbage: whether a task has started must be
  // known even of a worker whose earlier task writes nonsense. A claim is sent in one piece.
  void expect_claim(TaskId task);
  // Reads at most about `budget` bytes, so that one chatty worker cannot keep the supervisor.
  Received receive(std::size_t budget);

  // Somebody else has closed the descriptor; its number may be anybody's, and is left alone.
  void abandon() { abandoned_ = true; }

  int fd() const { return fd_; }
  bool wants_to_write() const { return !lost_ && !unsent_.empty(); }
  bool wants_to_read() const { return !lost_ && !deaf_; }
  // The other end is closed: EOF was read, or a write was refused. All that was sent before is
  // read.
  bool lost() const { return lost_; }
  bool refused() const { return write_refused_; }
  // A write was refused, which no poll need tell: receive() must be called without waiting for one.
  bool wants_a_look() const { return write_refused_ && !lost_ && !deaf_; }

 private:
  bool holds_claim(std::span<const std::byte> bytes);
  void keep_tail(std::span<const std::byte> bytes);

  struct Outgoing {
    Bytes head;  // the header, and before an offer the tally
    SharedPayload payload;
    std::size_t sent = 0;
  };

  os::Os& os_;
  const int fd_;
  FrameParser parser_;
  std::deque<Outgoing> unsent_;
  std::vector<std::byte> scratch_;
  std::uint64_t written_ = 0;
  bool write_refused_ = false;
  bool lost_ = false;
  bool abandoned_ = false;
  bool deaf_ = false;            // after garbage
  std::optional<TaskId> claim_;  // of which task it is looked for
  Bytes tail_;                   // the last bytes that were read, too few to hold a whole claim
};

}  // namespace poolproof::transport
