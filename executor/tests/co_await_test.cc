#include "poolproof/co_await.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <coroutine>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "executor/front/fake_callback_owner.h"
#include "executor/front/no_threads.h"
#include "executor/tests/meeting.h"
#include "poolproof/executor.h"
#include "poolproof/wait.h"

namespace poolproof {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

int twice(int x) { return 2 * x; }

// The smallest coroutine that can be waited for.
template <class T>
struct Routine {
  struct promise_type {
    std::promise<T> end;
    Routine get_return_object() { return {end.get_future()}; }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_value(T value) { end.set_value(std::move(value)); }
    void unhandled_exception() { end.set_exception(std::current_exception()); }
  };
  std::future<T> result;
  T get() {
    if (result.wait_for(60s) != std::future_status::ready)
      throw std::logic_error("not in a minute");
    return result.get();
  }
};

class CoAwait : public testing::Test {
 protected:
  Executor pool{{.workers = 2}};
};

Routine<int> chain(Executor& pool, int x) {
  const int once = co_await pool.submit(twice, x);
  const int again = co_await pool.submit(twice, once);
  co_return again;
}

TEST_F(CoAwait, gives_the_value_of_each_task_in_turn) { EXPECT_EQ(chain(pool, 10).get(), 40); }

Routine<std::string> fate(Future<void> future) {
  try {
    co_await std::move(future);
    co_return "well";
  } catch (const TerminatedWorkerError& error) {
    co_return to_string(error.exit());
  }
}

TEST_F(CoAwait, throws_what_get_throws) {
  EXPECT_EQ(fate(pool.submit([] {})).get(), "well");
  EXPECT_EQ(fate(pool.submit([] { raise(SIGKILL); })).get(), "SIGKILL");
}

Routine<std::thread::id> where(Future<void> future) {
  co_await std::move(future);
  co_return std::this_thread::get_id();
}

TEST_F(CoAwait, goes_on_at_once_if_the_task_has_ended_and_else_on_the_callback_thread) {
  Future<void> ended = pool.submit([] {});
  ended.wait();
  EXPECT_EQ(where(std::move(ended)).get(), std::this_thread::get_id());
  Meeting meeting;
  Routine<std::thread::id> later = where(pool.submit(meet, meeting.folder()));
  meeting.await();
  meeting.let_go();
  const std::thread::id callbacks =
      pool.submit([] {}).then([](Future<void>) { return std::this_thread::get_id(); }).get();
  EXPECT_EQ(later.get(), callbacks);
}

Routine<int> sum_of_all(Executor& pool) {
  std::vector<Future<int>> many;
  for (int i = 0; i < 10; ++i) many.push_back(pool.submit(twice, i));
  int sum = 0;
  for (Future<int>& each : co_await when_all(std::move(many))) sum += each.get();
  co_return sum;
}

TEST_F(CoAwait, may_be_for_many_at_once) { EXPECT_EQ(sum_of_all(pool).get(), 90); }

Routine<int> value_of(Future<int> future) { co_return co_await std::move(future); }

// On two threads at once; each of them is first in some of the rounds.
TEST_F(CoAwait, against_the_end_of_the_task_loses_nothing) {
  constexpr int kRounds = 100'000;
  const auto owner = std::make_shared<detail::FakeCallbackOwner>();
  std::vector<detail::OpenTask<int>> tasks;
  for (int i = 0; i < kRounds; ++i) tasks.emplace_back(owner);
  std::atomic<int> round = -1;
  std::thread ends([&] {
    for (int i = 0; i < kRounds; ++i) {
      while (round < i) std::this_thread::yield();
      tasks[static_cast<std::size_t>(i)].end(i);
    }
  });
  for (int i = 0; i < kRounds && !HasFailure(); ++i) {
    Future<int> future = tasks[static_cast<std::size_t>(i)].future();
    round = i;
    for (std::atomic<int> spin = i % 64; spin > 0;) --spin;
    EXPECT_NO_THROW(EXPECT_EQ(value_of(std::move(future)).get(), i));
  }
  round = kRounds;
  ends.join();
}

TEST_F(CoAwait, of_an_empty_future_throws_no_state) {
  EXPECT_THROW(value_of(Future<int>()).get(), std::future_error);
}

// Returns the future, if it was not consumed.
Routine<Future<int>> what_is_left(Future<int> future) {
  try {
    co_await std::move(future);
  } catch (const std::system_error&) {
  }
  co_return std::move(future);
}

TEST_F(CoAwait, that_cannot_start_the_callback_thread_throws_and_leaves_the_future_as_it_was) {
  Meeting meeting;
  Future<int> future = pool.submit(meet_and_return, meeting.folder(), 5);
  meeting.await();
  {
    const detail::NoThreads none;
    future = what_is_left(std::move(future)).get();
  }
  ASSERT_TRUE(future.valid());
  meeting.let_go();
  EXPECT_EQ(future.get(), 5);
}

// A coroutine that its owner destroys.
struct Owned {
  struct promise_type {
    Owned get_return_object() {
      return Owned(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() {}
  };
  explicit Owned(std::coroutine_handle<promise_type> handle) : coroutine(handle) {}
  Owned(Owned&& other) noexcept : coroutine(std::exchange(other.coroutine, nullptr)) {}
  ~Owned() {
    if (coroutine) coroutine.destroy();
  }
  std::coroutine_handle<promise_type> coroutine;
};

Owned note_resumption(Future<int> future, std::atomic<int>& resumed) {
  const std::string local(1000, 'x');  // freed memory, if it is resumed too late
  co_await std::move(future);
  resumed += static_cast<int>(local.size());
}

class Coroutine : public testing::Test {
 protected:
  std::shared_ptr<detail::FakeCallbackOwner> owner = std::make_shared<detail::FakeCallbackOwner>();
  std::atomic<int> resumed = 0;
  detail::OpenTask<int> task{owner}, first{owner};
  std::promise<void> go;

