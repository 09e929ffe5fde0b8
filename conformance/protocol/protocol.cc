#include "conformance/protocol/protocol.h"

#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "conformance/record/nesting.h"
#include "scenarios/words.h"

namespace poolproof::conformance {
namespace {

using nlohmann::json;
using scenarios::contains;
using scenarios::is_cause;
using scenarios::listed;
using scenarios::WordList;
using std::string_view;

// If a pool may be silent for longer than this, an attempt cannot distinguish it from a pool that
// hangs.
constexpr double kLongestWait_s = 60;

// A string field: it must exist if `required`, and be one of `words` unless that list is empty.
std::optional<std::string> word_complaint(const json& object, const char* key, WordList words,
                                          bool required) {
  const auto field = object.find(key);
  if (field == object.end()) {
    if (!required) return std::nullopt;
    return "`" + std::string(key) + "` is missing";
  }
  if (!field->is_string()) return "`" + std::string(key) + "` must be a string";
  if (words.empty() || contains(words, field->get_ref<const std::string&>())) return std::nullopt;
  return "`" + std::string(key) + "` is \"" + field->get<std::string>() + "\"; it must be one of " +
         listed(words);
}

constexpr WordList kAnyText;

std::optional<std::string> hello_complaint(const json& hello) {
  const auto protocol = hello.find("protocol");
  if (protocol == hello.end() || *protocol != kProtocolVersion)
    return "`protocol` must be " + std::to_string(kProtocolVersion);
  for (const char* key : {"pool", "version", "language"})
    if (auto wrong = word_complaint(hello, key, kAnyText, true)) return wrong;
  if (auto wrong = word_complaint(hello, "recovers", words::kRecoveries, true)) return wrong;
  const auto capabilities = hello.find("capabilities");
  if (capabilities == hello.end() || !capabilities->is_array())
    return "`capabilities` must be a list of strings";
  for (const json& capability : *capabilities) {
    if (!capability.is_string() ||
        !contains(words::kCapabilities, capability.get_ref<const std::string&>()))
      return "`capabilities` holds " +
             capability.dump(-1, ' ', false, json::error_handler_t::replace) + "; it may hold " +
             listed(words::kCapabilities);
  }
  const auto longest = hello.find("longest_wait");
  if (longest == hello.end()) return std::nullopt;
  const bool number =
      longest->is_object() && longest->contains("seconds") && longest->at("seconds").is_number();
  const double seconds = number ? longest->at("seconds").get<double>() : -1;
  const bool sound = seconds >= 0 && seconds <= kLongestWait_s;
  if (!sound)
    return "`longest_wait` must be an object with a number `seconds` from 0 to 60 and a `source`";
  return word_complaint(*longest, "source", kAnyText, true);
}

std::optional<std::string> blame_complaint(const json& blame) {
  if (!blame.is_object()) return "`blame` must be an object";
  for (const char* key : {"pid", "worker"}) {
    const auto number = blame.find(key);
    if (number != blame.end() && !number->is_number_integer())
      return "`blame." + std::string(key) + "` must be an integer";
  }
  return word_complaint(blame, "task", kAnyText, false);
}

std::optional<std::string> outcome_complaint(const json& outcome) {
  if (!outcome.is_object()) return "`outcome` must be an object";
  if (auto wrong = word_complaint(outcome, "kind", words::kKinds, true)) return wrong;
  if (outcome["kind"] == "value" && !outcome.contains("value"))
    return "`value` is missing in an outcome of kind value";
  if (auto wrong = word_complaint(outcome, "cause", kAnyText, false)) return wrong;
  if (outcome.contains("cause") && !is_cause(outcome["cause"].get_ref<const std::string&>()))
    return "`cause` is \"" + outcome["cause"].get<std::string>() + "\"; it must be one of " +
           listed(words::kCauses);
  if (auto wrong = word_complaint(outcome, "intent", words::kIntents, false)) return wrong;
  if (auto wrong = word_complaint(outcome, "certainty", words::kCertainties, false)) return wrong;
  if (auto wrong = word_complaint(outcome, "scope", words::kScopes, false)) return wrong;
  if (outcome.contains("blame"))
    if (auto wrong = blame_complaint(outcome["blame"])) return wrong;
  const auto native = outcome.find("native");
  if (native == outcome.end()) return std::nullopt;
  if (!native->is_object()) return "`native` must be an object with `type` and `text`";
  if (auto wrong = word_complaint(*native, "type", kAnyText, true)) return wrong;
  return word_complaint(*native, "text", kAnyText, true);
}

}  // namespace

std::optional<std::string> complaint_about(const json& message) {
  if (!message.is_object()) return "a message must be a JSON object";
  if (auto wrong = word_complaint(message, "event", kAnyText, true)) return wrong;
  const auto& event = message["event"].get_ref<const std::string&>();
  if (event == "hello") return hello_complaint(message);
  if (event == "opened" || event == "resized" || event == "closed") return std::nullopt;
  if (event == "settled") {
    if (auto wrong = word_complaint(message, "id", kAnyText, true)) return wrong;
    if (!message.contains("outcome")) return "`outcome` is missing";
    return outcome_complaint(message["outcome"]);
  }
  if (event == "refused") {
    if (auto wrong = word_complaint(message, "cmd", kAnyText, true)) return wrong;
    return word_complaint(message, "why", kAnyText, true);
  }
  return "unknown event \"" + event +
         "\"; it must be hello, opened, settled, resized, closed or refused";
}

std::optional<std::string> read_message(string_view text, json& message) {
  message = nullptr;
  if (text.size() > kLongestMessage) return "a message is longer than 65,536 bytes";
  if (nests_too_deep(text, kDeepestMessage))
    return "a message nests deeper than " + std::to_string(kDeepestMessage) + " levels";
  message = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!message.is_discarded()) return complaint_about(message);
  message = nullptr;
  return "no JSON object on one line";
}

