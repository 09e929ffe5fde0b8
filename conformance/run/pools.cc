#include "conformance/run/pools.h"

#include <toml++/toml.h>

#include <algorithm>
#include <string_view>

#include "scenarios/words.h"

namespace poolproof::conformance {
namespace {

std::string place(const std::filesystem::path& file, const toml::source_region& where) {
  return file.string() + ":" + std::to_string(where.begin.line) + ":" +
         std::to_string(where.begin.column) + ": ";
}

std::string filled(std::string text, const Places& places) {
  const std::pair<const char*, std::string> marks[] = {
      {"{python}", places.python}, {"{adapters}", places.adapters}, {"{bin}", places.bin}};
  for (const auto& [mark, value] : marks)
    for (std::size_t at = text.find(mark); at != std::string::npos;
         at = text.find(mark, at + value.size()))
      text.replace(at, std::string(mark).size(), value);
  return text;
}

std::string text_of(const toml::table& table, const char* key, const std::filesystem::path& file,
                    bool required) {
  const toml::node* node = table.get(key);
  if (node == nullptr && !required) return "";
  if (node == nullptr || !node->is_string())
    throw PoolsError(place(file, node != nullptr ? node->source() : table.source()) + "`" + key +
                     "` must be a string");
  return std::string(*node->value<std::string>());
}

// The argv of that name; empty if it is missing and not required.
std::vector<std::string> argv_of(const toml::table& table, const char* key, const char* what,
                                 const std::filesystem::path& file, const Places& places,
                                 bool required) {
  const toml::node* node = table.get(key);
  if (node == nullptr && !required) return {};
  const toml::array* words = node == nullptr ? nullptr : node->as_array();
  if (words == nullptr || words->empty() || !words->is_homogeneous<std::string>())
    throw PoolsError(place(file, node != nullptr ? node->source() : table.source()) + "`" + key +
                     "` must be a list of strings, " + what);
  std::vector<std::string> argv;
  for (const toml::node& word : *words) argv.push_back(filled(*word.value<std::string>(), places));
  return argv;
}

Pool pool_of(const std::string& name, const toml::table& table, const std::filesystem::path& file,
             const Places& places) {
  Pool pool;
  pool.name = name;
  pool.command = argv_of(table, "command", "the adapter's argv", file, places, true);
  pool.versions =
      argv_of(table, "versions", "the argv of what makes an environment with one version", file,
              places, false);
  pool.about = text_of(table, "about", file, true);
  pool.install = text_of(table, "install", file, false);
  if (const toml::table* defect = table["defect"].as_table())
    pool.defect =
        Defect{text_of(*defect, "scenario", file, true), text_of(*defect, "part", file, true),
               text_of(*defect, "status", file, true)};
  if (pool.broken() != pool.defect.has_value())
    throw PoolsError(place(file, table.source()) +
                     "`defect` belongs to broken/ pools, and every one of them has it");
  return pool;
}

}  // namespace

std::vector<Pool> load_pools(const std::filesystem::path& file, const Places& places) {
  std::vector<Pool> pools;
  toml::table table;
  try {
    table = toml::parse_file(file.string());
  } catch (const toml::parse_error& error) {
    throw PoolsError(place(file, error.source()) + std::string(error.description()));
  }
  for (const auto& [key, node] : table) {
    if (!node.is_table())
      throw PoolsError(place(file, node.source()) + "every entry must be a table: [name]");
    pools.push_back(pool_of(std::string(key.str()), *node.as_table(), file, places));
  }
  // The reference first, in both of its modes, broken pools last, the others by name: this is the
  // order in which people look for them.
  std::sort(pools.begin(), pools.end(), [](const Pool& a, const Pool& b) {
    const auto rank = [](const Pool& pool) {
      return pool.broken() ? 2 : pool.name.starts_with("reference") ? 0 : 1;
    };
    return std::make_pair(rank(a), a.name) < std::make_pair(rank(b), b.name);
  });
  return pools;
}

std::optional<std::string> nearest(const std::string& name, const std::vector<std::string>& names) {
  // A part of the name may be meant too: "segfault" for "death/segfault_in_task".
  if (name.size() >= 4)
    for (const std::string& candidate : names)
      if (candidate.find(name) != std::string::npos) return candidate;
  const std::vector<std::string_view> words(names.begin(), names.end());
  const std::string meant = scenarios::nearest(name, words);
  return meant.empty() ? std::nullopt : std::optional(meant);
}

}  // namespace poolproof::conformance
