// Chains of a million futures: every walk along a chain is a loop. On a thread with a small stack.
#include <gtest/gtest.h>
#include <pthread.h>

#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "executor/front/fake_callback_owner.h"
#include "poolproof/wait.h"

namespace poolproof {
namespace {

using namespace std::chrono_literals;
using detail::FakeCallbackOwner;
using detail::OpenTask;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kLong = 100'000;
constexpr std::size_t kSmallStack = std::size_t{1} << 20;
#else
constexpr int kLong = 1'000'000;
constexpr std::size_t kSmallStack = std::size_t{128} << 10;
#endif

void* call(void* body) {
  (*static_cast<std::function<void()>*>(body))();
  return nullptr;
}

void on_small_stack(std::function<void()> body) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, kSmallStack), 0);
  pthread_t thread{};
  ASSERT_EQ(pthread_create(&thread, &attributes, call, &body), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

int next(int x) { return x + 1; }

Future<int> chain_from(Future<int> future) {
  for (int i = 0; i < kLong; ++i) future = std::move(future).then(next);
  return future;
}

class LongChain : public testing::Test {
 protected:
  std::shared_ptr<FakeCallbackOwner> owner = std::make_shared<FakeCallbackOwner>();
  OpenTask<int> task{owner, 1};
};

TEST_F(LongChain, is_cancelled_at_its_task) {
  Future<int> last = chain_from(task.future());
  on_small_stack([&] { last.cancel(); });
  EXPECT_EQ(owner->cancelled, 1);
  task.end(0);
  EXPECT_EQ(last.get_for(600s), kLong);
}

TEST_F(LongChain, carries_an_error_to_its_end) {
  Future<int> last = chain_from(task.future());
  on_small_stack([&] { task.fail(FailureKind::kDeadline); });
  EXPECT_THROW(last.get_for(600s), DeadlineError);
}

TEST_F(LongChain, of_an_executor_that_has_closed_runs_when_another_ends_it) {
  auto living = std::make_shared<FakeCallbackOwner>();
  OpenTask<int> late(living, 2);
  auto both = when_all(task.future(), late.future());
  task.end(0);
  Future<int> last = chain_from(std::move(both).then([](auto) { return 0; }));
  owner->callbacks->close();
  on_small_stack([&] {
    const detail::SupervisorThread no_user_code_here(*living->callbacks, *living);
    late.end(1);
  });
  EXPECT_EQ(last.get_for(600s), kLong);
}

// A callback is parked, and runs the whole chain itself.
TEST_F(LongChain, may_be_waited_for_in_a_callback_that_stands_before_it) {
  OpenTask<int> before(owner, 2);
  std::promise<Future<int>> chain;
  Future<int> waits = before.future().then([&](int) { return chain.get_future().get().get(); });
  before.end(1);
  Future<int> last = chain_from(task.future());
  task.end(0);
  chain.set_value(std::move(last));
  EXPECT_EQ(waits.get_for(600s), kLong);
}

TEST_F(LongChain, of_when_all_and_then_in_turn_is_cancelled_and_ends) {
  Future<int> last = task.future();
  for (int i = 0; i < kLong / 4; ++i) {
    last = when_all(std::move(last)).then([](std::tuple<Future<int>> one) {
      return std::get<0>(one).get() + 1;
    });
  }
  on_small_stack([&] { last.cancel(); });
  EXPECT_EQ(owner->cancelled, 1);
  on_small_stack([&] { task.end(0); });
  EXPECT_EQ(last.get_for(600s), kLong / 4);
}

// A value that holds the future of the next value: a linked list, made by the user.
struct Item {
  std::unique_ptr<Future<Item>> rest;
};

TEST_F(LongChain, of_values_that_hold_futures_is_destroyed) {
  Future<Item> list = task.future().then([](int) { return Item(); });
  for (int i = 0; i < kLong / 4; ++i) {
    OpenTask<int> each(owner, 1);
    list = each.future().then([rest = std::make_unique<Future<Item>>(std::move(list))](
                                  int) mutable { return Item{std::move(rest)}; });
    each.end(1);
  }
  task.end(1);
  list.wait();
  owner->callbacks->close();
  on_small_stack([&] { list = {}; });
  EXPECT_FALSE(list.valid());
}

template <int kDepth, class T>
auto nested(Future<T> inner) {
  if constexpr (kDepth == 0) {
    return inner;
  } else {
    return nested<kDepth - 1>(when_all(std::move(inner)));
  }
}

TEST_F(LongChain, of_when_all_within_when_all_is_cancelled_and_ends) {
  auto outermost = nested<100>(task.future());
  on_small_stack([&] { outermost.cancel(); });
  EXPECT_EQ(owner->cancelled, 1);
  on_small_stack([&] { task.end(0); });
  EXPECT_TRUE(outermost.ready());
  on_small_stack([&] { outermost = {}; });
}

}  // namespace
}  // namespace poolproof