scenarios::PoolFacts facts_of(const json& hello) {
  scenarios::PoolFacts facts;
  facts.pool = hello.at("pool");
  facts.version = hello.at("version");
  facts.capabilities = hello.at("capabilities").get<std::vector<std::string>>();
  facts.recovers = scenarios::parse_recovery(hello.at("recovers").get<std::string>()).value();
  if (hello.contains("longest_wait")) {
    facts.longest_wait_s = hello["longest_wait"].at("seconds");
    facts.longest_wait_source = hello["longest_wait"].at("source");
  } else {
    facts.longest_wait_source = "the adapter says nothing: 5 s assumed";
  }
  return facts;
}

json open_command(int workers, const scenarios::Opening& opening, const Addresses& at) {
  json command = {{"cmd", "open"}, {"workers", workers}};
  if (opening.tasks_per_worker) command["tasks_per_worker"] = *opening.tasks_per_worker;
  if (opening.initializer) command["initializer"] = {{"ledger", at.ledger}};
  return command;
}

json resize_command(int workers) { return {{"cmd", "resize"}, {"workers", workers}}; }

json submit_command(const scenarios::PlannedTask& task, const scenarios::PlannedTask* follower,
                    const Addresses& at) {
  const auto args_of = [&](const scenarios::PlannedTask& planned) {
    json args = {{"ledger", at.ledger}, {"rendezvous", at.rendezvous}};
    if (planned.bytes != 0)
      args["bytes"] = planned.bytes;
    else
      args["value"] = json::parse(planned.value_json);
    if (!planned.stage.empty()) args["stage"] = planned.stage;
    return args;
  };
  json command = {{"cmd", "submit"}, {"id", task.id}, {"body", task.body}, {"args", args_of(task)}};
  if (task.deadline_ms) command["deadline_ms"] = *task.deadline_ms;
  if (task.meets_when_done) command["on_done"] = {{"do", "meet"}};
  if (follower != nullptr)
    command["on_done"] = {{"do", "submit"},
                          {"id", follower->id},
                          {"body", follower->body},
                          {"args", args_of(*follower)}};
  return command;
}

json cancel_command(const std::string& id) { return {{"cmd", "cancel"}, {"id", id}}; }

json close_command(const std::string& how) { return {{"cmd", "close"}, {"how", how}}; }

json bye_command() { return {{"cmd", "bye"}}; }

}  // namespace poolproof::conformance
