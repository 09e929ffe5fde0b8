#include "poolproof/wait.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "executor/front/fake_callback_owner.h"

namespace poolproof {
namespace {

using namespace std::chrono_literals;
using detail::FakeCallbackOwner;
using detail::OpenTask;
using Places = std::vector<std::size_t>;

class Wait : public testing::Test {
 protected:
  std::shared_ptr<FakeCallbackOwner> owner = std::make_shared<FakeCallbackOwner>();
  std::shared_ptr<FakeCallbackOwner> other = std::make_shared<FakeCallbackOwner>();
  std::vector<OpenTask<int>> tasks{OpenTask<int>(owner, 1), OpenTask<int>(other, 2),
                                   OpenTask<int>(owner, 3)};
  std::vector<Future<int>> futures() {
    std::vector<Future<int>> all;
    for (OpenTask<int>& task : tasks) all.push_back(task.future());
    return all;
  }
};

TEST_F(Wait, for_all_returns_when_the_last_has_ended) {
  const std::vector<Future<int>> all = futures();
  for (const std::size_t i : {0, 2}) tasks[i].end(1);
  std::thread ends([this] { tasks[1].end(1); });
  EXPECT_EQ(wait(all).done, (Places{0, 1, 2}));
  ends.join();
}

TEST_F(Wait, for_the_first_tells_which_have_ended_and_which_have_not) {
  const std::vector<Future<int>> all = futures();
  std::thread ends([this] { tasks[1].end(1); });
  const Waited waited = wait(all, {.until = Until::kFirst});
  EXPECT_EQ(waited.done, (Places{1}));
  EXPECT_EQ(waited.pending, (Places{0, 2}));
  ends.join();
  for (const int i : {0, 2}) tasks[static_cast<std::size_t>(i)].end(0);
}

TEST_F(Wait, for_the_first_error_passes_values_and_cancellations_by) {
  const std::vector<Future<int>> all = futures();
  tasks[0].end(1);
  tasks[2].fail(FailureKind::kCancelled);
  EXPECT_EQ(wait(all, {.until = Until::kFirstError, .timeout = 1ms}).pending, (Places{1}));
  std::thread ends([this] { tasks[1].fail(FailureKind::kWorkerLost); });
  EXPECT_EQ(wait(all, {.until = Until::kFirstError}).done, (Places{0, 1, 2}));
  ends.join();
}

TEST_F(Wait, for_the_first_error_returns_before_the_rest_has_ended) {
  const std::vector<Future<int>> all = futures();
  tasks[2].fail(FailureKind::kTask);
  EXPECT_EQ(wait(all, {.until = Until::kFirstError}).pending, (Places{0, 1}));
  tasks[0].end(0);
  tasks[1].end(0);
}

TEST_F(Wait, that_runs_out_tells_what_has_ended) {
  const std::vector<Future<int>> all = futures();
  tasks[0].end(1);
  for (const Until until : {Until::kAll, Until::kFirstError}) {
    const Waited waited = wait(all, {.until = until, .timeout = 1ms});
    EXPECT_EQ(waited.done, (Places{0}));
    EXPECT_EQ(waited.pending, (Places{1, 2}));
  }
  tasks[1].end(0);
  tasks[2].end(0);
}

TEST_F(Wait, passes_over_consumed_futures_and_is_over_when_none_is_left) {
  std::vector<Future<int>> all = futures();
  for (OpenTask<int>& task : tasks) task.end(7);
  int sum = 0;
  for (Waited waited = wait(all, {.until = Until::kFirst}); !waited.done.empty();
       waited = wait(all, {.until = Until::kFirst})) {
    sum += all[waited.done.front()].get();
  }
  EXPECT_EQ(sum, 21);
}

TEST_F(Wait, takes_futures_of_several_types_and_of_callbacks) {
  OpenTask<std::string> text(other, 9);
  Future<std::string> words = text.future();
  Future<int> later = tasks[0].future().then([](int x) { return x + 1; });
  tasks[0].end(1);
  EXPECT_EQ(wait({.until = Until::kFirst}, words, later).done, (Places{1}));
  text.end("x");
  EXPECT_EQ(wait({}, words, later).done, (Places{0, 1}));
}

TEST_F(Wait, leaves_nothing_behind_when_it_runs_out) {
  const std::vector<Future<int>> all = futures();
  for (int i = 0; i < 1000; ++i) wait(all, {.until = Until::kFirst, .timeout = 0s});
  for (OpenTask<int>& task : tasks) task.end(1);  // would notify waits that are gone
  EXPECT_EQ(wait(all).done.size(), 3u);
}

TEST_F(Wait, in_a_callback_may_be_for_callbacks_behind_it) {
  std::vector<Future<int>> behind;
  Future<std::size_t> waits = tasks[0].future().then(
      [&](int) { return wait(behind, {.until = Until::kFirst}).done.front(); });
  behind.push_back(tasks[1].future().then([](int x) { return x; }));
  behind.push_back(tasks[2].future().then([](int x) { return x; }));
  tasks[0].end(1);
  tasks[2].end(1);
  EXPECT_EQ(waits.get_for(60s), 1u);
  tasks[1].end(1);
}

TEST_F(Wait, against_ends_on_other_threads_hears_of_each_once) {
  for (int round = 0; round < 2000; ++round) {
    std::vector<OpenTask<int>> many;
    std::vector<Future<int>> all;
    for (int i = 0; i < 20; ++i) {
      many.emplace_back(i % 2 == 0 ? owner : other, static_cast<TaskId>(i));
      all.push_back(many.back().future());
    }
    std::atomic<int> here = 0;
    const auto end_from = [&](std::size_t first) {
      for (++here; here < 3;) std::this_thread::yield();
      for (std::size_t i = first; i < 20; i += 2) {
        const std::size_t at = round % 2 == 0 ? i : 19 - i;  // along with the adding, or against it
        many[at].end(static_cast<int>(at));
      }
    };
    std::thread evens(end_from, 0), odds(end_from, 1);
    for (++here; here < 3;) std::this_thread::yield();
    int sum = 0;
    for (Future<int>& each : as_completed(all)) sum += each.get();
    EXPECT_EQ(sum, 190);
    evens.join();
    odds.join();
  }
}

TEST_F(Wait, as_completed_gives_futures_in_the_order_in_which_they_end) {
  std::vector<Future<int>> all = futures();
  tasks[2].end(2);
  std::vector<int> seen;
  for (Future<int>& each : as_completed(all)) {
    seen.push_back(each.get());
    if (seen.size() > 1) continue;
    tasks[1].end(1);  // both are ready, and their order is not by index
    tasks[0].end(0);
  }
  EXPECT_EQ(seen, (std::vector<int>{2, 1, 0}));
}

TEST_F(Wait, as_completed_that_runs_out_says_how_many_are_left) {
  std::vector<Future<int>> all = futures();
  tasks[1].end(2);
  int seen = 0;
  try {
    for (Future<int>& each : as_completed(all, 1ms)) seen += each.get();
    FAIL();
  } catch (const TimeoutError& error) {
    EXPECT_NE(std::string(error.what()).find("2 of 3"), std::string::npos) << error.what();
  }
  EXPECT_EQ(seen, 2);
  EXPECT_TRUE(all[0].valid());
  tasks[0].end(0);
  tasks[2].end(0);
}

TEST_F(Wait, as_completed_that_was_moved_from_throws_no_state) {
  std::vector<Future<int>> all = futures();
  auto from = as_completed(all);
  const auto begin = [&from] { from.begin(); };
  auto to = std::move(from);
  try {
    begin();
    FAIL();
  } catch (const std::future_error& error) {
    EXPECT_EQ(error.code(), std::future_errc::no_state);
  }
  tasks[1].end(7);
  EXPECT_EQ((*to.begin()).get(), 7);
}

TEST_F(Wait, as_completed_may_be_left_early) {
  std::vector<Future<int>> all = futures();
  tasks[0].end(0);
  for (Future<int>& each : as_completed(all)) {
    EXPECT_EQ(each.get(), 0);
    break;
  }
  tasks[1].end(0);  // would notify the range that is gone
  tasks[2].end(0);
}

TEST_F(Wait, when_all_gives_every_future_back_with_its_own_end) {
  Future<std::vector<Future<int>>> together = when_all(futures());
  tasks[0].end(5);
  tasks[1].fail(FailureKind::kDeadline);
  EXPECT_FALSE(together.wait_for(0s));
  tasks[2].end(6);
  std::vector<Future<int>> all = together.get_for(60s);
  EXPECT_EQ(all[0].get(), 5);
  EXPECT_THROW(all[1].get(), DeadlineError);
  EXPECT_EQ(all[2].get(), 6);
}

TEST_F(Wait, when_all_of_several_types_may_be_gone_on_with) {
  OpenTask<std::string> text(other, 9);
  Future<std::string> joined =
      when_all(tasks[0].future(), text.future())
          .then([](std::tuple<Future<int>, Future<std::string>> both) {
            return std::to_string(std::get<0>(both).get()) + std::get<1>(both).get();
          });
  tasks[0].end(4);
  text.end("you");
  EXPECT_EQ(joined.get_for(60s), "4you");
}

TEST_F(Wait, when_all_of_nothing_has_ended_and_may_be_gone_on_with) {
  EXPECT_TRUE(when_all(std::vector<Future<int>>{}).get().empty());
  EXPECT_EQ(when_all(std::vector<Future<int>>{})
                .then([](std::vector<Future<int>> all) { return all.size(); })
                .get(),
            0u);
}

TEST_F(Wait, cancel_of_when_all_goes_to_each) {
  Future<std::vector<Future<int>>> together = when_all(futures());
  together.cancel();
  EXPECT_EQ(owner->cancelled, 2);
  EXPECT_EQ(other->cancelled, 1);
  for (OpenTask<int>& task : tasks) task.end(0);
}

// Cancelled while its callback starts, which takes the futures out of it.
TEST_F(Wait, when_all_may_be_cancelled_while_its_callback_starts) {
  for (int round = 0; round < 3000; ++round) {
    OpenTask<int> one(owner, 1), two(other, 2);
    Future<int> sum =
        when_all(one.future(), two.future()).then([](std::tuple<Future<int>, Future<int>> both) {
          return std::get<0>(both).get() + std::get<1>(both).get();
        });
    std::atomic<int> here = 0;
    std::thread ends([&] {
      for (++here; here < 2;) std::this_thread::yield();
      one.end(1);
      two.end(2);
    });
    for (++here; here < 2;) std::this_thread::yield();
    for (int i = 0; i < 20; ++i) sum.cancel();
    EXPECT_EQ(sum.get_for(60s), 3);
    ends.join();
  }
}

TEST_F(Wait, cancel_of_when_all_within_when_all_goes_to_each_task_in_order) {
  struct Notes : FakeCallbackOwner {
    std::vector<TaskId> order;
    void cancel(TaskId task, const CancelOptions&) override { order.push_back(task); }
  };
  auto notes = std::make_shared<Notes>();
  std::vector<OpenTask<int>> many;
  for (TaskId task = 1; task <= 4; ++task) many.emplace_back(notes, task);
  many[2].end(1);
  auto all = when_all(when_all(many[0].future(), many[1].future().then([](int x) { return x; })),
                      when_all(many[2].future(), many[3].future()));
  all.cancel();
  EXPECT_EQ(notes->order, (std::vector<TaskId>{1, 2, 4}));
  for (const std::size_t i : {0, 1, 3}) many[i].end(1);
}

TEST_F(Wait, when_all_that_nobody_keeps_is_nobodys_business) {
  static_cast<void>(when_all(futures()));
  for (OpenTask<int>& task : tasks) task.end(0);
}

TEST_F(Wait, a_callback_may_wait_for_all_of_callbacks_behind_it) {
  std::vector<Future<int>> behind;
  Future<int> waits = tasks[0].future().then([&](int) {
    int sum = 0;
    for (Future<int>& each : when_all(std::move(behind)).get()) sum += each.get();
    return sum;
  });
  behind.push_back(tasks[1].future().then([](int x) { return x; }));
  behind.push_back(tasks[2].future().then([](int x) { return x; }));
  tasks[0].end(1);
  tasks[2].end(10);
  tasks[1].end(20);
  EXPECT_EQ(waits.get_for(60s), 30);
}

}  // namespace
}  // namespace poolproof
