// Callbacks that wait for results of other callbacks.
#include "executor/front/parking.h"

#include <gtest/gtest.h>

#include <future>
#include <stdexcept>
#include <string>
#include <vector>

#include "executor/front/fake_callback_owner.h"

namespace poolproof {
namespace {

using namespace std::chrono_literals;
using detail::FakeCallbackOwner;
using detail::OpenTask;

class Parking : public testing::Test {
 protected:
  std::shared_ptr<FakeCallbackOwner> owner = std::make_shared<FakeCallbackOwner>();
  OpenTask<int> first{owner, 1}, second{owner, 2}, third{owner, 3};
};

TEST_F(Parking, a_callback_may_wait_for_a_callback_that_stands_behind_it) {
  std::promise<Future<int>> later;
  Future<int> sum = first.future().then(
      [wanted = later.get_future()](int x) mutable { return x + wanted.get().get(); });
  first.end(1);
  later.set_value(
      second.future().then([](int x) { return 10 * x; }).then([](int x) { return 10 * x; }));
  second.end(2);
  EXPECT_EQ(sum.get_for(60s), 201);
}

TEST_F(Parking, a_wait_in_a_callback_runs_only_what_it_waits_for) {
  std::vector<std::string> order;  // all on the one callback thread
  std::promise<Future<void>> wanted;
  Future<void> waits = first.future().then([&, ready = wanted.get_future()](int) mutable {
    ready.get().get();
    order.push_back("waits");
  });
  first.end(1);
  Future<void> other = second.future().then([&](int) { order.push_back("other"); });
  second.end(1);
  Future<void> needed = third.future().then([&](int) { order.push_back("needed"); });
  third.end(1);
  wanted.set_value(std::move(needed));
  waits.get_for(60s);
  other.get_for(60s);
  EXPECT_EQ(order, (std::vector<std::string>{"needed", "waits", "other"}));
}

TEST_F(Parking, a_callback_that_waits_for_itself_is_told_so) {
  std::promise<Future<void>> self;
  std::promise<std::string> told;
  self.set_value(first.future().then([&, mine = self.get_future()](int) mutable {
    Future<void> own = mine.get();
    try {
      own.get();
    } catch (const std::logic_error& error) {
      told.set_value(error.what());
    }
  }));
  first.end(1);
  std::future<std::string> text = told.get_future();
  ASSERT_EQ(text.wait_for(60s), std::future_status::ready);
  EXPECT_NE(text.get().find("waits for its own future"), std::string::npos);
}

TEST_F(Parking, a_wait_in_a_callback_may_run_out) {
  Future<int> never = second.future().then([](int x) { return x; });
  Future<bool> waits = first.future().then([&](int) { return never.wait_for(1ms); });
  first.end(1);
  EXPECT_FALSE(waits.get_for(60s));
  second.end(5);
  EXPECT_EQ(never.get_for(60s), 5);
}

TEST_F(Parking, two_executors_whose_callbacks_wait_for_each_other_both_go_on) {
  for (int round = 0; round < 100; ++round) {
    auto mine = std::make_shared<FakeCallbackOwner>(),
         yours = std::make_shared<FakeCallbackOwner>();
    OpenTask<int> a{mine}, b{yours}, later_a{mine}, later_b{yours};
    std::promise<Future<int>> give_a, give_b;
    const auto wait_for = [](std::promise<Future<int>>& promise) {
      return [wanted = promise.get_future()](int x) mutable { return x + wanted.get().get(); };
    };
    Future<int> from_a = a.future().then(wait_for(give_b));
    Future<int> from_b = b.future().then(wait_for(give_a));
    a.end(1);
    b.end(2);
    // Queued behind the two that wait, each in the queue of its own executor.
    give_a.set_value(later_a.future().then([](int x) { return x; }));
    give_b.set_value(later_b.future().then([](int x) { return x; }));
    later_a.end(10);
    later_b.end(20);
    EXPECT_EQ(from_a.get_for(60s), 21);
    EXPECT_EQ(from_b.get_for(60s), 12);
  }
}

TEST_F(Parking, cancel_of_a_chain_reaches_its_task_and_does_nothing_once_it_has_run) {
  Future<int> chain = first.future().then([](int x) { return x; }).then([](int x) { return x; });
  chain.cancel();
  EXPECT_EQ(owner->cancelled, 1);
  first.end(1);
  chain.wait();
  chain.cancel();
  EXPECT_EQ(owner->cancelled, 1);
  EXPECT_EQ(chain.get(), 1);
}

}  // namespace
}  // namespace poolproof
