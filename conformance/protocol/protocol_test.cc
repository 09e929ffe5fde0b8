#include "conformance/protocol/protocol.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace poolproof::conformance {
namespace {

using nlohmann::json;

json hello() {
  return {
      {"event", "hello"},     {"protocol", 1},
      {"pool", "toy"},        {"version", "1.0"},
      {"language", "python"}, {"capabilities", {"worker_processes", "close_drain"}},
      {"recovers", "breaks"}, {"longest_wait", {{"seconds", 0.5}, {"source", "toy.py line 3"}}}};
}

json settled(json outcome) {
  return {{"event", "settled"}, {"id", "t1"}, {"outcome", std::move(outcome)}};
}

// The complaint must name the field, because an adapter's author reads nothing else.
void expect_complaint(const json& message, const std::string& about) {
  const auto wrong = complaint_about(message);
  ASSERT_TRUE(wrong.has_value()) << message;
  EXPECT_NE(wrong->find(about), std::string::npos) << *wrong;
}

TEST(Protocol, every_event_of_the_page_is_valid) {
  EXPECT_EQ(complaint_about(hello()), std::nullopt);
  EXPECT_EQ(complaint_about({{"event", "opened"}}), std::nullopt);
  EXPECT_EQ(complaint_about({{"event", "resized"}}), std::nullopt);
  EXPECT_EQ(complaint_about({{"event", "closed"}}), std::nullopt);
  EXPECT_EQ(complaint_about({{"event", "refused"}, {"cmd", "resize"}, {"why", "cannot"}}),
            std::nullopt);
  EXPECT_EQ(complaint_about(settled({{"kind", "value"}, {"value", nullptr}})), std::nullopt);
  EXPECT_EQ(complaint_about(settled({{"kind", "worker-lost"},
                                     {"cause", "signal:KILL"},
                                     {"intent", "unplanned"},
                                     {"certainty", "ran"},
                                     {"scope", "task"},
                                     {"blame", {{"pid", 7}, {"worker", 0}, {"task", "t1"}}},
                                     {"native", {{"type", "E"}, {"text", "x"}}}})),
            std::nullopt);
}

TEST(Protocol, unknown_fields_are_ignored) {
  json message = hello();
  message["colour"] = "blue";
  EXPECT_EQ(complaint_about(message), std::nullopt);
}

TEST(Protocol, each_fault_of_a_hello_is_named) {
  const auto with = [](const char* key, json value) {
    json message = hello();
    message[key] = std::move(value);
    return message;
  };
  const auto without = [](const char* key) {
    json message = hello();
    message.erase(key);
    return message;
  };
  expect_complaint(with("protocol", 2), "protocol");
  expect_complaint(without("protocol"), "protocol");
  expect_complaint(without("pool"), "pool");
  expect_complaint(with("version", 3), "version");
  expect_complaint(with("recovers", "sometimes"), "recovers");
  expect_complaint(with("capabilities", {"flying"}), "flying");
  expect_complaint(with("capabilities", "close_drain"), "capabilities");
  expect_complaint(with("longest_wait", 5), "longest_wait");
  expect_complaint(with("longest_wait", {{"seconds", -1}, {"source", "x"}}), "longest_wait");
  expect_complaint(with("longest_wait", {{"seconds", 1e308}, {"source", "x"}}), "from 0 to 60");
  expect_complaint(with("longest_wait", {{"seconds", 1}}), "source");
}

TEST(Protocol, each_fault_of_an_outcome_is_named) {
  expect_complaint(settled({{"kind", "exploded"}}), "kind");
  expect_complaint(settled({{"kind", "value"}}), "value");
  expect_complaint(settled({{"kind", "worker-lost"}, {"cause", "signal:"}}), "cause");
  expect_complaint(settled({{"kind", "worker-lost"}, {"cause", "exit:x"}}), "cause");
  expect_complaint(settled({{"kind", "worker-lost"}, {"cause", 9}}), "cause");
  expect_complaint(settled({{"kind", "worker-lost"}, {"certainty", "perhaps"}}), "certainty");
  expect_complaint(settled({{"kind", "worker-lost"}, {"blame", {{"pid", "7"}}}}), "blame.pid");
  expect_complaint(settled({{"kind", "worker-lost"}, {"native", "text"}}), "native");
  expect_complaint(settled({{"kind", "worker-lost"}, {"native", {{"type", "E"}, {"text", 5}}}}),
                   "text");
  expect_complaint({{"event", "settled"}, {"outcome", {{"kind", "cancelled"}}}}, "id");
  expect_complaint({{"event", "settled"}, {"id", "t1"}}, "outcome");
  expect_complaint({{"event", "finished"}}, "finished");
  expect_complaint({{"cmd", "open"}}, "event");
  expect_complaint(json::array(), "object");
}

TEST(Protocol, a_text_is_read_as_a_message_or_says_why_it_is_none) {
  json message;
  EXPECT_EQ(read_message("{\"event\": \"opened\"}", message), std::nullopt);
  EXPECT_EQ(message, json::parse("{\"event\": \"opened\"}"));
  EXPECT_EQ(read_message("opened", message), "no JSON object on one line");
  EXPECT_TRUE(message.is_null());
  EXPECT_EQ(read_message(std::string(65, '['), message), "a message nests deeper than 64 levels");
  EXPECT_EQ(read_message(std::string(65'537, ' '), message),
            "a message is longer than 65,536 bytes");
  EXPECT_EQ(read_message("[]", message), "a message must be a JSON object");
  EXPECT_EQ(message, json::array()) << "what could be read";
}

TEST(Protocol, facts_of_a_hello_without_longest_wait_assume_five_seconds_and_say_so) {
  json message = hello();
  message.erase("longest_wait");
  const auto facts = facts_of(message);
  EXPECT_EQ(facts.longest_wait_s, 5);
  EXPECT_NE(facts.longest_wait_source.find("5 s"), std::string::npos);
  EXPECT_EQ(facts.recovers, scenarios::Recovery::kBreaks);
}

TEST(Protocol, a_submit_tells_the_body_its_addresses_and_never_the_role) {
  const scenarios::PlannedTask task{"t3", "victim", "carry", "[1,2]", "decode-args", 250};
  const json command = submit_command(task, nullptr, {"/run/ledger", "/run/meet"});
  EXPECT_EQ(command,
            json::parse(R"({"cmd": "submit", "id": "t3", "body": "carry", "deadline_ms": 250,
      "args": {"value": [1, 2], "stage": "decode-args", "ledger": "/run/ledger", "rendezvous": "/run/meet"}})"));
  EXPECT_EQ(command.dump().find("victim"), std::string::npos);
}

TEST(Protocol, an_open_asks_only_for_what_the_plan_opens_with) {
  const Addresses at{"/run/ledger", "/run/meet"};
  EXPECT_EQ(open_command(2, {}, at), json::parse(R"({"cmd": "open", "workers": 2})"));
  EXPECT_EQ(open_command(3, {1, true}, at),
            json::parse(R"({"cmd": "open", "workers": 3, "tasks_per_worker": 1,
      "initializer": {"ledger": "/run/ledger"}})"));
  EXPECT_EQ(resize_command(1), json::parse(R"({"cmd": "resize", "workers": 1})"));
}

}  // namespace
}  // namespace poolproof::conformance
