// The end of programs that have executors: exit_program.cc.
#include <gtest/gtest.h>

#include <string>

#include "executor/tests/meeting.h"
#include "executor/tests/program.h"

namespace poolproof {
namespace {

using namespace testing_support;

void expect_output(const std::string& what, const std::string& expected) {
  Meeting meeting;
  Program program(EXIT_PROGRAM, {what, meeting.folder()});
  EXPECT_EQ(program.output(), expected);
  EXPECT_EQ(program.status(), 0);
}

constexpr char kInTurn[] =
    "gate goes\n"
    "before sees 0\n"
    "before sees 1\n"
    "before sees 2\n"
    "before goes\n";

TEST(Exit, runs_what_a_static_executor_was_given_in_its_turn_among_static_objects) {
  expect_output("static", kInTurn);
}

TEST(Exit, runs_what_the_reusable_executor_was_given_in_the_turn_of_its_first_call) {
  expect_output("reusable", kInTurn);
}

TEST(Exit, of_the_reusable_executor_does_not_keep_static_objects_from_asking_for_it) {
  expect_output("late", "early 4\nlate 5\n");
}

TEST(Exit, may_be_called_in_a_callback) { expect_output("callback", "the callback exits\n"); }

TEST(Exit, may_be_called_in_the_sink_of_a_trace) { expect_output("sink", "the sink exits\n"); }

TEST(Exit, may_be_called_in_the_sink_of_a_trace_while_the_executor_shuts_down) {
  expect_output("last-piece", "the sink exits\n");
}

TEST(Exit, may_be_called_on_any_thread) { expect_output("thread", ""); }

TEST(Exit, of_pools_within_pools_is_clean) { expect_output("nested", "nested 2\n"); }

TEST(Exit, is_not_held_up_by_a_hung_task_if_the_options_say_so) {
  Meeting meeting;
  Program program(EXIT_PROGRAM, {"hung", meeting.folder()});
  EXPECT_EQ(program.output(), "");
  EXPECT_EQ(program.status(), 0);
}

}  // namespace
}  // namespace poolproof
