#include "executor/worker/line.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <utility>

#include "executor/os/file.h"

namespace poolproof::worker {

using transport::Frame;
using transport::FrameKind;

// The parent is trusted, so its messages have no limit except memory.
Line::Line(int fd, std::uint32_t sent)
    : fd_(fd),
      identity_(os::identity_of(fd)),
      parser_(std::numeric_limits<std::size_t>::max(), transport::Growth::kAtOnce),
      scratch_(std::size_t{64} << 10),
      sent_(sent) {}

Line::Coming Line::next() {
  while (ready_.empty() && !parser_.begun()) fill(0);
  if (!ready_.empty()) return {ready_.front().kind, ready_.front().task};
  const auto [kind, task] = *parser_.begun();
  return {kind, task};
}

Frame Line::take() {
  while (ready_.empty()) fill(0);
  Frame frame = std::move(ready_.front());
  ready_.pop_front();
  return frame;
}

bool Line::taken_back(TaskId task) {
  if (ready_.empty()) return false;  // it has not come completely
  while (ready_.size() < 2 && fill(MSG_DONTWAIT)) continue;
  if (ready_.size() < 2) return false;
  if (ready_[1].kind != FrameKind::kWithdraw || ready_[1].task != task) return false;
  ready_.erase(ready_.begin(), ready_.begin() + 2);
  return true;
}

void Line::send(FrameKind kind, TaskId task, Bytes payload) {
  const transport::Payload body(std::move(payload));
  const transport::Header header = make_header(kind, task, &body);
  sent_ = transport::extend_digest(sent_, header);
  const std::array<std::span<const std::byte>, 2> parts = {std::span(header),
                                                           std::span(body.bytes)};
  for (std::span<const std::byte> left : parts) {
    while (!left.empty()) {
      ssize_t size = ::send(fd_, left.data(), left.size(), MSG_NOSIGNAL);
      // If the parent is gone, SIGPIPE ends this process as well.
      if (size < 0 && os::is_refused(errno)) size = ::write(fd_, left.data(), left.size());
      if (size < 0 && errno == EINTR) continue;
      if (size < 0 && errno == EAGAIN) {
        await(POLLOUT);
        continue;
      }
      if (size < 0) fail("send");
      left = left.subspan(static_cast<std::size_t>(size));
    }
  }
}

void Line::require_own_channel() const {
  if (os::identity_of(fd_) == identity_) return;
  std::fprintf(
      stderr,
      "poolproof: worker %d ends: its descriptor %d, the channel to its parent, was closed "
      "by what ran here. Does a task close descriptors that it did not open?\n",
      getpid(), fd_);
  _exit(kChannelFailed);
}

// Needed only if a task has made our descriptor non-blocking: the next task must not fail for that.
void Line::await(short what) {
  pollfd one = {fd_, what, 0};
  if (poll(&one, 1, -1) < 0 && errno != EINTR) fail("poll");
}

// The parent is gone, or the parent should learn what failed.
void Line::fail(const char* call) {
  if (errno != 0 && errno != EPIPE && errno != ECONNRESET) {
    std::fprintf(stderr, "poolproof: worker %d ends: %s on its channel: %s\n", getpid(), call,
                 std::strerror(errno));
  }
  _exit(kChannelFailed);
}

// recv; or read, if recv is refused.
ssize_t Line::receive(int flags) {
  const ssize_t size = recv(fd_, scratch_.data(), scratch_.size(), flags);
  if (size >= 0 || !os::is_refused(errno)) return size;
  pollfd one = {fd_, POLLIN, 0};
  if ((flags & MSG_DONTWAIT) != 0 && poll(&one, 1, 0) == 0) {
    errno = EAGAIN;
    return -1;
  }
  return ::read(fd_, scratch_.data(), scratch_.size());
}

bool Line::fill(int flags) {
  const ssize_t size = receive(flags);
  if (size < 0 && errno == EINTR) return true;
  if (size < 0 && errno == EAGAIN && (flags & MSG_DONTWAIT) != 0) return false;
  if (size < 0 && errno == EAGAIN) {
    await(POLLIN);
    return true;
  }
  if (size == 0) errno = 0;
  if (size <= 0) fail("recv");
  parser_.feed(std::span(scratch_).first(static_cast<std::size_t>(size)));
  while (std::optional<Frame> frame = parser_.next()) ready_.push_back(std::move(*frame));
  if (parser_.error()) _exit(kChannelFailed);
  return true;
}

}  // namespace poolproof::worker
