#include "scenarios/words.h"

#include <gtest/gtest.h>

namespace poolproof::scenarios {
namespace {

TEST(Words, know_a_cause_with_a_parameter_in_its_one_spelling) {
  for (const char* cause : {"exit:0", "exit:255", "signal:KILL", "signal:34", "oom-kill", "none"})
    EXPECT_TRUE(is_cause(cause)) << cause;
  for (const char* text : {"", "exit", "exit:", "exit:256", "exit:03", "signal:", "signal:SIGKILL",
                           "signal:9", "signal:kill", "kill", "signal"})
    EXPECT_FALSE(is_cause(text)) << text;
}

TEST(Words, suggest_the_nearest_and_only_what_is_near) {
  EXPECT_EQ(nearest("rendevous", words::kBodies), "rendezvous");
  EXPECT_EQ(nearest("ehco", words::kBodies), "echo");
  EXPECT_EQ(nearest("worker-processes", words::kCapabilities), "worker_processes");
  EXPECT_EQ(nearest("Worker-Lost", words::kKinds), "worker-lost");
  EXPECT_EQ(nearest("zebra", words::kBodies), "");
  EXPECT_EQ(nearest("", words::kBodies), "");
  EXPECT_EQ(nearest("x", {}), "");
  EXPECT_EQ(listed(words::kClosings), "drain, cancel, kill");
}

}  // namespace
}  // namespace poolproof::scenarios
