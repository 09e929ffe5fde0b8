// One table of a scenario file, read strictly: an unknown key is an error, and so is a value of the
// wrong type. Every error is a ScenarioError that says file, line, column and how to fix it.
//
// Only the parser (parse*.cc) includes this file, because it includes toml++.
#pragma once

#include <toml++/toml.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scenarios/words.h"

namespace poolproof::scenarios {

// Throws "FILE:LINE:COLUMN: what is wrong; how to fix it".
[[noreturn]] void complain(const std::string& file, toml::source_position at,
                           const std::string& what, const std::string& fix);

// "an integer", "a table"
std::string type_of(const toml::node& node);

class Section {
 public:
  // `name` as people write it, "task.victim"; empty for the file itself. The table must live longer
  // than this object.
  Section(const toml::table& table, std::string name, std::string file);

  // Throws at the first key that is not one of these, and names the nearest one.
  void allow_only(WordList keys) const;
  void allow_only(std::initializer_list<std::string_view> keys) const;

  bool has(std::string_view key) const { return table_.contains(key); }
  const toml::node& need(std::string_view key, const std::string& example) const;  // or fails
  const toml::node* find(std::string_view key) const { return table_.get(key); }

  std::string text(const toml::node& node, std::string_view key) const;  // not empty
  std::string word(const toml::node& node, std::string_view noun, WordList words) const;
  int number(std::string_view key, int low, int high, int if_absent) const;
  int duration_ms(std::string_view key, int if_absent) const;              // "5s", "200ms"
  std::vector<const toml::node*> one_or_more(std::string_view key) const;  // a value or an array
  Section section(std::string_view key) const;                             // a table below this one
  std::vector<std::string> keys_in_order() const;   // in the order of the file
  std::string path_of(std::string_view key) const;  // "task.victim.body"

  [[noreturn]] void fail(const std::string& what, const std::string& fix) const;
  [[noreturn]] void fail_at(const toml::node& node, const std::string& what,
                            const std::string& fix) const;
  [[noreturn]] void fail_at_key(std::string_view key, const std::string& what,
                                const std::string& fix) const;

  const std::string& file() const { return file_; }

 private:
  const toml::table& table_;
  std::string name_;
  std::string file_;
};

}  // namespace poolproof::scenarios
