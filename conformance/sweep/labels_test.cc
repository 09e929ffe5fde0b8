#include "conformance/sweep/labels.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "conformance/sweep/staged_recording.h"

namespace poolproof::conformance::sweep {
namespace {

const RecordedCall* find(const Recording& recording, const char* label) {
  const auto found =
      std::find_if(recording.calls.begin(), recording.calls.end(),
                   [&](const RecordedCall& call) { return to_string(call.label) == label; });
  return found == recording.calls.end() ? nullptr : &*found;
}

TEST(Labels, a_worker_is_what_runs_a_body_and_a_newborn_what_it_was_before_its_exec) {
  const Recording recording = learn({staged::run_of_a_spawning_pool()}, 1);
  EXPECT_EQ(recording.workers, std::vector<std::string>{"adapter>fork>exec:worker #"});
  EXPECT_EQ(recording.newborns, std::vector<std::string>{"adapter>fork"});
  EXPECT_EQ(recording.runs, 1);
}

TEST(Labels, the_line_of_a_body_may_come_before_that_of_the_exec) {
  auto run = staged::run_of_a_spawning_pool();
  const auto exec = std::find_if(run.begin(), run.end(), [](const Observation& line) {
    return line.kind == "born" && line.fields.at("lineage") == "adapter>fork>exec:worker #";
  });
  std::rotate(exec, exec + 1, run.end());  // it is the last line now
  const Recording recording = learn({run}, 1);
  EXPECT_EQ(recording.workers, std::vector<std::string>{"adapter>fork>exec:worker #"});
  EXPECT_EQ(recording.newborns, std::vector<std::string>{"adapter>fork"});
  EXPECT_NE(find(recording, "newborn execve:-#1 in start"), nullptr);
}

TEST(Labels, a_forked_worker_was_nothing_before) {
  const Recording recording = learn({staged::run_of_a_forking_pool()}, 1);
  EXPECT_EQ(recording.workers, std::vector<std::string>{"adapter>fork"});
  EXPECT_TRUE(recording.newborns.empty());
}

TEST(Labels, what_a_process_that_is_no_worker_does_is_not_recorded) {
  const Recording recording = learn({staged::run_of_a_spawning_pool()}, 1);
  EXPECT_EQ(find(recording, "worker write:pipe#9 in start"), nullptr) << "a tracker's";
  ASSERT_NE(find(recording, "newborn execve:-#1 in start"), nullptr);
  EXPECT_EQ(find(recording, "newborn execve:-#1 in start")->phase, Phase::kSpawn);
}

TEST(Labels, calls_of_several_workers_and_runs_are_one_and_counted_by_runs) {
  auto second = staged::run_of_a_forking_pool();
  staged::drop_calls(second, "write:pipe#2 in after-1");
  const Recording recording =
      learn({staged::run_of_a_forking_pool(), second, staged::run_of_a_forking_pool()}, 1);
  EXPECT_EQ(recording.runs, 3);
  ASSERT_NE(find(recording, "worker write:pipe#1 in after-1"), nullptr);
  EXPECT_EQ(find(recording, "worker write:pipe#1 in after-1")->runs, 3);
  EXPECT_EQ(find(recording, "worker write:pipe#2 in after-1")->runs, 2);
}

TEST(Labels, the_fewest_bytes_count_and_a_call_that_never_returned_is_known) {
  const Recording recording = learn({staged::run_of_a_forking_pool()}, 1);
  EXPECT_EQ(find(recording, "worker write:pipe#2 in after-1")->bytes, 200);
  EXPECT_TRUE(find(recording, "worker write:pipe#2 in after-1")->returns);
  EXPECT_FALSE(find(recording, "worker exit_group:-#1 in shutdown")->returns);
}

TEST(Labels, calls_stand_in_the_order_of_a_life) {
  const Recording recording = learn({staged::run_of_a_spawning_pool()}, 1);
  std::vector<std::string> order;
  for (const RecordedCall& call : recording.calls) order.push_back(to_string(call.label));
  EXPECT_EQ(order, (std::vector<std::string>{
                       "newborn execve:-#1 in start", "worker read:socket#1 in start",
                       "worker write:socket#1 in after-1", "worker exit_group:-#1 in shutdown"}));
}

TEST(Labels, what_a_worker_does_beyond_its_share_or_for_a_probe_is_left_out) {
  auto run = staged::run_of_a_forking_pool();
  staged::go_on(run, 21);
  const Recording one = learn({run}, 1);
  EXPECT_EQ(find(one, "worker read:pipe#1 in after-1"), nullptr) << "the fetch of a second task";
  EXPECT_EQ(find(one, "worker write:pipe#1 in after-2"), nullptr);
  const Recording two = learn({run}, 2);
  EXPECT_NE(find(two, "worker read:pipe#1 in after-1"), nullptr);
  EXPECT_NE(find(two, "worker write:pipe#1 in after-2"), nullptr);
  staged::probe_before_going_on(run);
  EXPECT_EQ(find(learn({run}, 2), "worker write:pipe#1 in after-2"), nullptr);
  EXPECT_NE(find(learn({run}, 2), "worker exit_group:-#1 in shutdown"), nullptr);
}

TEST(Labels, what_a_worker_does_between_its_last_task_and_its_exit_is_recorded_as_recycling) {
  const Recording recording = learn({staged::run_of_a_recycling_pool()}, 1);
  for (const char* label : {"worker close:pipe#1 in after-1", "worker exit_group:-#1 in after-1"}) {
    ASSERT_NE(find(recording, label), nullptr) << label;
    EXPECT_EQ(find(recording, label)->phase, Phase::kRecycle) << label;
  }
  EXPECT_EQ(find(recording, "worker write:pipe#1 in after-1")->phase, Phase::kSend);
  EXPECT_FALSE(find(recording, "worker exit_group:-#1 in after-1")->returns);
}

TEST(Labels, a_label_reads_back_and_is_a_workers_unless_it_says_so) {
  for (const char* text : {"worker write:pipe#2 in after-1", "newborn execve:-#1 in start"}) {
    ASSERT_TRUE(parse_label(text)) << text;
    EXPECT_EQ(to_string(*parse_label(text)), text);
  }
  EXPECT_EQ(parse_label("write:pipe#2 in after-1"), parse_label("worker write:pipe#2 in after-1"));
  for (const char* text : {"", "boss write:pipe#2 in after-1", "worker write", "worker"})
    EXPECT_EQ(parse_label(text), std::nullopt) << text;
}

}  // namespace
}  // namespace poolproof::conformance::sweep
