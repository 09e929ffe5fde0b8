#include "fuzz/inputs/record_change.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <utility>
#include <vector>

#include "conformance/record/nesting.h"

namespace poolproof::fuzz {
namespace {

using nlohmann::json;
using Lines = std::vector<std::string>;
using Choice = std::minstd_rand;

// What no part of a record expects, or what only some parts do.
const std::vector<json>& strange_values() {
  static const std::vector<json> kValues = {
      nullptr,
      true,
      false,
      0,
      1,
      -1,
      21,
      2'147'483'648,
      INT64_MAX,
      INT64_MIN,
      UINT64_MAX,
      0.5,
      -1e300,
      "",
      "x",
      "t5",
      "victim",
      "value",
      "done",
      "stuck",
      "hung",
      "KILL",
      "pool-broken",
      "a/b:c@d",
      "</script><!--",
      "]]>&<\"'",
      "\x01\x7f\n\t\xC2\x9B\xE2\x80\xAE\xEF\xBF\xBF",
      json::array(),
      json::object(),
      json::array({1, "x", nullptr}),
      json::array({json::object({{"pid", 21}})}),
      json::object({{"pid", 21}, {"kind", "value"}, {"\xE2\x80\xAE", 1}})};
  return kValues;
}

std::size_t below(Choice& choice, std::size_t count) { return choice() % count; }

// A value anywhere in the object, with what it is in; the object itself is not chosen.
struct Spot {
  json* holder;
  json::iterator at;
};

Spot spot_in(json& object, Choice& choice) {
  json* holder = &object;
  for (;;) {
    const auto at =
        std::next(holder->begin(), static_cast<std::ptrdiff_t>(below(choice, holder->size())));
    if (!at->is_structured() || at->empty() || below(choice, 4) == 0) return {holder, at};
    holder = &*at;
  }
}

json object_of(const std::string& line) {
  if (conformance::nests_too_deep(line, conformance::kDeepestLine - 8)) return nullptr;
  json object = json::parse(line, nullptr, false);
  return object.is_object() && !object.empty() ? object : json();
}

void change_value(Lines& lines, std::string& line, Choice& choice) {
  json object = object_of(line);
  if (object.is_null()) return;
  const Spot spot = spot_in(object, choice);
  const std::size_t how = below(choice, 8);
  if (how == 0) {
    spot.holder->erase(spot.at);
  } else if (how == 1 && spot.at->is_number_integer()) {
    const auto number = spot.at->get<std::int64_t>();
    *spot.at = number < INT64_MAX ? number + 1 : 0;
  } else if (how <= 3) {
    json other = object_of(lines[below(choice, lines.size())]);
    if (!other.is_null()) *spot.at = *spot_in(other, choice).at;
  } else if (how == 4 && spot.holder->is_object()) {
    (*spot.holder)[spot.at.key() + "\x02<"] = json(*spot.at);
  } else {
    *spot.at = strange_values()[below(choice, strange_values().size())];
  }
  line = object.dump();
}

Lines lines_of(std::string_view text) {
  Lines lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

}  // namespace

std::string changed(std::string_view text, std::uint32_t seed) {
  Choice choice(seed);
  Lines lines = lines_of(text);
  if (lines.empty()) return std::string(text);
  const auto at = lines.begin() + static_cast<std::ptrdiff_t>(below(choice, lines.size()));
  const auto other = lines.begin() + static_cast<std::ptrdiff_t>(below(choice, lines.size()));
  switch (below(choice, 8)) {
    case 0:
      lines.erase(at);
      break;
    case 1:
      lines.insert(at, std::string(*other));
      break;
    case 2:
      std::swap(*at, *other);
      break;
    default:
      change_value(lines, *at, choice);
  }
  std::string joined;
  for (const std::string& line : lines) joined += line + "\n";
  return joined;
}

}  // namespace poolproof::fuzz
