#include "executor/transport/channel.h"

#include <algorithm>
#include <span>
#include <utility>

namespace poolproof::transport {
namespace {

constexpr std::size_t kScratchSize = std::size_t{64} << 10;

}  // namespace

Channel::Channel(os::Os& os, int fd, std::size_t max_payload)
    : os_(os), fd_(fd), parser_(max_payload) {}

Channel::~Channel() { os_.close(fd_); }

void Channel::send(FrameKind kind, TaskId task, SharedPayload payload) {
  const Header header = make_header(kind, task, payload.get());
  unsent_.push_back({header, std::move(payload)});
  flush();
}

void Channel::flush() {
  while (!unsent_.empty() && !write_refused_ && !lost_) {
    Outgoing& out = unsent_.front();
    const std::span<const std::byte> body =
        out.payload ? std::span<const std::byte>(out.payload->bytes) : std::span<const std::byte>();
    const std::size_t total = kHeaderSize + body.size();
    const auto head_left = std::span(out.header).subspan(std::min(out.sent, kHeaderSize));
    const auto body_left = body.subspan(out.sent > kHeaderSize ? out.sent - kHeaderSize : 0);
    const os::IoResult result = os_.write(fd_, {head_left, body_left});
    if (result.kind == os::IoResult::Kind::kWouldBlock) return;
    if (result.kind == os::IoResult::Kind::kGone) {
      // What the worker wrote before it went may still lie unread, so the loss is told by the read
      // that finds nothing more; a reply must not be overtaken by it.
      write_refused_ = true;
      unsent_.clear();
      return;
    }
    out.sent += result.bytes;
    if (out.sent == total) unsent_.pop_front();
  }
}

Channel::Received Channel::receive(std::size_t budget) {
  Received received;
  if (scratch_.empty()) scratch_.resize(kScratchSize);
  while (budget > 0 && wants_to_read()) {
    const auto window = std::span(scratch_).first(std::min(budget, scratch_.size()));
    const os::IoResult result = os_.read(fd_, window);
    if (result.kind == os::IoResult::Kind::kWouldBlock && !write_refused_) break;
    if (result.kind != os::IoResult::Kind::kSome) {
      lost_ = true;
      unsent_.clear();
      break;
    }
    budget -= result.bytes;
    parser_.feed(window.first(result.bytes));
    while (std::optional<Frame> frame = parser_.next()) {
      received.frames.push_back(std::move(*frame));
    }
    if (parser_.error()) {
      deaf_ = true;
      unsent_.clear();
      received.garbage = parser_.error();
    }
  }
  return received;
}

}  // namespace poolproof::transport
