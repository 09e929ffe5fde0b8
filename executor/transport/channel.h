// The parent's end of one worker's channel: a stream of frames that never blocks the supervisor.
//
// Only the supervisor's thread uses it. This class does not judge what a frame means.
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

  // Queues a frame, and writes as much as the stream takes now. Before an offer it sends a tally of
  // what was received. If a task has written to the channel by hand, the worker sees that the
  // tallies differ. It then ends before it claims another task, so the next task is not harmed.
  void send(FrameKind kind, TaskId task, SharedPayload payload);
  // Call it when the channel is writable. A large payload is sent in parts, one in each call, so
  // that it does not delay the supervisor.
  void flush();
  std::uint64_t written() const { return written_; }  // bytes, in all
  bool holds_payload() const;                         // a part of one is still unsent

  struct Received {
    std::vector<Frame> frames;           // whole frames, in order
    std::optional<std::string> garbage;  // reported once; no frame comes afterwards
    bool claim_in_garbage = false;       // the claim of `expect_claim`, among or after the garbage
  };
  // The claim to look for if the stream turns to garbage: it must be known whether a task has
  // started, even if an earlier task of the worker writes garbage. A claim is sent in one piece.
  void expect_claim(TaskId task);
  // Reads at most about `budget` bytes, so that one worker that sends much cannot delay the
  // supervisor.
  Received receive(std::size_t budget);

  // The program has closed the descriptor. Its number may belong to another file, so it is not used
  // any more.
  void abandon() { abandoned_ = true; }

  int fd() const { return fd_; }
  bool wants_to_write() const { return !lost_ && !unsent_.empty(); }
  bool wants_to_read() const { return !lost_ && !deaf_; }
  // The other end is closed: EOF was read, or a write was refused. Everything that was sent before
  // it is read.
  bool lost() const { return lost_; }
  bool refused() const { return write_refused_; }
  // A write was refused, and poll need not report that: receive() must be called without waiting.
  bool wants_a_look() const { return write_refused_ && !lost_ && !deaf_; }

 private:
  bool holds_claim(std::span<const std::byte> bytes);
  void keep_tail(std::span<const std::byte> bytes);

  struct Outgoing {
    Bytes head;  // the header, with the tally before an offer
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
  std::optional<TaskId> claim_;  // the task whose claim is searched for
  Bytes tail_;                   // the last bytes read, too few for a whole claim
};

}  // namespace poolproof::transport
