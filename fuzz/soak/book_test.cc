// Tests the judge of the soak test: histories that are right, and each broken claim.
#include "fuzz/soak/book.h"

#include <gtest/gtest.h>
#include <signal.h>

namespace poolproof::fuzz::soak {
namespace {

const Identity kFirst{100, 1}, kSecond{200, 2}, kFirstPidAgain{100, 3};
const ExitStatus kKilled = Signaled{SIGKILL, false}, kSegfault = Signaled{SIGSEGV, false};

class BookTest : public testing::Test {
 protected:
  Serial begin(const Identity& worker, Deed deed = Deed::kWork, Instant limit = Instant::max()) {
    const Serial task = book_.make_task(deed, limit);
    book_.read({Mark::kBegin, task, worker});
    if (deed != Deed::kWork) book_.read({Mark::kFault, task, worker});
    return task;
  }
  Serial run(const Identity& worker) {
    const Serial task = begin(worker);
    book_.read({Mark::kEnd, task, worker});
    return task;
  }
  void value(Serial task) { book_.judge(task, {.value = true, .right = true}); }
  void strike(const Identity& worker, Blow blow) { book_.strike({worker, blow, Instant()}); }
  void lost(Serial task, int pid, const ExitStatus& exit, bool started = true) {
    book_.judge(task, {.failure = {.kind = FailureKind::kWorkerLost,
                                   .started = started,
                                   .worker = {0, pid},
                                   .exit = exit}});
  }
  void limit(Serial task, int pid, Cause cause) {
    book_.judge(task, {.failure = {.kind = FailureKind::kDeadline,
                                   .started = true,
                                   .worker = {0, pid},
                                   .exit = kKilled,
                                   .cause = cause}});
  }
  void gone(const Identity& worker, std::optional<ExitStatus> status) {
    book_.process_ended(worker);
    ASSERT_EQ(book_.due(), std::vector{worker});
    book_.close(worker, status);
  }
  // The first words of what is wrong; empty: nothing.
  std::string wrong() {
    book_.finish();
    return book_.wrong().empty() ? "" : book_.wrong().front();
  }
  void expect_wrong(const std::string& words) {
    const std::string said = wrong();
    EXPECT_NE(said.find(words), std::string::npos) << "said: " << said;
  }
  Book book_;
};

TEST_F(BookTest, a_value_and_a_death_with_its_error_are_right) {
  value(run(kFirst));
  const Serial task = begin(kFirst);
  strike(kFirst, Blow::kKill);
  lost(task, kFirst.pid, kKilled);
  gone(kFirst, kKilled);
  EXPECT_EQ(wrong(), "");
  EXPECT_EQ(book_.tally().ended_a_task, 1u);
}

TEST_F(BookTest, an_idle_death_has_no_error) {
  value(run(kFirst));
  strike(kFirst, Blow::kSegv);
  gone(kFirst, kSegfault);
  EXPECT_EQ(wrong(), "");
  EXPECT_EQ(book_.tally().ended_none, 1u);
}

TEST_F(BookTest, a_death_before_the_first_line_or_before_the_reply_may_have_the_error) {
  value(run(kFirst));
  strike(kFirst, Blow::kKill);
  lost(book_.make_task(Deed::kWork), kFirst.pid, kKilled);
  gone(kFirst, kKilled);
  const Serial task = run(kSecond);
  strike(kSecond, Blow::kKill);
  lost(task, kSecond.pid, kKilled);
  gone(kSecond, kKilled);
  EXPECT_EQ(wrong(), "");
}

TEST_F(BookTest, a_fault_of_the_task_itself_explains_its_error) {
  lost(begin(kFirst, Deed::kSegv), kFirst.pid, kSegfault);
  gone(kFirst, kSegfault);
  lost(begin(kSecond, Deed::kExit), kSecond.pid, Exited{kExitCode});
  gone(kSecond, Exited{kExitCode});
  EXPECT_EQ(wrong(), "");
}

TEST_F(BookTest, one_that_starved_and_threw_goes_on) {
  const Serial starved = begin(kFirst, Deed::kStarve);
  value(run(kFirst));
  book_.judge(starved, {.failure = {.kind = FailureKind::kTask,
                                    .type_name = "std::bad_alloc",
                                    .worker = {0, kFirst.pid}}});
  gone(kFirst, Exited{0});
  EXPECT_EQ(wrong(), "");
}

TEST_F(BookTest, one_that_starved_and_threw_owes_its_death_to_the_next_task_in_either_order) {
  const Serial starved = begin(kFirst, Deed::kStarve);
  const Serial next = book_.make_task(Deed::kWork);
  strike(kFirst, Blow::kKill);
  lost(next, kFirst.pid, kKilled);
  book_.judge(starved, {.failure = {.kind = FailureKind::kTask,
                                    .type_name = "std::bad_alloc",
                                    .worker = {0, kFirst.pid}}});
  gone(kFirst, kKilled);
  EXPECT_EQ(wrong(), "");
}

TEST_F(BookTest, a_frozen_one_ends_at_its_limit) {
  const Serial task = begin(kFirst, Deed::kHang, Instant() + std::chrono::seconds(2));
  strike(kFirst, Blow::kFreeze);
  book_.seen_stopped(kFirst, Instant() + std::chrono::seconds(1));
  limit(task, kFirst.pid, Cause::kFrozen);
  gone(kFirst, kKilled);
  EXPECT_EQ(wrong(), "");
  EXPECT_EQ(book_.tally().frozen_for_sure, 1u);
}

TEST_F(BookTest, an_asked_stop_needs_no_fault) {
  value(run(kFirst));
  gone(kFirst, Exited{0});
  EXPECT_EQ(wrong(), "");
}

TEST_F(BookTest, a_future_that_does_not_end_is_lost) {
  book_.make_task(Deed::kWork);
  expect_wrong("a future has not ended");
  EXPECT_EQ(book_.tally().lost, 1u);
}

TEST_F(BookTest, a_task_that_begins_twice_is_doubled) {
  const Serial task = run(kFirst);
  book_.read({Mark::kBegin, task, kSecond});
  EXPECT_EQ(book_.tally().doubled, 1u);
  expect_wrong("begun twice");
}

TEST_F(BookTest, a_task_that_runs_after_its_future_has_ended_is_doubled) {
  const Serial task = run(kFirst);
  value(task);
  book_.read({Mark::kBegin, task, kSecond});
  EXPECT_EQ(book_.tally().doubled, 1u);
  expect_wrong("whose future has ended already");
}

TEST_F(BookTest, a_value_without_a_run_is_wrong) {
  value(book_.make_task(Deed::kWork));
  expect_wrong("without a whole run");
}

TEST_F(BookTest, a_value_of_a_run_that_was_cut_off_is_wrong) {
  value(begin(kFirst));
  expect_wrong("without a whole run");
}

TEST_F(BookTest, a_value_of_another_task_is_wrong) {
  book_.judge(run(kFirst), {.value = true, .right = false});
  expect_wrong("not that of its task");
}

TEST_F(BookTest, a_value_of_a_task_that_crashed_is_wrong) {
  value(begin(kFirst, Deed::kSegv));
  expect_wrong("where none can be");
}

TEST_F(BookTest, an_error_without_a_fault_is_wrong) {
  lost(begin(kFirst), kFirst.pid, kKilled);
  expect_wrong("names no fault");
}

TEST_F(BookTest, an_error_that_names_another_kind_of_fault_is_wrong) {
  const Serial task = begin(kFirst);
  strike(kFirst, Blow::kKill);
  lost(task, kFirst.pid, kSegfault);
  expect_wrong("names no fault");
}

TEST_F(BookTest, an_error_that_names_another_worker_is_wrong) {
  value(run(kSecond));
  strike(kSecond, Blow::kKill);
  lost(begin(kFirst), kSecond.pid, kKilled);
  expect_wrong("names no fault");
}

TEST_F(BookTest, a_pid_that_was_given_to_another_process_explains_nothing) {
  value(run(kFirst));
  strike(kFirst, Blow::kKill);
  lost(begin(kFirstPidAgain), kFirstPidAgain.pid, kKilled);
  expect_wrong("names no fault");
}

TEST_F(BookTest, a_death_that_has_two_errors_is_wrong) {
  const Serial task = run(kFirst), other = book_.make_task(Deed::kWork);
  strike(kFirst, Blow::kKill);
  lost(task, kFirst.pid, kKilled);
  lost(other, kFirst.pid, kKilled);
  expect_wrong("names no fault");
}

TEST_F(BookTest, the_error_of_a_death_belongs_to_the_task_that_was_open) {
  begin(kFirst);
  strike(kFirst, Blow::kKill);
  lost(book_.make_task(Deed::kWork), kFirst.pid, kKilled);
  expect_wrong("names no fault");
}

TEST_F(BookTest, a_death_in_a_task_without_an_error_is_wrong) {
  const Serial task = begin(kFirst);
  strike(kFirst, Blow::kKill);
  limit(task, kSecond.pid, Cause::kRunLimit);
  gone(kFirst, kKilled);
  EXPECT_NE(book_.wrong().back().find("no error names that"), std::string::npos);
}

TEST_F(BookTest, an_error_that_denies_a_run_is_wrong) {
  const Serial task = begin(kFirst);
  strike(kFirst, Blow::kKill);
  lost(task, kFirst.pid, kKilled, false);
  expect_wrong("has not run, and it has");
}

TEST_F(BookTest, a_frozen_one_that_is_not_called_so_is_wrong) {
  const Serial task = begin(kFirst, Deed::kHang, Instant() + std::chrono::seconds(2));
  strike(kFirst, Blow::kFreeze);
  book_.seen_stopped(kFirst, Instant() + std::chrono::seconds(1));
  limit(task, kFirst.pid, Cause::kRunLimit);
  expect_wrong("not called so");
}

TEST_F(BookTest, a_frozen_one_that_was_killed_before_its_limit_may_be_called_either) {
  const Serial task = begin(kFirst, Deed::kHang, Instant() + std::chrono::seconds(2));
  strike(kFirst, Blow::kFreeze);
  book_.seen_stopped(kFirst, Instant() + std::chrono::seconds(1));
  strike(kFirst, Blow::kKill);
  limit(task, kFirst.pid, Cause::kRunLimit);
  gone(kFirst, kKilled);
  EXPECT_EQ(wrong(), "");
}

TEST_F(BookTest, one_that_was_never_frozen_and_is_called_so_is_wrong) {
  limit(begin(kFirst, Deed::kHang), kFirst.pid, Cause::kFrozen);
  expect_wrong("names no worker of its task");
}

TEST_F(BookTest, a_limit_of_a_task_that_has_none_is_wrong) {
  limit(begin(kFirst), kFirst.pid, Cause::kRunLimit);
  expect_wrong("where there was none");
}

TEST_F(BookTest, an_error_that_says_other_than_the_kernel_is_wrong) {
  const Serial task = begin(kFirst);
  strike(kFirst, Blow::kKill);
  lost(task, kFirst.pid, kKilled);
  gone(kFirst, kSegfault);
  expect_wrong("and the kernel");
}

TEST_F(BookTest, an_end_of_a_process_that_nothing_explains_is_wrong) {
  value(run(kFirst));
  gone(kFirst, kKilled);
  expect_wrong("by no fault");
}

TEST_F(BookTest, a_worker_that_outlives_the_pool_is_wrong) {
  value(run(kFirst));
  expect_wrong("outlives the pool");
}

TEST_F(BookTest, an_error_that_no_fault_can_cause_is_wrong) {
  book_.judge(run(kFirst), {.failure = {.kind = FailureKind::kProtocol}});
  expect_wrong("no fault can cause");
}

TEST_F(BookTest, a_signal_that_workers_ignore_explains_no_end) {
  value(run(kFirst));
  strike(kFirst, Blow::kInterrupt);
  gone(kFirst, Signaled{SIGINT, false});
  expect_wrong("by no fault");
}

TEST_F(BookTest, a_signal_that_a_task_has_made_deadly_explains_an_end) {
  const Serial task = begin(kFirst, Deed::kSignals);
  book_.read({Mark::kEnd, task, kFirst});
  value(task);
  strike(kFirst, Blow::kInterrupt);
  gone(kFirst, Signaled{SIGINT, false});
  EXPECT_EQ(wrong(), "");
}

TEST_F(BookTest, a_signal_to_the_group_ends_also_workers_that_have_begun_nothing) {
  value(run(kFirst));
  const Serial task = book_.make_task(Deed::kWork);
  book_.strike_all(Blow::kTerm, std::chrono::steady_clock::now());
  lost(task, 999, Signaled{SIGTERM, false}, false);
  gone(kFirst, Signaled{SIGTERM, false});
  EXPECT_EQ(wrong(), "");
}

TEST_F(BookTest, a_signal_to_the_group_explains_an_end_though_it_came_before_a_line_was_read) {
  book_.strike_all(Blow::kHangUp, std::chrono::steady_clock::now());
  const Serial task = begin(kFirst, Deed::kSignals);
  book_.read({Mark::kEnd, task, kFirst});
  value(task);
  gone(kFirst, Signaled{SIGHUP, false});
  EXPECT_EQ(wrong(), "");
}

TEST_F(BookTest, a_signal_to_the_group_long_before_the_first_line_explains_nothing) {
  book_.strike_all(Blow::kHangUp, std::chrono::steady_clock::now() - std::chrono::seconds(10));
  const Serial task = begin(kFirst, Deed::kSignals);
  book_.read({Mark::kEnd, task, kFirst});
  value(task);
  gone(kFirst, Signaled{SIGHUP, false});
  expect_wrong("by no fault");
}

TEST_F(BookTest, a_signal_to_the_group_long_ago_explains_nothing) {
  book_.strike_all(Blow::kTerm, Instant());
  lost(book_.make_task(Deed::kWork), 999, Signaled{SIGTERM, false}, false);
  expect_wrong("names no fault");
}

TEST_F(BookTest, a_pool_ends_for_want_of_workers_where_none_can_be_started) {
  book_.expect_no_spawns(std::chrono::steady_clock::now());
  book_.judge(book_.make_task(Deed::kWork), {.failure = {.kind = FailureKind::kSpawn}});
  EXPECT_EQ(wrong(), "");
}

TEST_F(BookTest, a_pool_that_ends_though_workers_can_be_started_is_wrong) {
  book_.judge(book_.make_task(Deed::kWork), {.failure = {.kind = FailureKind::kSpawn}});
  expect_wrong("a pool ends");
}

TEST_F(BookTest, a_task_that_has_begun_does_not_end_for_want_of_workers) {
  book_.expect_no_spawns(std::chrono::steady_clock::now());
  book_.judge(begin(kFirst), {.failure = {.kind = FailureKind::kSpawn}});
  expect_wrong("and it has begun");
}

TEST_F(BookTest, an_argument_for_which_there_is_no_memory_does_not_begin) {
  const auto refused = [&](Serial task) {
    book_.judge(task, {.failure = {.kind = FailureKind::kDecode,
                                   .type_name = "std::bad_alloc",
                                   .stage = Stage::kArgs,
                                   .started = true}});
  };
  refused(book_.make_task(Deed::kLarge));
  EXPECT_TRUE(book_.wrong().empty());
  refused(book_.make_task(Deed::kWork));
  expect_wrong("an argument was refused");
}

TEST_F(BookTest, a_task_that_closes_its_channel_has_no_value) {
  const Serial task = begin(kFirst, Deed::kCloses);
  book_.read({Mark::kEnd, task, kFirst});
  value(task);
  expect_wrong("a value, where none can be");
}

TEST_F(BookTest, a_task_that_changes_what_its_worker_is_has_a_value) {
  for (const Deed deed : {Deed::kDropsRights, Deed::kSignals, Deed::kLimits}) {
    const Serial task = begin(kFirst, deed);
    book_.read({Mark::kEnd, task, kFirst});
    value(task);
  }
  gone(kFirst, Exited{0});
  EXPECT_EQ(wrong(), "");
}

TEST(Line, is_read_as_it_was_written_and_nothing_else_is) {
  const Line line{Mark::kFault, 12, {345, 678}};
  EXPECT_EQ(parse_line(to_text(line)), line);
  for (const char* text : {"", "B", "B 1 2", "X 1 2 3", "B 1 2 3 4", "B  1 2 3", "B 1 2 3x"}) {
    EXPECT_FALSE(parse_line(text)) << text;
  }
}

}  // namespace
}  // namespace poolproof::fuzz::soak
