#include "conformance/observe/wait.h"

#include <gtest/gtest.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/syscall.h>

#include <cstring>
#include <map>
#include <vector>

namespace poolproof::hang {
namespace {

class Pages final : public Memory {
 public:
  template <class Value>
  void put(std::uint64_t address, const std::vector<Value>& values) {
    auto& bytes = bytes_[address];
    bytes.resize(values.size() * sizeof(Value));
    std::memcpy(bytes.data(), values.data(), bytes.size());
  }
  bool read(std::uint64_t address, void* into, std::size_t size) const override {
    const auto found = bytes_.find(address);
    if (found == bytes_.end() || found->second.size() < size) return false;
    std::memcpy(into, found->second.data(), size);
    return true;
  }

 private:
  std::map<std::uint64_t, std::vector<std::byte>> bytes_;
};

ProcessLook with_pipe() {
  ProcessLook process;
  Descriptor pipe;
  pipe.fd = 3;
  pipe.object = {Object::Kind::pipe, "pipe:[1]"};
  pipe.reads = true;
  process.descriptors = {pipe};
  process.maps = {{0x5000, 0x6000, 0x1000, "00:01 9", "/dev/zero (deleted)"}};
  return process;
}

using Arguments = std::array<std::uint64_t, 6>;

Wait decode(long number, const Arguments& arguments, const Pages& memory = {}) {
  return decode_wait({false, number, arguments}, memory, with_pipe());
}

constexpr std::uint64_t kMinusOne = 0xffffffff;  // an int of -1, as the kernel shows it

TEST(WaitTable, a_read_wishes_for_input_and_a_write_for_room) {
  const Wait read = decode(SYS_read, {3, 0x1000, 100126});
  EXPECT_EQ(read.kind, Wait::Kind::descriptors);
  EXPECT_EQ(read.bytes, 100126U);
  ASSERT_EQ(read.wishes.size(), 1U);
  EXPECT_TRUE(read.wishes[0].in && !read.wishes[0].out && read.wishes[0].reads);
  EXPECT_EQ(read.wishes[0].object.name, "pipe:[1]");
  EXPECT_TRUE(decode(SYS_write, {3, 0, 0}).wishes[0].out);
  EXPECT_NE(decode(SYS_read, {9, 0, 0}).wishes[0].not_understood, "");  // it is not open
}

TEST(WaitTable, a_poll_is_timed_unless_its_limit_is_negative) {
  Pages memory;
  memory.put<pollfd>(0x1000, {{3, POLLIN, 0}, {-1, POLLIN, 0}});
  const Wait wait = decode(SYS_poll, {0x1000, 2, kMinusOne}, memory);
  EXPECT_FALSE(wait.timed);
  ASSERT_EQ(wait.wishes.size(), 1U);  // a negative descriptor is none
  EXPECT_TRUE(decode(SYS_poll, {0x1000, 2, 60'000}, memory).timed);
  EXPECT_EQ(decode(SYS_poll, {0x2000, 2, kMinusOne}, memory).kind, Wait::Kind::unknown);
  EXPECT_EQ(decode(SYS_poll, {0, 0, kMinusOne}).kind, Wait::Kind::signal);  // for what else?
}

TEST(WaitTable, a_mask_lets_signals_in) {
  Pages memory;
  memory.put<pollfd>(0x1000, {{3, POLLIN, 0}});
  EXPECT_EQ(decode(SYS_ppoll, {0x1000, 1, 0, 0, 8}, memory).kind, Wait::Kind::descriptors);
  EXPECT_EQ(decode(SYS_ppoll, {0x1000, 1, 0, 0x3000, 8}, memory).kind, Wait::Kind::signal);
  memory.put<std::int64_t>(0x3000, {60, 0});
  EXPECT_TRUE(decode(SYS_ppoll, {0x1000, 1, 0x3000, 0, 8}, memory).timed);
}

TEST(WaitTable, a_select_takes_its_sets_from_memory) {
  Pages memory;
  memory.put<std::uint64_t>(0x1000, {1U << 3});
  const Wait wait = decode(SYS_select, {4, 0x1000, 0, 0, 0}, memory);
  ASSERT_EQ(wait.wishes.size(), 1U);
  EXPECT_EQ(wait.wishes[0].fd, 3);
  EXPECT_FALSE(wait.timed);
  EXPECT_TRUE(decode(SYS_select, {4, 0x1000, 0, 0, 0x2000}, memory).timed);
}

TEST(WaitTable, a_futex_is_shared_only_without_the_private_flag_and_in_shared_memory) {
  const std::uint64_t wait_bitset = FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME;
  EXPECT_TRUE(decode(SYS_futex, {0x5008, wait_bitset, 0, 0}).futex.shared);
  EXPECT_EQ(decode(SYS_futex, {0x5008, wait_bitset, 0, 0}).futex.offset, 0x1008U);
  EXPECT_FALSE(decode(SYS_futex, {0x5008, wait_bitset | FUTEX_PRIVATE_FLAG, 0, 0}).futex.shared);
  EXPECT_FALSE(decode(SYS_futex, {0x7000, wait_bitset, 0, 0}).futex.shared);
  EXPECT_TRUE(decode(SYS_futex, {0x5008, wait_bitset, 0, 0x9000}).timed);
  EXPECT_EQ(decode(SYS_futex, {0x5008, FUTEX_WAIT_REQUEUE_PI, 0, 0}).kind, Wait::Kind::unknown);
}

TEST(WaitTable, a_lock_of_glibc_names_its_owner_and_a_semaphore_has_none) {
  Pages memory;
  memory.put<std::uint32_t>(0x5000, {2, 0, 77, 1});
  const Wait lock = decode(SYS_futex, {0x5000, FUTEX_WAIT, 2, 0}, memory);
  EXPECT_EQ(lock.futex.owner, 77);
  EXPECT_FALSE(lock.futex.semaphore);
  memory.put<std::uint32_t>(0x5010, {0, 1, 128, 0});
  EXPECT_TRUE(decode(SYS_futex, {0x5010, FUTEX_WAIT, 0, 0}, memory).futex.semaphore);
  memory.put<std::uint32_t>(0x5020, {77 | FUTEX_WAITERS, 0, 77, 1});
  EXPECT_EQ(decode(SYS_futex, {0x5020, FUTEX_WAIT, 77 | FUTEX_WAITERS, 0}, memory).futex.owner, 77);
}

TEST(WaitTable, children_are_told_by_pid_group_or_none) {
  EXPECT_EQ(decode(SYS_wait4, {12}).child, 12);
  EXPECT_EQ(decode(SYS_wait4, {kMinusOne}).child, -1);
  EXPECT_EQ(decode(SYS_waitid, {0, 0}).child, -1);
  EXPECT_EQ(decode(SYS_waitid, {1, 12}).child, 12);
  EXPECT_EQ(decode(SYS_waitid, {2, 12}).child, -12);
  EXPECT_EQ(decode(SYS_waitid, {3, 3}).kind, Wait::Kind::unknown);  // 3 is no pidfd
}

TEST(WaitTable, sleeps_are_timed_and_signals_are_what_they_are) {
  EXPECT_TRUE(decode(SYS_nanosleep, {0}).timed);
  EXPECT_TRUE(decode(SYS_clock_nanosleep, {0, 0, 0}).timed);
  EXPECT_EQ(decode(SYS_pause, {}).kind, Wait::Kind::signal);
  EXPECT_EQ(decode(SYS_rt_sigsuspend, {}).kind, Wait::Kind::signal);
}

TEST(WaitTable, what_is_not_in_it_is_unknown) {
  EXPECT_EQ(decode(SYS_restart_syscall, {}).kind, Wait::Kind::unknown);
  EXPECT_EQ(decode(SYS_io_uring_enter, {}).kind, Wait::Kind::unknown);
  EXPECT_EQ(decode(-1, {}).kind, Wait::Kind::unknown);
  EXPECT_EQ(decode_wait({true, 0, {}}, Pages{}, {}).kind, Wait::Kind::running);
}

}  // namespace
}  // namespace poolproof::hang
