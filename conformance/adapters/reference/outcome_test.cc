#include "conformance/adapters/reference/outcome.h"

#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "conformance/adapters/cpp/line.h"
#include "conformance/adapters/cpp/serve.h"

namespace poolproof::adapter {
namespace {

using nlohmann::json;

constexpr TaskId kTask = 5;

json told(const Failure& failure) {
  try {
    throw_failure(failure);
  } catch (...) {
    return outcome_of(std::current_exception(), "t1", kTask);
  }
}

Failure failure_of(FailureKind kind, Stage stage = Stage::kArgs) {
  Failure failure;
  failure.kind = kind;
  failure.task = kTask;
  failure.stage = stage;
  return failure;
}

Failure lost(const ExitStatus& exit, Cause cause = Cause::kSelf) {
  Failure failure = failure_of(FailureKind::kWorkerLost);
  failure.started = true;
  failure.worker = {1, 321};
  failure.exit = exit;
  failure.cause = cause;
  return failure;
}

TEST(Outcome, every_failure_of_the_executor_has_a_word) {
  const auto last = static_cast<int>(FailureKind::kSupervisorLost);
  for (int kind = 0; kind <= last; ++kind) {
    for (const Stage stage : {Stage::kArgs, Stage::kResult}) {
      const json outcome = told(failure_of(static_cast<FailureKind>(kind), stage));
      EXPECT_NE(outcome.at("kind"), "unmapped") << kind;
    }
  }
}

TEST(Outcome, the_stage_of_a_codec_error_is_in_its_kind) {
  EXPECT_EQ(told(failure_of(FailureKind::kEncode, Stage::kArgs))["kind"], "encode-args");
  EXPECT_EQ(told(failure_of(FailureKind::kEncode, Stage::kResult))["kind"], "encode-result");
  EXPECT_EQ(told(failure_of(FailureKind::kDecode, Stage::kArgs))["kind"], "decode-args");
  EXPECT_EQ(told(failure_of(FailureKind::kDecode, Stage::kResult))["kind"], "decode-result");
}

TEST(Outcome, a_lost_worker_is_blamed_with_the_cause_that_the_kernel_recorded) {
  const json outcome = told(lost(Signaled{SIGSEGV, true}));
  EXPECT_EQ(outcome["kind"], "worker-lost");
  EXPECT_EQ(outcome["cause"], "signal:SEGV");
  EXPECT_EQ(outcome["intent"], "unplanned");
  EXPECT_EQ(outcome["scope"], "worker");
  EXPECT_EQ(outcome["certainty"], "unknown");
  EXPECT_EQ(outcome["blame"], (json{{"pid", 321}, {"worker", 1}, {"task", "t1"}}));
  EXPECT_EQ(outcome["native"]["type"], "TerminatedWorkerError");

  EXPECT_EQ(told(lost(Exited{0}))["cause"], "exit:0");
  EXPECT_EQ(told(lost(Unseen{}))["cause"], "unknown");
  EXPECT_EQ(told(lost(Signaled{SIGKILL}, Cause::kChannelLost))["cause"], "channel-lost");
  EXPECT_EQ(told(lost(Signaled{SIGKILL}, Cause::kFrozen))["cause"], "frozen");
}

TEST(Outcome, another_task_that_the_executor_blames_is_told_as_it_told_it) {
  Failure failure = lost(Exited{1});
  failure.task = kTask + 1;
  EXPECT_EQ(told(failure)["blame"]["task"], "#6");
}

TEST(Outcome, a_deadline_that_struck_a_queued_task_blames_nobody) {
  const json outcome = told(failure_of(FailureKind::kDeadline));
  EXPECT_EQ(outcome["cause"], "deadline");
  EXPECT_EQ(outcome["certainty"], "not-started");
  EXPECT_FALSE(outcome.contains("blame"));
  EXPECT_FALSE(outcome.contains("intent"));
}

TEST(Outcome, what_a_task_threw_keeps_its_own_type_and_text) {
  Failure failure = failure_of(FailureKind::kTask);
  failure.text = "no such key";
  failure.type_name = "std::out_of_range";
  failure.started = true;
  failure.worker = {0, 321};
  const json outcome = told(failure);
  EXPECT_EQ(outcome["native"], (json{{"type", "std::out_of_range"}, {"text", "no such key"}}));
  EXPECT_EQ(outcome["certainty"], "ran");
  EXPECT_FALSE(outcome.contains("cause")) << "its worker lives on";
}

TEST(Outcome, what_is_no_error_of_the_executor_is_unmapped_and_keeps_its_type) {
  const json outcome =
      outcome_of(std::make_exception_ptr(std::length_error("too long")), "t1", kTask);
  EXPECT_EQ(outcome, (json{{"kind", "unmapped"},
                           {"native", {{"type", "std::length_error"}, {"text", "too long"}}}}));
}

TEST(Native, the_text_is_cut_to_2000_characters_and_never_inside_one) {
  std::string umlauts;
  for (int i = 0; i < 2001; ++i) umlauts += "\u00fc";
  EXPECT_EQ(native("T", umlauts)["text"], umlauts.substr(0, 4000));
  EXPECT_EQ(native("T", "short")["text"], "short");
}

TEST(Native, text_that_is_no_utf8_is_mended_on_its_way_out) {
  const std::string text = text_of(native("T", std::string(100'000, '\x80') + "\xff"));
  EXPECT_LT(text.size(), Line::kMessageBytes);
  EXPECT_NE(text.find("\ufffd"), std::string::npos);
  EXPECT_TRUE(json::accept(text));
}

}  // namespace
}  // namespace poolproof::adapter
