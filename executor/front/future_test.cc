#include "poolproof/future.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <limits>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>

#include "executor/front/fake_callback_owner.h"
#include "executor/front/no_threads.h"
#include "poolproof/wait.h"

namespace poolproof {
namespace {

using detail::encoded;
using detail::FakeCallbackOwner;
using namespace std::chrono_literals;
using detail::FutureAccess;
using detail::NodePtr;

class FutureTest : public testing::Test {
 protected:
  std::shared_ptr<FakeCallbackOwner> owner = std::make_shared<FakeCallbackOwner>();
  NodePtr node;
  template <class T>
  Future<T> future() {
    node = NodePtr(detail::make_task_node<T>(7, owner));
    return FutureAccess::make<T>(node);
  }
  void fail(FailureKind kind) { node->settle(Failure{.kind = kind, .task = 7}); }
};

TEST_F(FutureTest, gives_its_value_once_and_keeps_its_id) {
  Future<int> f = future<int>();
  node->settle(encoded(42));
  EXPECT_TRUE(f.wait_for(0s));
  EXPECT_EQ(f.get(), 42);
  EXPECT_FALSE(f.valid());
  EXPECT_EQ(f.id(), 7u);
}

TEST_F(FutureTest, wakes_whoever_waits) {
  Future<std::string> f = future<std::string>();
  std::thread other([this] { node->settle(encoded(std::string("late"))); });
  EXPECT_EQ(f.get(), "late");
  other.join();
}

TEST_F(FutureTest, that_is_not_ready_in_time_stays_valid) {
  Future<int> f = future<int>();
  EXPECT_FALSE(f.wait_for(1ms));
  EXPECT_THROW(f.get_for(1ms), TimeoutError);
  EXPECT_TRUE(f.valid());
  node->settle(encoded(1));
  EXPECT_EQ(f.get_for(std::chrono::nanoseconds::max()), 1);
}

TEST_F(FutureTest, tells_without_waiting_whether_it_is_ready) {
  Future<int> f = future<int>();
  EXPECT_FALSE(f.ready());
  node->settle(encoded(1));
  EXPECT_TRUE(f.ready());
}

TEST_F(FutureTest, waits_until_an_instant) {
  using Clock = std::chrono::steady_clock;
  Future<int> f = future<int>();
  EXPECT_FALSE(f.wait_until(Clock::now() + 1ms));
  EXPECT_FALSE(f.wait_until(Clock::now() - 1h));
  EXPECT_FALSE(f.wait_until(Clock::time_point::min()));
  EXPECT_FALSE(f.wait_until(std::chrono::time_point_cast<std::chrono::seconds>(Clock::now())));
  EXPECT_THROW(f.get_until(Clock::now()), TimeoutError);
  std::thread ends([this] { node->settle(encoded(1)); });
  EXPECT_TRUE(f.wait_until(Clock::time_point::max()));
  EXPECT_EQ(f.get_until(Clock::time_point::max()), 1);
  ends.join();
}

TEST_F(FutureTest, takes_any_duration_that_has_passed) {
  Future<int> f = future<int>();
  EXPECT_FALSE(f.wait_for(std::chrono::nanoseconds::min()));
  EXPECT_FALSE(f.wait_for(std::chrono::hours::min()));
  EXPECT_FALSE(f.wait_for(-1ns));
  EXPECT_FALSE(f.wait_for(std::chrono::duration<double>(0.001)));
  EXPECT_THROW(f.get_for(std::chrono::hours::min()), TimeoutError);
}

TEST(Deadline, of_a_duration_that_the_clock_cannot_tell_is_none) {
  using detail::in_nanoseconds;
  using detail::until_after;
  using std::chrono::nanoseconds;
  EXPECT_EQ(in_nanoseconds(std::chrono::hours::max()), nanoseconds::max());
  EXPECT_EQ(in_nanoseconds(std::chrono::hours::min()), nanoseconds::min());
  EXPECT_EQ(in_nanoseconds(std::chrono::duration<double>(1e300)), nanoseconds::max());
  EXPECT_EQ(in_nanoseconds(std::chrono::duration<float>(-1e30F)), nanoseconds::min());
  EXPECT_EQ(in_nanoseconds(std::chrono::duration<std::int64_t, std::ratio<1, 3>>(30)), 10s);
  EXPECT_EQ(in_nanoseconds(nanoseconds::max() - 1ns), nanoseconds::max() - 1ns);
  EXPECT_EQ(in_nanoseconds(nanoseconds::min() + 1ns), nanoseconds::min() + 1ns);
  EXPECT_EQ(in_nanoseconds(std::chrono::nanoseconds(1)), 1ns);
  const auto now = std::chrono::steady_clock::now();
  EXPECT_FALSE(until_after(nanoseconds::max()));
  EXPECT_FALSE(until_after(std::nullopt));
  EXPECT_LT(*until_after(nanoseconds::min()), now);
  EXPECT_LT(*until_after(-1h), now);
  EXPECT_GE(*until_after(1h), now + 1h);
}

TEST_F(FutureTest, throws_the_class_of_its_failure) {
  Future<int> f = future<int>();
  fail(FailureKind::kWorkerLost);
  try {
    f.get();
    FAIL();
  } catch (const TerminatedWorkerError& error) {
    EXPECT_EQ(error.task(), 7u);
  }
}

TEST_F(FutureTest, whose_result_claims_four_gibibytes_is_a_decode_error) {
  Future<std::vector<int>> f = future<std::vector<int>>();
  node->settle(encoded(std::uint64_t{1} << 32));
  try {
    f.get();
    FAIL();
  } catch (const DecodeError& error) {
    EXPECT_EQ(error.stage(), Stage::kResult);
    EXPECT_EQ(error.failure().type_name, "poolproof::BadBytes");
  }
}

TEST_F(FutureTest, whose_result_has_bytes_left_over_is_a_decode_error) {
  Future<int> f = future<int>();
  node->settle(encoded(std::uint64_t{1}));
  EXPECT_THROW(f.get(), DecodeError);
}

TEST_F(FutureTest, then_runs_on_the_callback_thread_if_it_comes_before_the_end) {
  Future<std::thread::id> where =
      future<int>().then([](int) { return std::this_thread::get_id(); });
  node->settle(encoded(1));
  EXPECT_NE(where.get(), std::this_thread::get_id());
}

TEST_F(FutureTest, then_runs_on_the_callback_thread_if_it_comes_after_the_end) {
  Future<int> ended = future<int>();
  node->settle(encoded(1));
  Future<std::thread::id> where = ended.then([](int) { return std::this_thread::get_id(); });
  EXPECT_NE(where.get(), std::this_thread::get_id());
}

TEST_F(FutureTest, then_gives_a_future_of_what_the_callback_returns) {
  Future<std::string> text =
      future<int>().then([](int value) { return value + 1; }).then([](int value) {
        return std::string(static_cast<std::size_t>(value), 'x');
      });
  node->settle(encoded(2));
  EXPECT_EQ(text.get(), "xxx");
}

TEST_F(FutureTest, then_passes_an_error_on_unless_it_takes_the_future_itself) {
  Future<int> skipped = future<int>().then([](int) -> int {
    ADD_FAILURE() << "there is no value to call with";
    return 0;
  });
  fail(FailureKind::kCancelled);
  EXPECT_THROW(skipped.get(), CancelledError);

  NodePtr other(detail::make_task_node<int>(8, owner));
  Future<std::string> seen = FutureAccess::make<int>(other).then([](Future<int> settled) {
    try {
      return std::to_string(settled.get());
    } catch (const DeadlineError&) {
      return std::string("deadline");
    }
  });
  other->settle(Failure{.kind = FailureKind::kDeadline, .task = 8});
  EXPECT_EQ(seen.get(), "deadline");
}

TEST_F(FutureTest, what_a_callback_throws_ends_the_new_future_and_is_told_to_the_hook) {
  Future<void> next = future<int>().then([](int) { throw std::string("mine"); });
  node->settle(encoded(1));
  EXPECT_THROW(next.get(), std::string);
  EXPECT_EQ(owner->threw, 1);
}

TEST_F(FutureTest, cancel_of_what_then_gave_cancels_the_task) {
  Future<void> next = future<int>().then([](int) {});
  next.cancel();
  EXPECT_EQ(owner->cancelled, 1);
  fail(FailureKind::kCancelled);
  EXPECT_THROW(next.get(), CancelledError);
}

TEST_F(FutureTest, then_after_the_callbacks_have_closed_runs_at_once) {
  Future<int> ended = future<int>();
  owner->callbacks->close();
  node->settle(encoded(1));
  bool ran = false;
  ended.then([&ran](int) { ran = true; }).get();
  EXPECT_TRUE(ran);
}

TEST_F(FutureTest, closing_runs_what_is_due_and_what_that_makes_due) {
  std::atomic<int> ran = 0;
  Future<void> last =
      future<int>().then([&](int) { ++ran; }).then([&] { ++ran; }).then([&] { ++ran; });
  node->settle(encoded(1));
  owner->callbacks->close();
  EXPECT_EQ(ran, 3);
  last.get();
}

// As it is with std::future.
TEST_F(FutureTest, that_is_empty_throws_no_state_whatever_is_asked) {
  Future<int> empty = future<int>();
  node->settle(encoded(1));
  EXPECT_EQ(empty.get(), 1);
  EXPECT_FALSE(empty.valid());
  const auto throws_no_state = [](auto call) {
    try {
      call();
      ADD_FAILURE() << "it did not throw";
    } catch (const std::future_error& error) {
      EXPECT_EQ(error.code(), std::future_errc::no_state);
    }
  };
  throws_no_state([&] { empty.get(); });
  throws_no_state([&] { empty.get_for(1s); });
  throws_no_state([&] { empty.get_until(std::chrono::steady_clock::now()); });
  throws_no_state([&] { empty.wait(); });
  throws_no_state([&] { static_cast<void>(empty.wait_for(1s)); });
  throws_no_state([&] { static_cast<void>(empty.wait_until(std::chrono::steady_clock::now())); });
  throws_no_state([&] { static_cast<void>(empty.ready()); });
  throws_no_state([&] { empty.cancel(); });
  throws_no_state([&] { static_cast<void>(empty.then([](int) {})); });
  throws_no_state([&] { static_cast<void>(when_all(std::move(empty))); });
  throws_no_state([] {
    std::vector<Future<int>> some(2);
    static_cast<void>(when_all(std::move(some)));
  });
  empty = future<int>();  // it may be used again
  node->settle(encoded(2));
  EXPECT_EQ(empty.get(), 2);
}

TEST_F(FutureTest, keeps_its_value_if_then_cannot_start_the_callback_thread) {
  for (const bool ended : {false, true}) {
    Future<int> f = future<int>();
    if (ended) node->settle(encoded(5));
    {
      const detail::NoThreads none;
      EXPECT_THROW(static_cast<void>(f.then([](int x) { return x; })), std::system_error);
    }
    ASSERT_TRUE(f.valid());
    if (!ended) node->settle(encoded(5));
    Future<int> next = f.then([](int x) { return x + 1; });
    EXPECT_FALSE(f.valid());
    EXPECT_EQ(next.get(), 6);
    owner = std::make_shared<FakeCallbackOwner>();
  }
}

TEST_F(FutureTest, keeps_its_value_if_the_function_cannot_be_moved_to_its_place) {
  struct Throws {
    explicit Throws(int after) : left(after) {}
    Throws(Throws&& other) : left(other.left - 1) {
      if (left == 0) throw std::bad_alloc();
    }
    int left;
    int operator()(int x) { return x; }
  };
  Future<int> f = future<int>();
  EXPECT_THROW(static_cast<void>(f.then(Throws(1))), std::bad_alloc);
  EXPECT_THROW(static_cast<void>(f.then(Throws(2))), std::bad_alloc);
  node->settle(encoded(5));
  EXPECT_EQ(f.get(), 5);
}

TEST_F(FutureTest, may_be_destroyed_by_its_own_callback) {
  for (int round = 0; round < 1000; ++round) {
    auto holder = std::make_shared<Future<int>>(future<int>());
    node->settle(encoded(1));
    Future<int>& own = *holder;
    Future<int> next = own.then([holder = std::move(holder)](int x) mutable {
      holder.reset();
      return x;
    });
    EXPECT_EQ(next.get(), 1);
  }
}

TEST_F(FutureTest, a_callback_may_close_the_callbacks_it_runs_on) {
  Future<void> closed = future<int>().then([this](int) { owner->callbacks->close(); });
  node->settle(encoded(1));
  closed.get();
  owner->callbacks->close();
}

}  // namespace
}  // namespace poolproof
