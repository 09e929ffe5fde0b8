#include "scenarios/toml_section.h"

#include <algorithm>
#include <charconv>

#include "scenarios/scenario.h"

namespace poolproof::scenarios {

using std::string_view;

void complain(const std::string& file, toml::source_position at, const std::string& what,
              const std::string& fix) {
  // A table without brackets (the file itself) has no position of its own.
  const auto line = std::max<toml::source_index>(at.line, 1);
  const auto column = std::max<toml::source_index>(at.column, 1);
  throw ScenarioError(file + ":" + std::to_string(line) + ":" + std::to_string(column) + ": " +
                      what + "; " + fix);
}

std::string type_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a floating-point number";
    case toml::node_type::boolean:
      return "a boolean";
    default:
      return "a date or time";
  }
}

Section::Section(const toml::table& table, std::string name, std::string file)
    : table_(table), name_(std::move(name)), file_(std::move(file)) {}

std::string Section::path_of(string_view key) const {
  return (name_.empty() ? "" : name_ + ".") + std::string(key);
}

void Section::fail(const std::string& what, const std::string& fix) const {
  complain(file_, table_.source().begin, what, fix);
}

void Section::fail_at(const toml::node& node, const std::string& what,
                      const std::string& fix) const {
  complain(file_, node.source().begin, what, fix);
}

void Section::fail_at_key(string_view key, const std::string& what, const std::string& fix) const {
  for (const auto& [candidate, node] : table_)
    if (candidate.str() == key) complain(file_, candidate.source().begin, what, fix);
  fail(what, fix);
}

void Section::allow_only(WordList keys) const {
  for (const std::string& key : keys_in_order()) {
    if (contains(keys, key)) continue;
    const std::string meant = nearest(key, keys);
    const std::string all = " (keys here: " + listed(keys) + ")";
    fail_at_key(key, "unknown key `" + path_of(key) + "`",
                meant.empty() ? "take it out" + all : "write `" + meant + "`" + all);
  }
}

void Section::allow_only(std::initializer_list<string_view> keys) const {
  allow_only(WordList(keys.begin(), keys.size()));
}

const toml::node& Section::need(string_view key, const std::string& example) const {
  if (const toml::node* node = find(key)) return *node;
  fail("`" + path_of(key) + "` is missing", "write " + example);
}

std::string Section::text(const toml::node& node, string_view key) const {
  const auto* text = node.as_string();
  if (text == nullptr)
    fail_at(node, "`" + path_of(key) + "` is " + type_of(node), "write a string, in quotes");
  if (text->get().find_first_not_of(" \t\n") == std::string::npos)
    fail_at(node, "`" + path_of(key) + "` is empty", "say something there");
  return text->get();
}

std::string Section::word(const toml::node& node, string_view noun, WordList words) const {
  const std::string all = listed(words);
  const auto* text = node.as_string();
  if (text == nullptr)
    fail_at(node, "a " + std::string(noun) + " must be a string, and this is " + type_of(node),
            "write one of " + all);
  if (contains(words, text->get())) return text->get();
  const std::string meant = nearest(text->get(), words);
  fail_at(node, "\"" + text->get() + "\" is not a " + std::string(noun),
          meant.empty() ? "write one of " + all : "write \"" + meant + "\" (all: " + all + ")");
}

int Section::number(string_view key, int low, int high, int if_absent) const {
  const toml::node* node = find(key);
  if (node == nullptr) return if_absent;
  const std::string range = std::to_string(low) + " to " + std::to_string(high);
  const auto* integer = node->as_integer();
  if (integer == nullptr)
    fail_at(*node, "`" + path_of(key) + "` is " + type_of(*node),
            "write an integer from " + range + ", without quotes");
  if (integer->get() < low || integer->get() > high)
    fail_at(*node, "`" + path_of(key) + "` is " + std::to_string(integer->get()),
            "write an integer from " + range);
  return static_cast<int>(integer->get());
}

int Section::duration_ms(string_view key, int if_absent) const {
  constexpr int kLongest = 600'000;
  const std::string fix = "write a number and its unit, like \"5s\" or \"200ms\", at most \"600s\"";
  const toml::node* node = find(key);
  if (node == nullptr) return if_absent;
  const auto* text = node->as_string();
  if (text == nullptr) fail_at(*node, "`" + path_of(key) + "` is " + type_of(*node), fix);
  const std::string& written = text->get();
  int number = 0;
  const auto [unit, error] =
      std::from_chars(written.data(), written.data() + written.size(), number);
  const string_view rest(unit, static_cast<std::size_t>(written.data() + written.size() - unit));
  const bool seconds = rest == "s";
  const bool fits = error == std::errc{} && number > 0 &&
                    number <= (seconds ? kLongest / 1000 : kLongest) && (seconds || rest == "ms");
  if (!fits) fail_at(*node, "\"" + written + "\" is no duration for `" + path_of(key) + "`", fix);
  return seconds ? number * 1000 : number;
}

std::vector<const toml::node*> Section::one_or_more(string_view key) const {
  const toml::node* node = find(key);
  if (node == nullptr) return {};
  const auto* array = node->as_array();
  if (array == nullptr) return {node};
  if (array->empty())
    fail_at(*node, "`" + path_of(key) + "` is an empty list", "name at least one");
  std::vector<const toml::node*> nodes;
  for (const toml::node& element : *array) nodes.push_back(&element);
  return nodes;
}

Section Section::section(string_view key) const {
  const toml::node* node = find(key);
  const auto* below = node == nullptr ? nullptr : node->as_table();
  if (below == nullptr)
    fail_at_key(key, "`" + path_of(key) + "` is " + (node ? type_of(*node) : "missing"),
                "write a table: { key = value, ... }, or a section [" + path_of(key) + "]");
  return Section(*below, path_of(key), file_);
}

std::vector<std::string> Section::keys_in_order() const {
  std::vector<std::pair<toml::source_position, std::string>> placed;
  for (const auto& [key, node] : table_) placed.emplace_back(key.source().begin, key.str());
  std::sort(placed.begin(), placed.end());
  std::vector<std::string> keys;
  for (auto& [at, key] : placed) keys.push_back(std::move(key));
  return keys;
}

}  // namespace poolproof::scenarios
