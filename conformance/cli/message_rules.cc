#include "conformance/cli/message_rules.h"

#include <nlohmann/json.hpp>
#include <set>

namespace poolproof::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kNativeCharacters = 2000;
constexpr std::size_t kWhyCharacters = 2000;
constexpr std::size_t kIdCharacters = 64;
constexpr std::size_t kStringCharacters = 4096;  // for longer ones the length is reported

std::size_t characters(const std::string& text) {
  std::size_t count = 0;
  for (const char byte : text) count += (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
  return count;
}

std::string text_at(const json& object, const char* key) {
  const auto field = object.find(key);
  return field != object.end() && field->is_string() ? field->get<std::string>() : "";
}

std::optional<Complaint> about_hello(const json& hello) {
  for (const char* key : {"pool", "version", "language"})
    if (text_at(hello, key).empty())
      return Complaint{"`" + std::string(key) + "` of `hello` is empty",
                       "say what the pool is, as people know it"};
  std::set<std::string> seen;
  for (const json& capability : hello.at("capabilities"))
    if (!seen.insert(capability.get<std::string>()).second)
      return Complaint{"`capabilities` names " + capability.dump() + " twice", "name each once"};
  if (hello.contains("longest_wait") && text_at(hello["longest_wait"], "source").empty())
    return Complaint{"`longest_wait.source` is empty",
                     "say where the wait is written (file, or documentation)"};
  return std::nullopt;
}

std::optional<Complaint> about_blame(const json& blame) {
  if (blame.contains("pid") && blame["pid"] < 1)
    return Complaint{"`blame.pid` is " + blame["pid"].dump(),
                     "leave out what the pool does not tell"};
  if (blame.contains("worker") && blame["worker"] < 0)
    return Complaint{"`blame.worker` is " + blame["worker"].dump(), "workers are counted from 0"};
  return std::nullopt;
}

std::optional<Complaint> about_outcome(const json& outcome) {
  const bool value = outcome.at("kind") == "value";
  if (!value && outcome.contains("value"))
    return Complaint{"an outcome of kind " + outcome["kind"].dump() + " has a `value`",
                     "only an outcome of kind \"value\" has one"};
  if (value && outcome["value"].is_string() &&
      characters(outcome["value"].get<std::string>()) > kStringCharacters)
    return Complaint{"a `value` is a string of more than 4,096 characters",
                     "tell such a string as {\"length\": N}"};
  if (outcome.contains("blame"))
    if (auto wrong = about_blame(outcome["blame"])) return wrong;
  if (!outcome.contains("native")) return std::nullopt;
  if (text_at(outcome["native"], "type").empty())
    return Complaint{"`native.type` is empty", "name the type of the pool's own error"};
  if (characters(text_at(outcome["native"], "text")) > kNativeCharacters)
    return Complaint{"`native.text` has more than 2,000 characters", "cut it to 2,000"};
  return std::nullopt;
}

}  // namespace

std::optional<Complaint> complaint_about_text(const std::string& text) {
  const std::size_t newline = text.find('\n');
  if (newline == std::string::npos)
    return Complaint{"a message does not end with a newline: `" + text.substr(0, 200) + "`",
                     "write one JSON object and \\n, in one write"};
  if (newline + 1 != text.size())
    return Complaint{"a message has more than one line: `" + text.substr(0, 200) + "`",
                     "write each JSON object by a write of its own"};
  return std::nullopt;
}

std::optional<Complaint> strict_complaint_about(const json& message) {
  const std::string event = text_at(message, "event");
  if (event == "hello") return about_hello(message);
  if (event == "settled") {
    const std::size_t length = characters(text_at(message, "id"));
    if (length == 0 || length > kIdCharacters)
      return Complaint{"`id` of `settled` has " + std::to_string(length) + " characters",
                       "give back the id of the `submit`, as it came"};
    return about_outcome(message.at("outcome"));
  }
  if (event == "refused") {
    const std::size_t length = characters(text_at(message, "why"));
    if (length == 0 || length > kWhyCharacters)
      return Complaint{"`why` of `refused` has " + std::to_string(length) + " characters",
                       "say why, in 1 to 2,000 characters"};
  }
  return std::nullopt;
}

}  // namespace poolproof::cli
