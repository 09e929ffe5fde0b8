// Tasks that write to their worker's channel by hand: they get the right error, no other task is
// blamed, and the pool continues (law L11).
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "executor/tests/meeting.h"
#include "executor/transport/frame.h"
#include "poolproof/executor.h"

namespace poolproof {
namespace {

using namespace testing_support;
using transport::Frame;
using transport::FrameKind;

constexpr int kChannel = 3;

// Runs in the worker.
void put(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t size = write(kChannel, bytes.data(), bytes.size());
    if (size <= 0) _exit(99);
    bytes = bytes.subspan(static_cast<std::size_t>(size));
  }
}
[[noreturn]] void linger() {
  while (true) pause();
}

void half_a_frame_then_die(TaskId task) {
  const Bytes whole = to_bytes(Frame{FrameKind::kValue, task, Bytes(100'000)});
  put(std::span(whole).first(whole.size() / 2));
  raise(SIGKILL);
}
void second_hello() {
  put(to_bytes(Frame{FrameKind::kHello, 0, {}}));
  linger();
}
void four_gibibytes_of_frame(TaskId task) {
  transport::Header header = make_header(FrameKind::kValue, task, nullptr);
  header[16 + 4] = std::byte{1};  // the length field: 2^32
  put(header);
  linger();
}
std::vector<int> four_gibibytes_of_vector(TaskId task) {
  WireWriter out;
  out(std::uint64_t{1} << 32);
  put(to_bytes(Frame{FrameKind::kValue, task, out.take()}));
  return {};  // then comes the worker's own reply, to a task that has ended
}
void reply_to_a_task_never_given() {
  put(to_bytes(Frame{FrameKind::kValue, 999'999, {}}));
  linger();
}
void noise() {
  put(Bytes(1000, std::byte{0x5A}));
  linger();
}
void flood() {
  const Bytes block(1 << 20, std::byte{0x5A});
  while (true) put(block);
}
void claim_again(TaskId task) {
  put(to_bytes(Frame{FrameKind::kClaim, task, {}}));
  linger();
}

// Each test has a worker that runs a bystander the whole time, and tasks that wait in the queue.
class Hostile : public testing::Test {
 protected:
  Hostile() {
    bystander_ = pool.submit(meet_and_return, meeting_.folder(), 7);
    bystander_pid_ = meeting_.await();
  }
  void TearDown() override {
    for (int i = 0; i < 4; ++i) EXPECT_EQ(queued_[static_cast<std::size_t>(i)].get(), i);
    meeting_.let_go();
    EXPECT_EQ(bystander_.get(), 7);
    EXPECT_NE(pool.submit(getpid).get(), 0);
  }
  template <class Function, class... Args>
  auto attack(Function function, Args... args) {
    auto victim = pool.submit(function, args...);
    for (int i = 0; i < 4; ++i) queued_.push_back(pool.submit([](int x) { return x; }, i));
    return victim;
  }
  template <class T>
  void expect_conviction(Future<T> victim) {
    const TaskId task = victim.id();
    try {
      victim.get();
      FAIL() << "it ended with a value";
    } catch (const ProtocolError& error) {
      EXPECT_EQ(error.task(), task);
      EXPECT_NE(error.pid(), bystander_pid_);
      EXPECT_EQ(error.failure().cause, Cause::kGarbage);
      EXPECT_EQ(error.failure().exit, ExitStatus(Signaled{SIGKILL, false}));
    }
  }
  static constexpr TaskId kVictim = 2;  // the bystander is 1

  Executor pool{{.workers = 2}};

 private:
  Meeting meeting_;
  Future<int> bystander_;
  int bystander_pid_ = 0;
  std::vector<Future<int>> queued_;
};

TEST_F(Hostile, half_a_frame_and_death_is_a_death_and_no_reply) {
  try {
    attack(half_a_frame_then_die, kVictim).get();
    FAIL();
  } catch (const TerminatedWorkerError& error) {
    EXPECT_EQ(error.signal(), SIGKILL);
    EXPECT_EQ(error.task(), kVictim);
  }
}
TEST_F(Hostile, a_second_hello_convicts) { expect_conviction(attack(second_hello)); }
TEST_F(Hostile, a_frame_of_four_gibibytes_convicts_at_its_header) {
  expect_conviction(attack(four_gibibytes_of_frame, kVictim));
}
TEST_F(Hostile, a_vector_of_four_gibibytes_in_a_whole_frame_is_a_decode_error) {
  try {
    attack(four_gibibytes_of_vector, kVictim).get();
    FAIL();
  } catch (const DecodeError& error) {
    EXPECT_EQ(error.stage(), Stage::kResult);
    EXPECT_EQ(error.task(), kVictim);
  }
}
TEST_F(Hostile, a_reply_to_a_task_never_given_convicts) {
  expect_conviction(attack(reply_to_a_task_never_given));
}
TEST_F(Hostile, noise_convicts) { expect_conviction(attack(noise)); }
TEST_F(Hostile, a_flood_convicts) { expect_conviction(attack(flood)); }
TEST_F(Hostile, a_second_claim_convicts) { expect_conviction(attack(claim_again, kVictim)); }

TEST(HostileLater, a_channel_made_non_blocking_harms_no_later_task) {
  Executor one({.workers = 1});
  for (int round = 0; round < 5; ++round) {
    one.submit([] { fcntl(3, F_SETFL, O_NONBLOCK); }).get();
    EXPECT_EQ(one.submit([] { return std::string(std::size_t{5} << 20, 'z'); }).get().size(),
              std::size_t{5} << 20);
  }
}

TEST_F(Hostile, a_channel_that_refuses_to_be_written_is_a_lost_channel) {
  // The worker answers its task, and after that it cannot get another one.
  attack([] { shutdown(kChannel, SHUT_RD); }).get();
}

}  // namespace
}  // namespace poolproof
