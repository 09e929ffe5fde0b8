#include "executor/transport/channel.h"

#include <algorithm>
#include <span>
#include <utility>

namespace poolproof::transport {
namespace {

constexpr std::size_t kScratchSize = std::size_t{64} << 10;
constexpr std::size_t kWrittenAtOnce = std::size_t{4} << 20;

}  // namespace

Channel::Channel(os::Os& os, int fd, std::size_t max_payload)
    : os_(os), fd_(fd), parser_(max_payload) {}

Channel::~Channel() {
  if (!abandoned_) os_.close(fd_);
}

void Channel::send(FrameKind kind, TaskId task, SharedPayload payload) {
  Bytes head;
  const auto add = [&head](const Header& header) {
    head.insert(head.end(), header.begin(), header.end());
  };
  if (kind == FrameKind::kOffer) add(make_header(FrameKind::kTally, parser_.digest(), nullptr));
  add(make_header(kind, task, payload.get()));
  unsent_.push_back({std::move(head), std::move(payload)});
  flush();
}

void Channel::flush() {
  std::size_t budget = kWrittenAtOnce;
  while (budget > 0 && !unsent_.empty() && !write_refused_ && !lost_) {
    Outgoing& out = unsent_.front();
    const std::span<const std::byte> head = out.head;
    const std::span<const std::byte> body =
        out.payload ? std::span<const std::byte>(out.payload->bytes) : std::span<const std::byte>();
    const auto head_left = head.subspan(std::min(out.sent, head.size()));
    auto body_left = body.subspan(out.sent > head.size() ? out.sent - head.size() : 0);
    body_left = body_left.first(std::min(body_left.size(), budget));
    const os::IoResult result = os_.write(fd_, {head_left, body_left});
    if (result.kind == os::IoResult::Kind::kWouldBlock) return;
    if (result.kind == os::IoResult::Kind::kGone) {
      // What the worker wrote before its end may still be unread. So the loss is reported by the
      // read that finds nothing more; the loss must not overtake a reply.
      write_refused_ = true;
      unsent_.clear();
      return;
    }
    out.sent += result.bytes;
    written_ += result.bytes;
    budget -= std::min(budget, result.bytes);
    if (out.sent == head.size() + body.size()) unsent_.pop_front();
  }
}

bool Channel::holds_payload() const {
  return std::any_of(unsent_.begin(), unsent_.end(), [](const Outgoing& out) {
    return out.payload != nullptr && !out.payload->bytes.empty();
  });
}

void Channel::expect_claim(TaskId task) { claim_ = task; }

bool Channel::holds_claim(std::span<const std::byte> bytes) {
  if (!claim_) return false;
  tail_.insert(tail_.end(), bytes.begin(), bytes.end());
  const Header claim = make_header(FrameKind::kClaim, *claim_, nullptr);
  const bool found =
      std::search(tail_.begin(), tail_.end(), claim.begin(), claim.end()) != tail_.end();
  if (found) claim_.reset();
  keep_tail({});
  return found;
}

void Channel::keep_tail(std::span<const std::byte> bytes) {
  constexpr std::size_t kMost = kHeaderSize - 1;
  const auto last = bytes.last(std::min(bytes.size(), kMost));
  tail_.insert(tail_.end(), last.begin(), last.end());
  if (tail_.size() > kMost) tail_.erase(tail_.begin(), tail_.end() - kMost);
}

Channel::Received Channel::receive(std::size_t budget) {
  Received received;
  if (scratch_.empty()) scratch_.resize(kScratchSize);
  while (budget > 0 && !lost_) {
    const auto window = std::span(scratch_).first(std::min(budget, scratch_.size()));
    const os::IoResult result = os_.read(fd_, window);
    if (result.kind == os::IoResult::Kind::kWouldBlock && !write_refused_) break;
    if (result.kind != os::IoResult::Kind::kSome) {
      lost_ = true;
      unsent_.clear();
      break;
    }
    budget -= result.bytes;
    const auto bytes = window.first(result.bytes);
    if (deaf_) {
      received.claim_in_garbage |= holds_claim(bytes);
      continue;
    }
    parser_.feed(bytes);
    while (std::optional<Frame> frame = parser_.next()) {
      // A claim of another task violates the protocol; the right one may still follow.
      if (frame->kind == FrameKind::kClaim && frame->task == claim_) claim_.reset();
      received.frames.push_back(std::move(*frame));
    }
    if (parser_.error()) {
      deaf_ = true;
      unsent_.clear();
      received.garbage = parser_.error();
      received.claim_in_garbage |= holds_claim(bytes);
    } else {
      keep_tail(bytes);
    }
  }
  return received;
}

}  // namespace poolproof::transport
