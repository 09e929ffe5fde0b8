// The worker's end of its channel: blocking, untimed reads and writes. An idle worker sits in one
// read.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>

#include "executor/transport/frame.h"

namespace poolproof::worker {

// What a worker ends with when its channel fails under it, and when a task has written to it.
using transport::kChannelFailed;
using transport::kChannelForged;

class Line {
 public:
  // `sent`: the digest of what this process has sent on it before.
  explicit Line(int fd, std::uint32_t sent = 0);
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  struct Coming {
    transport::FrameKind kind;
    TaskId task;
  };
  // Waits until the header of the next message has come; its payload may still be on its way. Ends
  // the process when the parent is gone or talks nonsense.
  Coming next();
  // Waits for the rest of that message, and takes it off the line.
  transport::Frame take();
  // Whether the coming message, an offer, is here wholly, and behind it one that takes `task` back;
  // both are consumed then.
  bool taken_back(TaskId task);
  // Whether the parent has heard just what was sent here: no task wrote to the channel by hand.
  bool agrees(std::uint64_t tally) const { return tally == sent_; }
  // After each run of user code: ends the process if its descriptor is not its channel any more. A
  // task that closes what it did not open may have opened something of its own under that number,
  // and no stranger may get a result, or give orders.
  void require_own_channel() const;
  // Ends the process if the channel is broken: a claim that cannot be sent must not be acted upon.
  void send(transport::FrameKind kind, TaskId task, Bytes payload = {});

 private:
  [[noreturn]] static void fail(const char* call);
  void await(short what);
  ssize_t receive(int flags);
  bool fill(int flags);  // false: nothing there (with MSG_DONTWAIT)

  const int fd_;
  const std::uint64_t identity_;
  transport::FrameParser parser_;
  std::deque<transport::Frame> ready_;
  Bytes scratch_;
  std::uint32_t sent_;  // the digest of it
};

}  // namespace poolproof::worker
