#include "faults/call_strike.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>
#include <nlohmann/json.hpp>

namespace poolproof::faults {
namespace {

using nlohmann::json;

TEST(CallStrike, every_word_reads_back_as_itself) {
  for (const char* text : {"write:pipe#2 in after-1", "read:socket#1 in start",
                           "exit_group:-#1 in shutdown", "futex:-#12 in task-3"}) {
    const auto label = parse_call_label(text);
    ASSERT_TRUE(label) << text;
    EXPECT_EQ(to_string(*label), text);
  }
  for (const char* text : {"before", "after", "torn-byte", "torn-half", "torn-last"})
    EXPECT_EQ(to_string(parse_moment(text).value()), text);
  for (const char* text : {"signal:KILL", "signal:SEGV", "exit:0", "exit:255", "freeze",
                           "errno:EAGAIN", "errno:ENOSPC", "short"})
    EXPECT_EQ(to_string(parse_call_effect(text).value()), text);
}

TEST(CallStrike, a_place_is_a_call_or_a_symbol) {
  for (const char* text : {"write:pipe#1 in task-1", "symbol:ring_push"})
    EXPECT_EQ(to_string(parse_place(text).value()), text);
  for (const char* text : {"", "symbol:", "ring_push", "write:pipe"})
    EXPECT_FALSE(parse_place(text)) << text;
}

TEST(CallStrike, every_other_word_is_refused) {
  for (const char* text : {"", "write", "write:pipe", "write:pipe#2", "write:pipe#0 in start",
                           "write:pipe#02 in start", "write:#1 in start", ":pipe#1 in start",
                           "write:pipe#1 in task-0", "write:pipe#1 in later", "write#1 in start:x",
                           "wrote:pipe#1 in start", "write:pipe#1 in task-1 "})
    EXPECT_FALSE(parse_call_label(text)) << text;
  for (const char* text : {"", "torn", "Before"}) EXPECT_FALSE(parse_moment(text)) << text;
  for (const char* text : {"", "kill", "signal:", "signal:NONE", "exit:256", "exit:-1",
                           "errno:", "errno:ENOTHING", "errno:11", "freeze:1"})
    EXPECT_FALSE(parse_call_effect(text)) << text;
}

TEST(CallStrike, what_stands_in_the_place_of_a_call_only_comes_before_it) {
  CallStrike strike{{"adapter>fork"}, parse_call_label("write:pipe#1 in start").value(), {}, {}};
  strike.effect = {CallEffect::Kind::kExit, 3};
  EXPECT_EQ(why_impossible(strike), "");
  strike.moment = Moment::kAfter;
  EXPECT_NE(why_impossible(strike), "");
  strike.effect = {CallEffect::Kind::kSignal, SIGKILL};
  EXPECT_EQ(why_impossible(strike), "");
}

TEST(CallStrike, only_what_moves_bytes_out_can_be_torn) {
  CallStrike strike{{"adapter>fork"},
                    parse_call_label("read:pipe#1 in start").value(),
                    Moment::kTornHalf,
                    {CallEffect::Kind::kSignal, SIGKILL}};
  EXPECT_NE(why_impossible(strike), "");
  strike.at.call = "sendmsg";
  EXPECT_EQ(why_impossible(strike), "");
}

TEST(CallStrike, a_trace_survives_json) {
  Trace trace{{"read", "write"}, true};
  EXPECT_EQ(json(trace).get<Trace>(), trace);
  trace.parent_too = true;
  EXPECT_EQ(json(trace).get<Trace>(), trace);
  trace.strike = CallStrike{{"adapter>fork", "adapter>exec:node worker.js"},
                            parse_call_label("write:pipe#2 in after-1").value(),
                            Moment::kTornLast,
                            {CallEffect::Kind::kSignal, SIGSEGV}};
  EXPECT_EQ(json(trace).get<Trace>(), trace);
}

TEST(CallStrike, a_strike_at_a_store_survives_json_and_comes_alone) {
  Trace trace{{"write"},
              false,
              std::nullopt,
              StoreStrike{{"adapter>fork"},
                          parse_place("write:pipe#1 in task-1").value(),
                          parse_place("symbol:done").value(),
                          4,
                          {CallEffect::Kind::kSignal, SIGKILL}}};
  EXPECT_EQ(json(trace).get<Trace>(), trace);
  trace.tells_calls = true;
  EXPECT_THROW(json(trace).get<Trace>(), std::runtime_error);
  trace.tells_calls = false;
  trace.store->effect = {CallEffect::Kind::kErrno, EINTR};
  EXPECT_THROW(json(trace).get<Trace>(), std::runtime_error);
}

TEST(CallStrike, json_that_is_wrong_is_refused_by_the_name_of_its_key) {
  const json sound = Trace{{"read"},
                           false,
                           CallStrike{{"adapter>fork"},
                                      parse_call_label("read:pipe#1 in start").value(),
                                      Moment::kBefore,
                                      {CallEffect::Kind::kErrno, EINTR}}};
  const auto why = [](const json& in) -> std::string {
    try {
      in.get<Trace>();
      return "";
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  };
  EXPECT_EQ(why(sound), "");
  const auto with = [&](const char* at, const json& value) {
    json changed = sound;
    changed[json::json_pointer(at)] = value;
    return why(changed);
  };
  EXPECT_NE(with("/calls/0", "ioctl").find("`ioctl`"), std::string::npos);
  EXPECT_EQ(with("/strike/at", "read").rfind("at: ", 0), 0U);
  EXPECT_EQ(with("/strike/moment", 3).rfind("moment: ", 0), 0U);
  EXPECT_EQ(with("/strike/moment", "after").rfind("effect: ", 0), 0U);
  EXPECT_EQ(with("/strike/lineages", "adapter").rfind("lineages: ", 0), 0U);
}

}  // namespace
}  // namespace poolproof::faults
