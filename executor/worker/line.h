// The worker's end of its channel: blocking reads and writes without time limits. An idle worker
// waits in one read.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>

#include "executor/transport/frame.h"

namespace poolproof::worker {

// The exit codes of a worker whose channel failed, and of one whose channel a task has written to.
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
  // Waits until the header of the next message has come; its payload may come later. Ends the
  // process if the parent is gone or violates the protocol.
  Coming next();
  // Waits for the rest of that message, and removes it from the line.
  transport::Frame take();
  // Whether the whole coming message, an offer, is here, and a message that takes `task` back is
  // behind it. Both are consumed in that case.
  bool taken_back(TaskId task);
  // Whether the parent has received exactly what was sent here: no task wrote to the channel by
  // hand.
  bool agrees(std::uint64_t tally) const { return tally == sent_; }
  // Called after each run of user code: ends the process if the descriptor is no longer its
  // channel. A task that closes descriptors it did not open may have opened another file under that
  // number. Another file must not get a result, and must not give orders.
  void require_own_channel() const;
  // Ends the process if the channel is broken: if a claim cannot be sent, the task must not run.
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
  std::uint32_t sent_;  // the digest of what was sent
};

}  // namespace poolproof::worker
