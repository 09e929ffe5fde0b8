#include "fuzz/simulation/program.h"

#include <signal.h>

#include <string_view>

#include "executor/worker/line.h"

namespace poolproof::simulation {
namespace {

using Phase = Process::Phase;

Bytes refusal() {
  Bytes text;
  for (const char c : std::string_view(kRefusalText)) text.push_back(static_cast<std::byte>(c));
  return text;
}

}  // namespace

bool Program::can_move(const Process& process) const {
  if (process.ended || process.frozen || process.stalled) return false;
  if (!process.unsent.empty() || process.room != process.at_once) return true;
  switch (process.phase) {
    case Phase::kBoot:
    case Phase::kReplies:
    case Phase::kExits:
      return true;
    case Phase::kInitializes:
      return facts_.plan.init != Init::kHangs;
    case Phase::kRuns:
      return facts_.tasks[process.runs - 1].plan.body != Body::kHangs;
    case Phase::kAwaitsInitializer:
    case Phase::kServes:
    case Phase::kTakes:
      return !process.inbox.empty() || (process.phase == Phase::kServes && process.heard.begun()) ||
             process.parent_closed || process.refuses || process.hung_up;
  }
  return false;
}

void Program::move(Process& process) {
  process.room = process.at_once;  // it reads what has come
  if (!process.unsent.empty()) return send_rest(process);
  switch (process.phase) {
    case Phase::kBoot:
      if (process.refusal != Process::Refusal::kNone) {
        refuse(process);
      } else if (facts_.plan.init != Init::kNone) {
        process.phase = Phase::kAwaitsInitializer;
      } else {
        process.phase = Phase::kServes;
        send(process, FrameKind::kHello, 0);
      }
      break;
    case Phase::kAwaitsInitializer:
    case Phase::kInitializes:
      initialize(process);
      break;
    case Phase::kServes:
      serve(process);
      break;
    case Phase::kTakes:
      if (!process.inbox.empty()) {
        process.inbox.pop_front();
        process.phase = Phase::kRuns;
      } else if (process.parent_closed || process.refuses || process.hung_up) {
        die(process, Exited{worker::kChannelFailed}, false);
      }
      break;
    case Phase::kRuns:
    case Phase::kReplies:
      run(process);
      break;
    case Phase::kExits:
      die(process, Exited{process.exit_code}, false);
      break;
  }
}

void Program::refuse(Process& process) {
  process.struck = true;
  if (std::exchange(process.refusal, Process::Refusal::kNone) == Process::Refusal::kEnds) {
    process.phase = Phase::kExits;
    process.exit_code = worker::kChannelForged;  // like a worker that cannot serve
  }
  send(process, FrameKind::kRefusal, 0, refusal());
}

void Program::initialize(Process& process) {
  if (process.phase == Phase::kAwaitsInitializer) {
    if (process.inbox.empty()) return die(process, Exited{worker::kChannelFailed}, false);
    const FrameKind kind = process.inbox.front().kind;
    process.inbox.pop_front();
    if (kind == FrameKind::kStop) return die(process, Exited{0}, false);
    process.phase = Phase::kInitializes;
    return send(process, FrameKind::kInitBegun, 0);
  }
  switch (facts_.plan.init) {
    case Init::kThrows:
      process.phase = Phase::kExits;
      fail(process, 0);
      break;
    case Init::kCrashes:
      process.struck = true;
      die(process, Signaled{SIGSEGV, true}, false);
      break;
    default:
      process.phase = Phase::kServes;
      send(process, FrameKind::kHello, 0);
  }
}

// When the header of the offer has come.
void Program::claim(Process& process, TaskId task) {
  process.runs = task;
  process.moved_long = false;
  if (process.errors >= 0) {
    const std::string line = "task " + std::to_string(task) + "\n";
    for (const char c : line) process.errors_said.push_back(static_cast<std::byte>(c));
  }
  send(process, FrameKind::kClaim, task);
}

void Program::serve(Process& process) {
  const auto begun = process.heard.begun();
  if (process.inbox.empty() && begun && begun->first == FrameKind::kOffer) {
    process.phase = Phase::kTakes;
    return claim(process, begun->second);
  }
  const bool lost = process.parent_closed || process.refuses || process.hung_up;
  if (process.inbox.empty() && !lost) return;  // it has read a part
  if (process.inbox.empty()) return die(process, Exited{worker::kChannelFailed}, false);
  Frame frame = std::move(process.inbox.front());
  process.inbox.pop_front();
  switch (frame.kind) {
    case FrameKind::kTally:
      if (frame.task != process.digest) die(process, Exited{worker::kChannelForged}, false);
      break;
    case FrameKind::kOffer:
      if (!process.inbox.empty() && process.inbox.front().kind == FrameKind::kWithdraw &&
          process.inbox.front().task == frame.task) {
        process.inbox.pop_front();
        return send(process, FrameKind::kWithdrawn, frame.task);
      }
      process.phase = Phase::kRuns;
      claim(process, frame.task);
      break;
    case FrameKind::kWithdraw:
      break;
    case FrameKind::kStop:
      die(process, Exited{0}, false);
      break;
    default:
      facts_.breaks("a worker is sent what no parent sends");
  }
}

void Program::run(Process& process) {
  const TaskPlan& plan = facts_.tasks[process.runs - 1].plan;
  const Body body = plan.body;
  if (process.no_memory && plan.large_call) {
    process.phase = Phase::kServes;
    return send(
        process, FrameKind::kFailed, process.runs,
        transport::to_bytes(Failure{
            .kind = FailureKind::kDecode, .text = "no memory", .type_name = "std::bad_alloc"}));
  }
  if (body == Body::kCrashes || body == Body::kExits) {
    process.struck = true;
    return die(process, body == Body::kCrashes ? ExitStatus(Signaled{SIGSEGV, true}) : Exited{3},
               false);
  }
  if (body == Body::kLong && !std::exchange(process.moved_long, true)) return;
  if (facts_.plan.settings.memory_interval.count() > 0 && process.phase == Phase::kRuns) {
    process.phase = Phase::kReplies;
    return send(process, FrameKind::kMemory, body == Body::kHoards ? 1 << 21 : 1 << 10);
  }
  process.phase = Phase::kServes;
  if (body == Body::kThrows) {
    fail(process, process.runs);
  } else {
    send(process, FrameKind::kValue, process.runs, value_of(process.runs, plan.large_reply));
  }
}

void Program::fail(Process& process, TaskId task) {
  send(process, FrameKind::kFailed, task,
       transport::to_bytes(Failure{.text = "no", .type_name = "Refusal"}));
}

void Program::send(Process& process, FrameKind kind, TaskId task, Bytes payload) {
  // It is slow only from here on, because an initializer is sent in one piece.
  if (kind == FrameKind::kHello && facts_.plan.pace != 0) {
    process.at_once = process.room = facts_.plan.pace;
  }
  const transport::Payload body(std::move(payload));
  const transport::Header header = make_header(kind, task, &body);
  process.digest = transport::extend_digest(process.digest, header);
  std::array<std::byte, 256> small;
  Bytes large;
  const std::size_t size = transport::kHeaderSize + body.bytes.size();
  if (size > small.size()) large.resize(size);
  const auto bytes = large.empty() ? std::span(small).first(size) : std::span(large);
  std::copy(header.begin(), header.end(), bytes.begin());
  std::copy(body.bytes.begin(), body.bytes.end(), bytes.begin() + transport::kHeaderSize);
  const std::size_t part = std::exchange(process.split_at, 0);
  const bool cut = part > 0 && part < bytes.size();
  if (!kernel_.carry(process, cut ? bytes.first(part) : bytes)) {
    return die(process, Exited{worker::kChannelFailed}, false);
  }
  if (!cut) return judge_.said(process, kind, task, true);
  if (process.tears) return die(process, Signaled{SIGKILL, false}, false);
  process.unsent.assign(bytes.begin() + static_cast<std::ptrdiff_t>(part), bytes.end());
  process.unsent_frame = {0, kind, task};
}

void Program::send_rest(Process& process) {
  const Bytes rest = std::exchange(process.unsent, {});
  if (!kernel_.carry(process, rest)) return die(process, Exited{worker::kChannelFailed}, false);
  judge_.said(process, process.unsent_frame.kind, process.unsent_frame.task, true);
}

void Program::forge(Process& process, FrameKind kind, TaskId task, Bytes payload) {
  process.struck = process.mad = process.forger = true;
  if (kernel_.carry(process, to_bytes(Frame{kind, task, std::move(payload)}))) {
    judge_.said(process, kind, task, false);
  }
}

void Program::die(Process& process, ExitStatus exit, bool at_once) {
  if (process.ended) return;
  kernel_.end(process, exit);
  if (at_once) kernel_.show_record(process);
}

}  // namespace poolproof::simulation
