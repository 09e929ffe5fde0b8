// The step door: a small transport in shared memory (`push` of cage_test_body.cc) is struck at
// every store of a message. Its reader never sees a committed message that is incomplete.
#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "faults/cage/attempt_for_test.h"
#include "faults/call_strike.h"

namespace poolproof::faults {
namespace {

using nlohmann::json;

struct Stretch {
  const char* name;
  const char* from;
  const char* to;
};

class StepsTest : public testing::TestWithParam<Stretch> {
 protected:
  void begin(int nth, const CallEffect& effect) {
    attempt_.emplace(true, [&](CageOptions& options) {
      options.trace = Trace{calls_of_a_sweep(), false, std::nullopt,
                            StoreStrike{{"adapter>fork"},
                                        parse_place(GetParam().from).value(),
                                        parse_place(GetParam().to).value(),
                                        nth,
                                        effect}};
    });
    attempt_->ready();
    attempt_->ask("ring");
    attempt_->cage().mark("armed");
    attempt_->await("marked");
    attempt_->tell("push");
  }

  json end_of_the_worker() {
    const json born = attempt_->await(
        "born", [](const json& message) { return message.at("lineage") == "adapter>fork"; });
    return attempt_->await(
        "exit", [&](const json& message) { return message.at("pid") == born.at("pid"); });
  }

  std::optional<Attempt> attempt_;
};

INSTANTIATE_TEST_SUITE_P(
    Between, StepsTest,
    testing::Values(Stretch{"calls", "write:eventfd#1 in start", "write:eventfd#2 in start"},
                    Stretch{"symbols", "symbol:ring_push", "symbol:ring_pushed"}),
    [](const auto& stretch) { return std::string(stretch.param.name); });

TEST_P(StepsTest, a_death_after_each_store_leaves_what_was_stored_until_then) {
  const std::vector<std::string> after = {"1000 0", "1200 0", "1230 0", "1234 0", "1234 1"};
  for (std::size_t i = 0; i < after.size(); ++i) {
    begin(static_cast<int>(i) + 1, {CallEffect::Kind::kSignal, SIGKILL});
    const json struck = attempt_->await("store-struck");
    EXPECT_EQ(struck.at("nth"), static_cast<int>(i) + 1);
    EXPECT_EQ(end_of_the_worker().at("status").at("signal"), "KILL");
    EXPECT_EQ(attempt_->ask("look"), after[i]);
  }
}

TEST_P(StepsTest, a_store_that_does_not_come_strikes_nobody_and_all_are_counted) {
  begin(6, {CallEffect::Kind::kSignal, SIGKILL});
  EXPECT_EQ(attempt_->hear(), "pushed");
  EXPECT_EQ(end_of_the_worker().at("status"), json({{"code", 0}}));
  const json stepped = attempt_->await("stepped");
  EXPECT_EQ(stepped.at("stores"), 5) << "the one that changed nothing is none";
  EXPECT_GT(stepped.at("steps").get<int>(), 5);
  EXPECT_EQ(attempt_->ask("look"), "1234 1");
}

TEST_P(StepsTest, a_worker_frozen_at_a_store_stands_there) {
  begin(3, {CallEffect::Kind::kFreeze, 0});
  EXPECT_TRUE(attempt_->await("store-struck").at("seen").get<bool>());
  EXPECT_EQ(attempt_->ask("look"), "1230 0");
  EXPECT_EQ(attempt_->ask("look"), "1230 0");
}

}  // namespace
}  // namespace poolproof::faults
