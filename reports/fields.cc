#include "reports/fields.h"

#include <fmt/format.h>

namespace poolproof::reports {
namespace {

using nlohmann::json;

// JavaScript reads no higher integer exactly; and two of them can be added.
constexpr std::int64_t kHighest = (std::int64_t{1} << 53) - 1;

const json* find(const json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

}  // namespace

std::string text_at(const json& object, const char* key) {
  const json* found = find(object, key);
  return found != nullptr && found->is_string() ? found->get<std::string>() : "";
}

std::int64_t number_at(const json& object, const char* key, std::int64_t otherwise) {
  const json* found = find(object, key);
  if (found == nullptr || !found->is_number_integer()) return otherwise;
  const auto number = found->get<std::int64_t>();
  const bool wraps = found->is_number_unsigned() && number < 0;
  return !wraps && number >= -kHighest && number <= kHighest ? number : otherwise;
}

bool true_at(const json& object, const char* key) {
  const json* found = find(object, key);
  return found != nullptr && found->is_boolean() && found->get<bool>();
}

const json& object_at(const json& object, const char* key) {
  static const json kNone = json::object();
  const json* found = find(object, key);
  return found != nullptr && found->is_object() ? *found : kNone;
}

const json& list_at(const json& object, const char* key) {
  static const json kNone = json::array();
  const json* found = find(object, key);
  return found != nullptr && found->is_array() ? *found : kNone;
}

std::vector<std::string> texts_at(const json& object, const char* key) {
  std::vector<std::string> texts;
  for (const json& item : list_at(object, key))
    if (item.is_string()) texts.push_back(item.get<std::string>());
  return texts;
}

std::string shortened(const std::string& text, std::size_t most) {
  if (text.size() <= most) return text;
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return fmt::format("{} ... ({} more bytes)", text.substr(0, end), text.size() - end);
}

}  // namespace poolproof::reports
