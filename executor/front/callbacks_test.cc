// On which thread callbacks run, on which thread values are destroyed, and what a close waits for.
#include "executor/front/callbacks.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "executor/front/fake_callback_owner.h"
#include "executor/front/no_threads.h"
#include "poolproof/wait.h"

namespace poolproof {
namespace {

using namespace std::chrono_literals;
using detail::FakeCallbackOwner;
using detail::NodePtr;
using detail::NoThreads;
using detail::OpenTask;
using ThreadId = pid_t;  // the kernel's id: a std::thread::id is soon reused

ThreadId here() { return gettid(); }

// Runs on a thread that is marked as a supervisor's thread of this owner, and returns its id.
template <class F>
ThreadId as_supervisor(const std::shared_ptr<FakeCallbackOwner>& owner, F f) {
  ThreadId id = 0;
  std::thread thread([&] {
    const detail::SupervisorThread no_user_code_here(*owner->callbacks, *owner);
    id = here();
    f();
  });
  thread.join();
  return id;
}

ThreadId callback_thread(const std::shared_ptr<FakeCallbackOwner>& owner) {
  OpenTask<int> task(owner);
  task.end(1);
  return task.future().then([](int) { return here(); }).get_for(60s);
}

// Reports on which thread it was destroyed, if it was not moved away.
class Witness {
 public:
  explicit Witness(std::promise<ThreadId> told)
      : told_(std::make_unique<std::promise<ThreadId>>(std::move(told))) {}
  Witness(Witness&&) noexcept = default;
  ~Witness() {
    if (told_) told_->set_value(here());
  }

 private:
  std::unique_ptr<std::promise<ThreadId>> told_;
};

ThreadId told_to(std::future<ThreadId>& future) {
  if (future.wait_for(60s) != std::future_status::ready) return {};
  return future.get();
}

class OnSupervisor : public testing::Test {
 protected:
  std::shared_ptr<FakeCallbackOwner> gone = std::make_shared<FakeCallbackOwner>();
  std::shared_ptr<FakeCallbackOwner> living = std::make_shared<FakeCallbackOwner>();
  OpenTask<int> first{gone, 1}, last{living, 2};
  std::promise<ThreadId> promise;
  std::future<ThreadId> destroyed = promise.get_future();

