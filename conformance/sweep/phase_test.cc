// Phases derived from the order of calls. The lives are those of real workers, shortened.
#include "conformance/sweep/phase.h"

#include <gtest/gtest.h>

namespace poolproof::conformance::sweep {
namespace {

std::string phases(const std::vector<const char*>& labels) {
  std::vector<faults::CallLabel> calls;
  for (const char* label : labels) calls.push_back(faults::parse_call_label(label).value());
  std::string text;
  for (const Phase phase : phases_of(calls)) text += (text.empty() ? "" : " ") + to_string(phase);
  return text;
}

TEST(Phase, a_worker_of_a_queue_inits_fetches_in_two_reads_decodes_and_runs) {
  EXPECT_EQ(phases({"close:pipe#1 in start", "futex:memory#1 in start", "read:pipe#1 in start",
                    "read:pipe#2 in start", "futex:memory#2 in start", "write:pipe#1 in task-1"}),
            "init idle fetch fetch decode run");
}

TEST(Phase, after_a_body_comes_its_result_and_then_the_next_task) {
  EXPECT_EQ(
      phases({"futex:memory#1 in after-1", "write:pipe#1 in after-1", "write:pipe#2 in after-1",
              "futex:memory#2 in after-1", "read:pipe#1 in after-1", "close:pipe#1 in after-1",
              "write:pipe#1 in after-2"}),
      "encode send send idle fetch decode send");
}

TEST(Phase, a_claim_that_is_written_once_the_task_is_read_is_no_result) {
  EXPECT_EQ(
      phases({"poll:-#1 in start", "recvmsg:socket#1 in start", "sendmsg:socket#1 in start",
              "sendmsg:socket#1 in after-1", "poll:-#1 in after-1", "recvmsg:socket#1 in after-1",
              "sendmsg:socket#2 in after-1", "sendmsg:socket#1 in after-2"}),
      "idle fetch decode send idle fetch decode send");
}

TEST(Phase, where_no_task_follows_a_read_only_waits) {
  EXPECT_EQ(phases({"sendmsg:socket#1 in after-1", "read:socket#1 in after-1",
                    "read:socket#1 in shutdown", "exit_group:-#1 in shutdown"}),
            "send idle shutdown shutdown");
}

TEST(Phase, a_worker_that_never_had_a_task_inits_and_waits) {
  EXPECT_EQ(phases({"close:socket#1 in start", "read:socket#1 in start"}), "init idle");
}

TEST(Phase, tasks_that_come_by_memory_are_decoded_after_the_last_wait) {
  EXPECT_EQ(
      phases({"futex:memory#1 in start", "close:memory#1 in start", "futex:memory#1 in after-1"}),
      "idle decode encode");
}

TEST(Phase, a_worker_that_ends_though_the_pool_goes_on_recycles_once_its_result_is_sent) {
  EXPECT_EQ(
      phases({"read:pipe#1 in start", "futex:memory#1 in after-1", "write:pipe#1 in after-1",
              "futex:memory#2 in after-1", "close:pipe#1 in after-1", "exit_group:-#1 in after-1"}),
      "fetch encode send recycle recycle recycle");
  EXPECT_EQ(phases({"write:pipe#1 in after-1", "futex:memory#2 in after-1",
                    "close:pipe#1 in after-1", "exit_group:-#1 in shutdown"}),
            "send idle idle shutdown")
      << "told to close, it was no more than idle";
}

TEST(Phase, a_worker_that_ends_without_a_task_recycles_from_its_last_wait_on) {
  EXPECT_EQ(phases({"close:pipe#1 in start", "read:pipe#1 in start", "close:pipe#2 in start",
                    "exit_group:-#1 in start"}),
            "init idle recycle recycle");
}

TEST(Phase, no_call_has_no_phase) { EXPECT_EQ(phases({}), ""); }

TEST(Phase, every_word_reads_back) {
  EXPECT_EQ(all_phases().size(), 10U);
  for (const Phase phase : all_phases()) EXPECT_EQ(parse_phase(to_string(phase)), phase);
  EXPECT_EQ(parse_phase("lunch"), std::nullopt);
}

}  // namespace
}  // namespace poolproof::conformance::sweep
