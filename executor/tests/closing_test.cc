// Executors that are ended in callbacks: other executors, each other, and while their futures are
// still open.
#include <gtest/gtest.h>

#include <atomic>
#include <coroutine>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "executor/tests/meeting.h"
#include "poolproof/co_await.h"
#include "poolproof/executor.h"
#include "poolproof/reusable.h"
#include "poolproof/wait.h"

namespace poolproof {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

int twice(int x) { return 2 * x; }

// Returns when so many have come.
class Gathering {
 public:
  explicit Gathering(int count) : left_(count) {}
  void come() {
    --left_;
    left_.notify_all();
    for (int left = left_; left > 0; left = left_) left_.wait(left);
  }

 private:
  std::atomic<int> left_;
};

TEST(Closing, an_executor_leaves_a_callback_to_the_one_whose_task_ends_last) {
  for (int round = 0; round < 5; ++round) {
    Meeting meeting;
    std::optional<Executor> gone(ExecutorOptions{.workers = 1});
    Executor living({.workers = 1});
    Future<int> last =
        when_all(gone->submit(twice, 1), living.submit(meet_and_return, meeting.folder(), 2))
            .then([&](auto) { return living.submit(twice, 21).get(); });
    meeting.await();
    gone.reset();
    meeting.let_go();
    EXPECT_EQ(last.get_for(60s), 42);
  }
}

TEST(Closing, the_executor_whose_task_ended_last_may_be_shut_down_in_that_callback) {
  Meeting meeting;
  std::optional<Executor> gone(ExecutorOptions{.workers = 1});
  std::optional<Executor> living(ExecutorOptions{.workers = 1});
  Future<void> last =
      when_all(gone->submit(twice, 1), living->submit(meet_and_return, meeting.folder(), 2))
          .then([&](auto) { living.reset(); });
  meeting.await();
  gone.reset();
  meeting.let_go();
  last.get_for(60s);
  EXPECT_FALSE(living);
}

// Its destructor waits for a task.
struct Waits {
  Executor* pool;
  std::promise<int> told;
  Waits(Executor& executor, std::promise<int> promise)
      : pool(&executor), told(std::move(promise)) {}
  Waits(Waits&& other) noexcept
      : pool(std::exchange(other.pool, nullptr)), told(std::move(other.told)) {}
  ~Waits() {
    if (pool != nullptr) told.set_value(pool->submit(twice, 4).get());
  }
};

TEST(Closing, a_task_that_ends_lets_go_of_a_value_whose_destructor_waits_for_the_next) {
  Meeting meeting;
  Executor other({.workers = 1}), living({.workers = 1});
  std::promise<int> promise;
  std::future<int> told = promise.get_future();
  Future<Waits> value = other.submit([] {}).then(
      [&, promise = std::move(promise)]() mutable { return Waits(living, std::move(promise)); });
  value.wait();
  // The last reference to it is in a future that is not kept.
  static_cast<void>(
      when_all(std::move(value), living.submit(meet_and_return, meeting.folder(), 1)));
  meeting.await();
  other.shutdown();
  meeting.let_go();
  ASSERT_EQ(told.wait_for(60s), std::future_status::ready);
  EXPECT_EQ(told.get(), 8);
}

TEST(Closing, a_value_that_ends_an_executor_may_be_dropped_by_another_ones_task) {
  Meeting meeting;
  Executor living({.workers = 1});
  auto owned = std::make_shared<Executor>(ExecutorOptions{.workers = 1});
  const std::weak_ptr<Executor> watched = owned;
  Future<std::shared_ptr<Executor>> value =
      owned->submit(twice, 1).then([owned](int) { return owned; });
  value.wait();
  static_cast<void>(
      when_all(std::move(value), living.submit(meet_and_return, meeting.folder(), 1)));
  owned.reset();
  meeting.await();
  EXPECT_FALSE(watched.expired());
  meeting.let_go();
  living.shutdown();
  EXPECT_TRUE(watched.expired());
}

// Each executor ends the next one, and the last one ends the first, in callbacks that all run at
// once.
void end_in_a_circle(int length, const std::function<void(std::optional<Executor>&)>& end) {
  std::vector<std::optional<Executor>> pools(static_cast<std::size_t>(length));
  for (auto& pool : pools) pool.emplace(ExecutorOptions{.workers = 1});
  Gathering all_run(length);
  std::vector<Future<void>> ends;
  for (std::size_t i = 0; i < pools.size(); ++i) {
    ends.push_back(pools[i]->submit([] {}).then([&, i] {
      all_run.come();
      end(pools[(i + 1) % pools.size()]);
    }));
  }
  for (Future<void>& each : ends) ASSERT_NO_THROW(each.get_for(60s));
}

TEST(Closing, in_a_circle_by_shutdown_ends_all) {
  for (int round = 0; round < 10; ++round) {
    for (const int length : {2, 3, 5})
      end_in_a_circle(length, [](auto& pool) { pool->shutdown(); });
  }
}

TEST(Closing, in_a_circle_by_destructors_ends_all) {
  for (int round = 0; round < 10; ++round) {
    for (const int length : {2, 3, 5}) end_in_a_circle(length, [](auto& pool) { pool.reset(); });
  }
}

TEST(Closing, of_three_in_a_callback_for_all_of_them) {
  for (std::size_t first = 0; first < 3; ++first) {
    std::vector<std::unique_ptr<Executor>> pools;
    std::vector<Future<int>> tasks;
    for (int i = 0; i < 3; ++i) {
      pools.push_back(std::make_unique<Executor>(ExecutorOptions{.workers = 1}));
      tasks.push_back(pools.back()->submit(twice, i));
    }
    Future<int> sum = when_all(std::move(tasks)).then([&](std::vector<Future<int>> all) {
      int total = 0;
      for (Future<int>& each : all) total += each.get();
      for (std::size_t i = 0; i < 3; ++i) pools[(first + i) % 3].reset();
      return total;
    });
    EXPECT_EQ(sum.get_for(60s), 6);
  }
}

TEST(Closing, of_each_other_while_a_third_waits_for_both) {
  for (int round = 0; round < 10; ++round) {
    std::optional<Executor> a(ExecutorOptions{.workers = 1}), b(ExecutorOptions{.workers = 1});
    Executor third({.workers = 1});
    Gathering both_run(2);
    auto ends = when_all(a->submit([] {}).then([&] {
      both_run.come();
      b.reset();
    }),
                         b->submit([] {}).then([&] {
                           both_run.come();
                           a.reset();
                         }));
    Future<void> waits =
        third.submit([] {}).then([ends = std::move(ends)]() mutable { ends.get(); });
    ASSERT_NO_THROW(waits.get_for(60s));
  }
}

struct Detached {
  struct promise_type {
    Detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

Detached end_both(std::unique_ptr<Executor> own, std::unique_ptr<Executor> other,
                  std::promise<int> end) {
  const int sum = co_await own->submit(twice, 1) + co_await other->submit(twice, 2);
  own.reset();
  other.reset();
  end.set_value(sum);
}

TEST(Closing, in_a_coroutine_that_owns_its_executors) {
  for (int round = 0; round < 10; ++round) {
    std::promise<int> end;
    std::future<int> sum = end.get_future();
    end_both(std::make_unique<Executor>(ExecutorOptions{.workers = 1}),
             std::make_unique<Executor>(ExecutorOptions{.workers = 1}), std::move(end));
    ASSERT_EQ(sum.wait_for(60s), std::future_status::ready);
    EXPECT_EQ(sum.get(), 6);
  }
}

TEST(Closing, of_the_reusable_one_in_a_callback_that_it_shuts_down_in_turn) {
  for (int round = 0; round < 5; ++round) {
    auto old = reusable_executor({.executor = {.workers = 1}, .reuse = Reuse::kNo});
    Executor own({.workers = 1});
    Gathering both_run(2);
    Future<int> replaces = own.submit(twice, 1).then([&](int) {
      both_run.come();
      return reusable_executor({.executor = {.workers = 1}, .reuse = Reuse::kNo})
          ->submit(twice, 4)
          .get();
    });
    Future<void> closes = old->submit([] {}).then([&] {
      both_run.come();
      own.shutdown();
    });
    EXPECT_EQ(replaces.get_for(60s), 8);
    EXPECT_NO_THROW(closes.get_for(60s));
  }
}

}  // namespace
}  // namespace poolproof