  // Ends only with `last`, and its executor closes before that.
  Future<std::tuple<Future<int>, Future<int>>> late() {
    auto both = when_all(first.future(), last.future());
    first.end(1);
    return both;
  }
};

TEST_F(OnSupervisor, a_callback_of_a_closed_executor_runs_on_the_callback_thread_of_the_other) {
  Future<ThreadId> where = late().then([](auto) { return here(); });
  gone->callbacks->close();
  as_supervisor(living, [&] { last.end(2); });
  EXPECT_EQ(where.get_for(60s), callback_thread(living));
}

TEST_F(OnSupervisor, a_callback_of_a_closed_executor_may_wait_for_one_behind_it) {
  std::promise<Future<int>> behind;
  Future<int> sum = late().then([wanted = behind.get_future()](auto) mutable {
    return 1 + wanted.get().get();  // due on the same thread
  });
  OpenTask<int> other_first(gone, 3), other_last(living, 4);
  auto others = when_all(other_first.future(), other_last.future());
  other_first.end(1);
  behind.set_value(std::move(others).then([](auto) { return 10; }));
  gone->callbacks->close();
  as_supervisor(living, [&] {
    last.end(2);
    other_last.end(2);
  });
  EXPECT_EQ(sum.get_for(60s), 11);
}

TEST_F(OnSupervisor, a_value_that_nobody_wants_is_destroyed_on_the_callback_thread) {
  Future<Witness> value = first.future().then(
      [told = std::move(promise)](int) mutable { return Witness(std::move(told)); });
  first.end(1);
  value.wait();
  callback_thread(gone);  // it has run the callback, and after another one it holds nothing of it
  static_cast<void>(when_all(std::move(value), last.future()));
  as_supervisor(living, [&] { last.end(2); });
  EXPECT_EQ(told_to(destroyed), callback_thread(living));
}

TEST_F(OnSupervisor, a_value_may_be_destroyed_by_waiting_for_the_supervisor_that_let_it_go) {
  struct Waits {
    std::unique_ptr<std::future<void>> supervisor;
    std::unique_ptr<std::promise<bool>> told;
    Waits(std::future<void> s, std::promise<bool> t)
        : supervisor(std::make_unique<std::future<void>>(std::move(s))),
          told(std::make_unique<std::promise<bool>>(std::move(t))) {}
    Waits(Waits&&) noexcept = default;
    ~Waits() {
      if (told) told->set_value(supervisor->wait_for(60s) == std::future_status::ready);
    }
  };
  std::promise<void> over;
  std::promise<bool> in_time;
  std::future<bool> told = in_time.get_future();
  Future<Waits> value =
      first.future().then([s = over.get_future(), t = std::move(in_time)](int) mutable {
        return Waits(std::move(s), std::move(t));
      });
  first.end(1);
  value.wait();
  static_cast<void>(when_all(std::move(value), last.future()));
  as_supervisor(living, [&] { last.end(2); });
  over.set_value();
  EXPECT_TRUE(told.get());
}

// Like an executor whose options hold functions of the user.
struct Mortal : FakeCallbackOwner {
  std::promise<ThreadId> told;
  explicit Mortal(std::promise<ThreadId> promise) : told(std::move(promise)) {}
  ~Mortal() override { told.set_value(here()); }
};

TEST_F(OnSupervisor, the_last_reference_to_another_executor_does_not_go) {
  auto mortal = std::make_shared<Mortal>(std::move(promise));
  OpenTask<int> its(mortal, 3);
  its.end(1);
  mortal.reset();
  as_supervisor(living, [&] { its.node = NodePtr(); });
  EXPECT_EQ(told_to(destroyed), callback_thread(living));
}

TEST_F(OnSupervisor, the_last_reference_to_another_executor_does_not_go_with_a_when_all) {
  auto mortal = std::make_shared<Mortal>(std::move(promise));
  {
    OpenTask<int> its(mortal, 3);
    static_cast<void>(when_all(last.future(), its.future()));
    its.end(1);
  }
  mortal.reset();
  as_supervisor(living, [&] { last.end(2); });
  EXPECT_EQ(told_to(destroyed), callback_thread(living));
}

TEST_F(OnSupervisor, where_no_thread_can_start_the_new_future_ends_with_an_error) {
  Future<int> next = late().then(
      [witness = Witness(std::move(promise))](auto) -> int { throw std::logic_error("ran"); });
  Future<int> behind = std::move(next).then([](int x) { return x; });
  gone->callbacks->close();
  as_supervisor(living, [&] {
    const NoThreads none;
    last.end(2);
  });
  EXPECT_THROW(behind.get_for(60s), std::system_error);
  EXPECT_EQ(gone->threw, 0);
  // The captures of the callback are destroyed by the thread that closes the executor.
  EXPECT_EQ(destroyed.wait_for(0s), std::future_status::timeout);
  living->callbacks->close();
  EXPECT_EQ(told_to(destroyed), here());
}

struct Says final : detail::Callback {
  explicit Says(std::promise<ThreadId> told) : told_(std::move(told)) {}
  void run(NodePtr) noexcept override { told_.set_value(here()); }
  std::promise<ThreadId> told_;
};

TEST_F(OnSupervisor, where_no_thread_can_start_what_must_be_run_is_run_by_the_close) {
  auto both = late();
  const NodePtr node = detail::FutureAccess::node(both);
  node->prepare_then();
  node->then(std::make_unique<Says>(std::move(promise)));
  gone->callbacks->close();
  as_supervisor(living, [&] {
    const NoThreads none;
    last.end(2);
  });
  EXPECT_EQ(destroyed.wait_for(0s), std::future_status::timeout);
  living->callbacks->close();
  EXPECT_EQ(told_to(destroyed), here());
}

// Each executor has one task; its callback gets the function that it must call on the next
// executor.
class Circle : public testing::Test {
 protected:
  std::vector<std::shared_ptr<FakeCallbackOwner>> owners;
  std::vector<OpenTask<int>> tasks;
  void make(int count) {
    for (int i = 0; i < count; ++i) {
      owners.push_back(std::make_shared<FakeCallbackOwner>());
      tasks.emplace_back(owners.back(), 1);
    }
  }
  void end_all() {
    for (OpenTask<int>& each : tasks) each.end(1);
  }
};

// Waits until so many have come.
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

TEST_F(Circle, of_closes_of_any_length_does_not_wait) {
  for (const int length : {2, 3, 7}) {
    for (int round = 0; round < 50; ++round) {
      owners.clear();
      tasks.clear();
      make(length);
      Gathering all_run(length);
      std::vector<Future<void>> ends;
      for (int i = 0; i < length; ++i) {
        FakeCallbackOwner& next = *owners[static_cast<std::size_t>((i + 1) % length)];
        ends.push_back(tasks[static_cast<std::size_t>(i)].future().then([&](int) {
          all_run.come();
          next.callbacks->close();
        }));
      }
      end_all();
      for (Future<void>& each : ends) ASSERT_NO_THROW(each.get_for(60s));
    }
  }
}

TEST_F(Circle, that_is_none_is_waited_for) {
  make(2);
  std::promise<void> closing, escaped;
  std::atomic<bool> waits = false;
  Future<void> slow = tasks[1].future().then([&](int) {
    closing.get_future().wait();
    // A limit that is only reached if the call does not wait.
    waits = escaped.get_future().wait_for(100ms) == std::future_status::timeout;
  });
  tasks[1].end(1);
  Future<void> closes = tasks[0].future().then([&](int) {
    closing.set_value();
    owners[1]->callbacks->close();
    escaped.set_value();
  });
  tasks[0].end(1);
  closes.get_for(60s);
  slow.get_for(60s);
  EXPECT_TRUE(waits);
}

TEST_F(Circle, of_a_close_and_a_wait_for_the_callback_that_closes_is_not_waited_for) {
  for (int round = 0; round < 100; ++round) {
    owners.clear();
    tasks.clear();
    make(2);
    Gathering both_run(2);
    std::promise<Future<int>> closing;
    Future<int> waits = tasks[0].future().then([&, wanted = closing.get_future()](int) mutable {
      Future<int> other = wanted.get();
      both_run.come();
      return 1 + other.get();
    });
    closing.set_value(tasks[1].future().then([&](int) {
      both_run.come();
      owners[0]->callbacks->close();
      return 10;
    }));
    end_all();
    ASSERT_EQ(waits.get_for(60s), 11);
  }
}

// The wait may see late that the chain has continued, and the closing thread must learn of that.
TEST_F(Circle, of_a_close_at_the_end_of_a_chain_and_a_wait_for_it_is_not_waited_for) {
  for (int round = 0; round < 500; ++round) {
    owners.clear();
    tasks.clear();
    make(2);
    std::promise<Future<int>> closing;
    Future<int> waits = tasks[0].future().then(
        [wanted = closing.get_future()](int x) mutable { return x + wanted.get().get(); });
    tasks[0].end(1);
    closing.set_value(tasks[1].future().then([](int x) { return x; }).then([&](int x) {
      owners[0]->callbacks->close();
      return x;
    }));
    tasks[1].end(10);
    ASSERT_EQ(waits.get_for(60s), 11);
  }
}

TEST_F(Circle, through_a_callback_that_is_due_is_undone_by_running_that_one) {
  for (int round = 0; round < 100; ++round) {
    owners.clear();
    tasks.clear();
    make(2);
    OpenTask<int> behind(owners[0], 2);
    std::promise<Future<int>> wanted;
    std::promise<void> closing;
    Future<int> waits = tasks[1].future().then([&](int) {
      Future<int> later = wanted.get_future().get();
      closing.set_value();
      return 1 + later.get();  // due behind the callback that closes, which waits for this one
    });
    Future<int> closes = tasks[0].future().then([&](int x) {
      closing.get_future().wait();
      owners[1]->callbacks->close();
      return x;
    });
    end_all();
    wanted.set_value(behind.future().then([](int x) { return x; }));
    behind.end(10);
    ASSERT_EQ(waits.get_for(60s), 11);
    ASSERT_EQ(closes.get_for(60s), 1);
  }
}

TEST_F(Circle, of_waits_for_each_others_futures_is_told_to_one_of_them) {
  for (int round = 0; round < 100; ++round) {
    owners.clear();
    tasks.clear();
    make(3);
    Gathering all_run(3);
    std::atomic<int> told = 0;
    std::vector<std::promise<Future<void>>> results(3);
    for (std::size_t i = 0; i < 3; ++i) {
      results[i].set_value(tasks[i].future().then([&, i](int) {
        Future<void> next = results[(i + 1) % 3].get_future().get();
        all_run.come();
        try {
          next.get();
        } catch (const std::logic_error&) {
          ++told;
        }
      }));
    }
    end_all();
    for (const auto& each : owners) each->callbacks->close();
    ASSERT_EQ(told, 1);
  }
}

}  // namespace
}  // namespace poolproof
