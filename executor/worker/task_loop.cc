#include "executor/worker/task_loop.h"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdio>
#include <exception>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "executor/os/child.h"
#include "executor/os/memory.h"
#include "executor/transport/frame.h"
#include "executor/transport/thrown.h"
#include "executor/worker/line.h"
#include "poolproof/task.h"

namespace poolproof::worker {
namespace {

using detail::CodeAddress;
using detail::Step;
using transport::Frame;
using transport::FrameKind;

Bytes run_task(const Bytes& payload, std::size_t max_payload, FrameKind& kind) {
  Step step = Step::kDecodeArgs;
  try {
    WireReader in(payload);
    WireWriter out;
    CodeAddress where;
    in.read(&where, sizeof(where));
    std::bit_cast<detail::Thunk>(detail::resolve(where))(in, out, step);
    if (out.bytes().size() > max_payload) {
      throw BadBytes("the result is " + std::to_string(out.bytes().size()) +
                     " bytes long, more than the limit of " + std::to_string(max_payload) +
                     " (ExecutorOptions::max_frame_bytes)");
    }
    kind = FrameKind::kValue;
    return out.take();
  } catch (...) {
    kind = FrameKind::kFailed;
    return transport::to_bytes(
        transport::describe_thrown(static_cast<std::uint8_t>(step), std::current_exception()));
  }
}

// Whatever it returns is dropped, so that its size has no limit.
void initialize(Line& line, pid_t self) {
  const Frame frame = line.next();
  if (frame.kind == FrameKind::kStop) _exit(0);  // no longer needed
  if (frame.kind != FrameKind::kInitialize) _exit(kChannelFailed);
  line.send(FrameKind::kInitBegun, 0);
  FrameKind kind = FrameKind::kFailed;
  Bytes reply = run_task(frame.payload, std::numeric_limits<std::size_t>::max(), kind);
  if (getpid() != self) _exit(0);
  std::fflush(stdout);
  if (kind != FrameKind::kFailed) return;
  line.send(kind, 0, std::move(reply));
  _exit(0);
}

// Tells what this process holds, at most once in each interval.
class MemoryReports {
 public:
  explicit MemoryReports(std::int64_t interval_ms) : interval_(interval_ms) {}

  // Before a reply, so that it is known when the next task is given out. What the reply itself
  // takes is no growth: it is gone once it is sent.
  void send_if_due(Line& line, std::size_t reply_bytes) {
    if (interval_.count() == 0) return;
    const auto now = std::chrono::steady_clock::now();
    if (last_ && now - *last_ < interval_) return;
    last_ = now;
    const std::size_t held = os::anonymous_memory();
    line.send(FrameKind::kMemory, held - std::min(held, reply_bytes));
  }

 private:
  const std::chrono::milliseconds interval_;
  std::optional<std::chrono::steady_clock::time_point> last_;
};

}  // namespace

void serve(int fd, const os::WorkerStart& start) {
  const pid_t self = getpid();
  Line line(fd);
  if (start.has_initializer != 0) initialize(line, self);
  line.send(FrameKind::kHello, 0);
  MemoryReports memory(start.memory_interval_ms);
  while (true) {
    Frame frame = line.next();
    switch (frame.kind) {
      case FrameKind::kTally:
        // An earlier task has written to our channel by hand. The next one, which comes now, must
        // not be in our hands when the parent finds that out.
        if (!line.agrees(frame.task)) _exit(kChannelFailed);
        break;
      case FrameKind::kOffer: {
        if (line.taken_back(frame.task)) {
          line.send(FrameKind::kWithdrawn, frame.task);
          break;
        }
        // A task before this one may have changed its credentials, and then the kernel forgets
        // this.
        os::bind_to_parent(start.parent);
        // Before anything of the task is decoded, so that whatever kills us is laid to its account.
        line.send(FrameKind::kClaim, frame.task);
        FrameKind kind = FrameKind::kFailed;
        Bytes reply = run_task(frame.payload, start.max_payload, kind);
        // A child that the task forked and let run out of its function is no worker.
        if (getpid() != self) _exit(0);
        std::fflush(stdout);  // what it printed is seen, though we end by _exit
        memory.send_if_due(line, reply.capacity());
        line.send(kind, frame.task, std::move(reply));
        break;
      }
      case FrameKind::kWithdraw:
        break;  // too late: the claim that we sent is the answer
      case FrameKind::kStop:
        std::fflush(nullptr);
        _exit(0);
      default:
        _exit(kChannelFailed);
    }
  }
}

}  // namespace poolproof::worker
