// A worker's loop in a child process, with the test at the other end of its channel.
#include "executor/worker/task_loop.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <span>

#include "executor/transport/frame.h"
#include "executor/worker/line.h"

namespace poolproof::worker {
namespace {

using transport::Frame;
using transport::FrameKind;

class TaskLoop : public testing::Test {
 protected:
  explicit TaskLoop(bool has_initializer = false) {
    int ends[2];
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
    const int parent = getpid();
    child_ = fork();
    if (child_ == 0) {
      close(ends[0]);
      os::WorkerStart start;
      start.parent = parent;
      start.max_payload = 1 << 20;
      start.has_initializer = has_initializer ? 1 : 0;
      serve(ends[1], start);
    }
    close(ends[1]);
    fd_ = ends[0];
  }
  ~TaskLoop() override {
    close(fd_);
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }
  void write(std::span<const std::byte> bytes) {
    ASSERT_EQ(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  void add_offer(Bytes& to, TaskId task, std::size_t bytes) {
    for (const Frame& frame :
         {Frame{FrameKind::kTally, heard_, {}}, Frame{FrameKind::kOffer, task, Bytes(bytes)}}) {
      const Bytes more = to_bytes(frame);
      to.insert(to.end(), more.begin(), more.end());
    }
  }
  // The next message; one of kind kStop if none comes within a minute.
  Frame read() {
    std::array<std::byte, 4096> some;
    while (true) {
      if (auto frame = parser_.next()) {
        heard_ = parser_.digest();
        return *frame;
      }
      pollfd one{fd_, POLLIN, 0};
      if (poll(&one, 1, 60'000) != 1) return {FrameKind::kStop, 0, {}};
      const ssize_t size = recv(fd_, some.data(), some.size(), 0);
      if (size <= 0) return {FrameKind::kStop, 0, {}};
      parser_.feed(std::span(some).first(static_cast<std::size_t>(size)));
    }
  }

  int child_ = 0, fd_ = -1;
  transport::FrameParser parser_{1 << 20};
  std::uint32_t heard_ = 0;
};

TEST_F(TaskLoop, claims_when_the_header_is_here_and_the_rest_is_not) {
  ASSERT_EQ(read().kind, FrameKind::kHello);
  Bytes offer;
  add_offer(offer, 7, 1000);
  write(std::span(offer).first(offer.size() - 1000));
  EXPECT_EQ(read(), (Frame{FrameKind::kClaim, 7, {}}));
  write(std::span(offer).last(1000));
  EXPECT_EQ(read().kind, FrameKind::kFailed) << "a thousand zeros are no call";
}

TEST_F(TaskLoop, gives_back_what_is_taken_back_in_the_same_breath) {
  ASSERT_EQ(read().kind, FrameKind::kHello);
  Bytes both;
  add_offer(both, 7, 1000);
  const Bytes withdraw = to_bytes(Frame{FrameKind::kWithdraw, 7, {}});
  both.insert(both.end(), withdraw.begin(), withdraw.end());
  write(both);
  EXPECT_EQ(read(), (Frame{FrameKind::kWithdrawn, 7, {}}));
  Bytes next;
  add_offer(next, 8, 10);
  write(next);
  EXPECT_EQ(read(), (Frame{FrameKind::kClaim, 8, {}})) << "it goes on";
}

TEST_F(TaskLoop, has_claimed_what_is_taken_back_behind_a_large_argument) {
  ASSERT_EQ(read().kind, FrameKind::kHello);
  Bytes offer;
  add_offer(offer, 7, 1000);
  write(std::span(offer).first(offer.size() - 1));
  EXPECT_EQ(read(), (Frame{FrameKind::kClaim, 7, {}}));
  Bytes rest = to_bytes(Frame{FrameKind::kWithdraw, 7, {}});
  rest.insert(rest.begin(), offer.back());
  write(rest);
  EXPECT_EQ(read().kind, FrameKind::kFailed);
  Bytes next;
  add_offer(next, 8, 10);
  write(next);
  EXPECT_EQ(read(), (Frame{FrameKind::kClaim, 8, {}}));
}

TEST_F(TaskLoop, ends_with_a_code_of_its_own_where_something_else_wrote_to_its_channel) {
  ASSERT_EQ(read().kind, FrameKind::kHello);
  heard_ ^= 1;
  Bytes offer;
  add_offer(offer, 7, 10);
  write(offer);
  siginfo_t info{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child_), &info, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(info.si_status, kChannelForged);
}

TEST_F(TaskLoop, ends_with_another_where_the_channel_is_closed) {
  ASSERT_EQ(read().kind, FrameKind::kHello);
  shutdown(fd_, SHUT_RDWR);
  siginfo_t info{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child_), &info, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(info.si_status, kChannelFailed);
}

class InitializedLoop : public TaskLoop {
 protected:
  InitializedLoop() : TaskLoop(true) {}
};

TEST_F(InitializedLoop, begins_its_initializer_when_the_header_is_here) {
  const Bytes call = to_bytes(Frame{FrameKind::kInitialize, 0, Bytes(1000)});
  write(std::span(call).first(transport::kHeaderSize));
  EXPECT_EQ(read().kind, FrameKind::kInitBegun);
  write(std::span(call).subspan(transport::kHeaderSize));
  EXPECT_EQ(read().kind, FrameKind::kFailed);
}

}  // namespace
}  // namespace poolproof::worker
