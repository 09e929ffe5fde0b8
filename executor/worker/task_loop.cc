#include "executor/worker/task_loop.h"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdio>
#include <exception>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "executor/os/child.h"
#include "executor/os/memory.h"
#include "executor/transport/frame.h"
#include "executor/transport/thrown.h"
#include "executor/worker/ending.h"
#include "executor/worker/entry.h"
#include "executor/worker/line.h"
#include "poolproof/task.h"

namespace poolproof::worker {
namespace {

using detail::CodeAddress;
using detail::Step;
using transport::Frame;
using transport::FrameKind;

// A block of memory that is freed when memory runs out, so that the error can still be reported.
class Reserve {
 public:
  Reserve() { refill(); }
  void refill() noexcept {
    if (!block_) block_.reset(new (std::nothrow) std::byte[kBytes]);
  }
  void release() { block_.reset(); }

 private:
  static constexpr std::size_t kBytes = std::size_t{256} << 10;
  std::unique_ptr<std::byte[]> block_;
};

// The text for a value that found no memory: for which part of it, and under which limit.
std::string no_memory(Step step, const Frame& call, std::size_t encoded, std::size_t limit) {
  const std::size_t bytes = call.dropped != 0 ? call.dropped : call.payload.size();
  std::string text = step == Step::kEncodeResult
                         ? "no memory to encode the result, of which " + std::to_string(encoded) +
                               " bytes were made; its call is "
                         : std::string("no memory to ") +
                               (call.dropped != 0 ? "take in" : "decode") + " a call of ";
  text += std::to_string(bytes) + (step == Step::kEncodeResult ? " bytes long" : " bytes");
  if (limit != 0) {
    text += " (ExecutorOptions::memory_limit is " + std::to_string(limit) + " bytes)";
  }
  return text;
}

Bytes run_task(const Frame& call, std::size_t max_payload, std::size_t memory_limit,
               Reserve& reserve, FrameKind& kind) {
  Step step = Step::kDecodeArgs;
  WireWriter out;
  try {
    if (call.dropped != 0) throw std::bad_alloc();
    WireReader in(call.payload);
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
    const std::size_t encoded = out.take().size();  // the bytes are freed at once
    reserve.release();
    Failure failure =
        transport::describe_thrown(transport::origin_of(step), std::current_exception());
    if (step != Step::kRun && failure.type_name == "std::bad_alloc") {
      failure.text = no_memory(step, call, encoded, memory_limit);
    }
    return transport::to_bytes(failure);
  }
}

// What the call returns is dropped, so its size has no limit.
void initialize(Line& line, const os::WorkerStart& start, Reserve& reserve, pid_t self) {
  const FrameKind first = line.next().kind;
  if (first == FrameKind::kStop) end_as_asked();  // no longer needed
  if (first != FrameKind::kInitialize) _exit(kChannelFailed);
  line.send(FrameKind::kInitBegun, 0);
  const Frame call = line.take();
  FrameKind kind = FrameKind::kFailed;
  Bytes reply =
      run_task(call, std::numeric_limits<std::size_t>::max(), start.memory_limit, reserve, kind);
  if (getpid() != self) _exit(0);
  flush_output();
  line.require_own_channel();
  if (kind != FrameKind::kFailed) return;
  line.send(kind, 0, std::move(reply));
  end_as_asked();
}

// Reports how much memory this process holds, at most once in each interval.
class MemoryReports {
 public:
  explicit MemoryReports(std::int64_t interval_ms) : interval_(interval_ms) {}

  // Sent before a reply, so that the parent knows it when it gives out the next task. The memory of
  // the reply itself does not count, because it is freed once it is sent.
  void send_if_due(Line& line, std::size_t reply_bytes) {
    if (interval_.count() == 0) return;
    const auto now = std::chrono::steady_clock::now();
    if (last_ && now - *last_ < interval_) return;
    last_ = now;
    std::size_t held = 0;
    try {
      held = os::anonymous_memory();
    } catch (const std::bad_alloc&) {
      return;  // a task has left no memory: reported another time
    }
    line.send(FrameKind::kMemory, held - std::min(held, reply_bytes));
  }

 private:
  const std::chrono::milliseconds interval_;
  std::optional<std::chrono::steady_clock::time_point> last_;
};

// Its header has come, and the task was not taken back.
void serve_task(Line& line, TaskId task, const os::WorkerStart& start, Reserve& reserve,
                MemoryReports& memory, pid_t self) {
  // A task before this one may have changed its credentials, and then the kernel forgets this
  // setting.
  os::bind_to_parent(start.parent);
  // Sent before any more of the task is read, so that whatever kills this process counts as this
  // task's fault.
  line.send(FrameKind::kClaim, task);
  const Frame call = line.take();
  FrameKind kind = FrameKind::kFailed;
  Bytes reply = run_task(call, start.max_payload, start.memory_limit, reserve, kind);
  // The task forked a child, and let the child return from its function: the child is not a worker.
  if (getpid() != self) _exit(0);
  flush_output();
  line.require_own_channel();
  memory.send_if_due(line, reply.capacity());
  line.send(kind, task, std::move(reply));
  reserve.refill();
}

}  // namespace

void serve(int fd, const os::WorkerStart& start) {
  const pid_t self = getpid();
  note_task_loop();
  Line line(fd, sent_before_serving());
  Reserve reserve;
  if (start.has_initializer != 0) initialize(line, start, reserve, self);
  note_ready();
  line.send(FrameKind::kHello, 0);
  MemoryReports memory(start.memory_interval_ms);
  while (true) {
    const Line::Coming coming = line.next();
    switch (coming.kind) {
      case FrameKind::kTally:
        // An earlier task has written to our channel by hand. This worker must not hold the next
        // task, which comes now, when the parent finds that out.
        if (!line.agrees(line.take().task)) _exit(kChannelForged);
        break;
      case FrameKind::kOffer:
        if (line.taken_back(coming.task)) {
          line.send(FrameKind::kWithdrawn, coming.task);
        } else {
          serve_task(line, coming.task, start, reserve, memory, self);
        }
        break;
      case FrameKind::kWithdraw:
        line.take();  // too late: the claim that we sent is the answer
        break;
      case FrameKind::kStop:
        end_as_asked();
      default:
        _exit(kChannelFailed);
    }
  }
}

}  // namespace poolproof::worker