  // Blocks the callback thread until `go`.
  Future<void> held() {
    Future<void> holds = first.future().then([this](int) { go.get_future().wait(); });
    first.end(1);
    return holds;
  }
};

TEST_F(Coroutine, that_is_destroyed_while_it_awaits_is_not_resumed) {
  { const Owned gone = note_resumption(task.future(), resumed); }
  detail::OpenTask<int> other(owner);
  const Owned stays = note_resumption(other.future(), resumed);
  task.end(1);
  other.end(1);
  owner->callbacks->close();
  EXPECT_EQ(resumed, 1000) << "the other was";
}

TEST_F(Coroutine, that_is_destroyed_when_it_is_due_is_not_resumed) {
  Future<void> holds = held();
  std::optional<Owned> gone(note_resumption(task.future(), resumed));
  task.end(1);
  gone.reset();
  go.set_value();
  holds.get();
  owner->callbacks->close();
  EXPECT_EQ(resumed, 0);
}

TEST_F(Coroutine, that_its_owner_resumes_is_not_resumed_again) {
  Future<void> holds = held();
  Owned owned = note_resumption(task.future(), resumed);
  task.end(1);
  owned.coroutine.resume();
  go.set_value();
  holds.get();
  owner->callbacks->close();
  EXPECT_EQ(resumed, 1000);
}

// A safe place whenever its task ends: the callback thread, which would resume it.
TEST_F(Coroutine, that_is_destroyed_on_the_callback_thread_races_with_nothing) {
  for (int round = 0; round < 500; ++round) {
    owner = std::make_shared<detail::FakeCallbackOwner>();
    resumed = 0;
    task = detail::OpenTask<int>(owner);
    detail::OpenTask<int> other(owner);
    auto owned = std::make_shared<std::optional<Owned>>(note_resumption(task.future(), resumed));
    Future<int> destroyed = other.future().then([&](int) {
      owned->reset();
      return resumed.load();
    });
    std::thread ends([&] { task.end(1); });
    other.end(1);
    const int before = destroyed.get();
    ends.join();
    owner->callbacks->close();
    EXPECT_EQ(resumed, before) << "not after its destruction";
  }
}

// The callback thread is held until the worker is gone, so that all of them must still be resumed
// then.
TEST(CoAwaitEnd, coroutines_that_wait_when_the_executor_goes_are_gone_on_with_first) {
  for (int round = 0; round < 40; ++round) {
    std::vector<Routine<int>> waiting;
    {
      Executor pool({.workers = 1});
      const int pid = pool.submit(getpid).get();
      static_cast<void>(
          pool.submit(getpid).then([pid](int) { EXPECT_TRUE(ends_within(pid, 60'000)); }));
      for (int i = 0; i < 100; ++i) waiting.push_back(value_of(pool.submit(twice, i)));
    }
    for (int i = 0; i < 100; ++i) {
      Routine<int>& each = waiting[static_cast<std::size_t>(i)];
      ASSERT_EQ(each.result.wait_for(0s), std::future_status::ready);
      EXPECT_EQ(each.get(), 2 * i);
    }
  }
}

}  // namespace
}  // namespace poolproof
