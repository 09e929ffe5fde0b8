#include "executor/os/worker_start.h"

#include <charconv>
#include <cstring>
#include <string_view>

namespace poolproof::os {
namespace {

// The one list of the words: `visit(key, field)`. The name is last, because it may contain
// anything.
template <class Start, class Visit>
void each_field(Start& start, Visit visit) {
  visit("parent", start.parent);
  visit("index", start.index);
  visit("max_payload", start.max_payload);
  visit("memory_limit", start.memory_limit);
  visit("memory_interval_ms", start.memory_interval_ms);
  visit("initializer", start.has_initializer);
  visit("waits", start.waits);
  visit("depth", start.depth);
  visit("share", start.share);
  visit("leaves_terminal", start.leaves_terminal);
  visit("cap_effective", start.capabilities.effective);
  visit("cap_permitted", start.capabilities.permitted);
  visit("cap_inheritable", start.capabilities.inheritable);
  visit("cap_bounding", start.capabilities.bounding);
  visit("no_new_privileges", start.capabilities.no_new_privileges);
  visit("name", start.name);
}

bool parse(std::string_view text, const char*& value) {
  value = text.data();  // a whole word of argv, so it ends with a zero byte
  return true;
}

template <class T>
bool parse(std::string_view text, T& value) {
  const auto [stop, error] = std::from_chars(text.begin(), text.end(), value);
  return error == std::errc() && stop == text.end();
}

std::string to_text(const char* value) { return value; }
template <class T>
std::string to_text(T value) {
  return std::to_string(value);
}

}  // namespace

std::vector<std::string> to_words(const WorkerStart& start) {
  std::vector<std::string> words;
  each_field(start, [&](const char* key, const auto& value) {
    words.push_back(std::string(key) + "=" + to_text(value));
  });
  return words;
}

std::optional<WorkerStart> parse_words(int argc, char** argv) {
  WorkerStart start;
  int next = 1;
  bool fits = true;
  each_field(start, [&](std::string_view key, auto& value) {
    if (!fits) return;
    const std::string_view word = next < argc ? argv[next++] : "";
    fits = word.size() > key.size() && word.substr(0, key.size()) == key &&
           word[key.size()] == '=' && parse(word.substr(key.size() + 1), value);
  });
  if (!fits || next != argc) return std::nullopt;
  return start;
}

}  // namespace poolproof::os
