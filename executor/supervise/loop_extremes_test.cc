// The extreme values of every limit: the longest one means "never", and zero or less has passed at
// once. Sums of instants and limits must not overflow.
#include <gtest/gtest.h>

#include <functional>

#include "executor/supervise/loop_world.h"

namespace poolproof::supervise {
namespace {

using std::chrono::nanoseconds;

TEST(After, saturates_at_both_ends) {
  const os::Instant now = os::Instant() + 1h;
  EXPECT_EQ(os::after(now, std::nullopt), std::nullopt);
  EXPECT_EQ(os::after(now, nanoseconds::max()), std::nullopt);
  EXPECT_EQ(os::after(now, nanoseconds::max() - 2h), os::Instant::max() - 1h);
  EXPECT_EQ(os::after(now, 0s), now);
  EXPECT_EQ(os::after(now, -2h), os::Instant() - 1h);
  EXPECT_EQ(os::after(os::Instant() - 1h, nanoseconds::min()), os::Instant::min());
  EXPECT_EQ(os::after(os::Instant() - 1h, nanoseconds::max()), os::Instant::max() - 1h);
  EXPECT_EQ(os::after(os::Instant::max(), 1ns), std::nullopt);
  EXPECT_EQ(os::after(os::Instant::min(), -1ns), os::Instant::min());
}

TEST(TimeLeft, is_never_negative_and_saturates) {
  const os::Instant now = os::Instant() + 1h;
  EXPECT_EQ(os::time_left(now, now), 0ns);
  EXPECT_EQ(os::time_left(now, os::Instant::min()), 0ns);
  EXPECT_EQ(os::time_left(now, now + 3s), 3s);
  EXPECT_EQ(os::time_left(now, os::Instant::max()), nanoseconds::max() - 1h);
  EXPECT_EQ(os::time_left(os::Instant::min(), os::Instant::max()), nanoseconds::max());
}

struct Limit {
  const char* name;
  nanoseconds value;
};
void PrintTo(const Limit& limit, std::ostream* out) { *out << limit.name; }

constexpr Limit kNever{"never", nanoseconds::max()};
constexpr Limit kAlmostNever{"almost_never", nanoseconds::max() - 1ns};
constexpr Limit kZero{"zero", nanoseconds(0)};
constexpr Limit kNegative{"negative", -1s};
constexpr Limit kMostNegative{"most_negative", nanoseconds::min()};

class AtTheEnd : public testing::TestWithParam<Limit> {
 protected:
  struct AWorld : World {
    explicit AWorld(const SupervisorOptions& options) : World(options) {}
    void TestBody() override {}
    using World::asks;
    using World::failure;
    using World::one_busy_worker;
    using World::open;
    using World::os;
    using World::pass;
    using World::says;
    using World::submit;
  };
  bool has_passed() const { return GetParam().value <= nanoseconds(0); }
};
INSTANTIATE_TEST_SUITE_P(Limit, AtTheEnd,
                         testing::Values(kNever, kAlmostNever, kZero, kNegative, kMostNegative),
                         [](const auto& param) { return std::string(param.param.name); });

TEST_P(AtTheEnd, start_limit) {
  AWorld world({.workers = 1, .start_limit = GetParam().value});
  world.submit(1);
  world.pass(24h);
  EXPECT_EQ(world.os.worker(0).killed, has_passed());
}

TEST_P(AtTheEnd, start_limit_of_an_offer) {
  AWorld world({.workers = 1, .start_limit = GetParam().value});
  world.submit(1);
  if (has_passed()) return;  // it does not get this far
  world.says(0, FrameKind::kHello);
  world.pass(24h);
  EXPECT_FALSE(world.os.worker(0).killed);
}

TEST_P(AtTheEnd, channel_grace) {
  AWorld world({.workers = 1, .channel_grace = GetParam().value});
  world.one_busy_worker();
  world.os.worker(0).hung_up = true;
  world.pass(24h);
  EXPECT_EQ(world.os.worker(0).killed, has_passed());
}

TEST_P(AtTheEnd, stop_grace) {
  AWorld world({.workers = 1, .stop_grace = GetParam().value});
  world.one_busy_worker();
  world.says(0, FrameKind::kValue, 1);
  world.asks(ShutdownAsked{});
  world.pass(24h);
  EXPECT_EQ(world.os.worker(0).killed, has_passed());
}

TEST_P(AtTheEnd, idle_timeout) {
  AWorld world({.workers = 1, .idle_timeout = GetParam().value});
  world.one_busy_worker();
  world.says(0, FrameKind::kValue, 1);
  world.pass(24h);
  const auto heard = world.os.heard(0);
  EXPECT_EQ(heard.has_value() && heard->kind == FrameKind::kStop, has_passed());
}

TEST_P(AtTheEnd, run_limit) {
  AWorld world({.workers = 1});
  world.one_busy_worker(TaskSubmitted{.task = 1, .run_limit = GetParam().value});
  world.pass(24h);
  EXPECT_EQ(world.os.worker(0).killed, has_passed());
}

TEST_P(AtTheEnd, deadline) {
  AWorld world({.workers = 1});
  world.submit(1, GetParam().value);
  world.pass(24h);
  EXPECT_EQ(world.failure(1).kind == FailureKind::kDeadline, has_passed());
}

TEST_P(AtTheEnd, initializer_limit) {
  AWorld world({.workers = 1,
                .initializer = std::make_shared<const transport::Payload>(Bytes(1)),
                .initializer_limit = GetParam().value});
  world.submit(1);
  world.says(0, FrameKind::kInitBegun);
  world.pass(24h);
  EXPECT_EQ(world.os.worker(0).killed, has_passed());
}

TEST_P(AtTheEnd, grace_of_a_shutdown) {
  AWorld world({.workers = 1});
  world.one_busy_worker();
  world.asks(ShutdownAsked{.until = os::after(world.os.now(), GetParam().value)});
  world.pass(24h);
  EXPECT_EQ(world.os.worker(0).killed, has_passed());
}

}  // namespace
}  // namespace poolproof::supervise
