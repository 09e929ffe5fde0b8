#include "conformance/run/versions.h"

#include <cctype>
#include <cstring>
#include <nlohmann/json.hpp>
#include <vector>

#include "faults/program.h"

namespace poolproof::conformance {
namespace {

using nlohmann::json;

constexpr std::size_t kLongestVersion = 64;  // characters
constexpr std::size_t kShown = 200;          // characters shown of an invalid answer

bool is_argv(const json& value) {
  if (!value.is_array() || value.empty()) return false;
  for (const json& word : value)
    if (!word.is_string()) return false;
  return true;
}

}  // namespace

VersionedName split_version(const std::string& text) {
  const std::size_t at = text.find('@');
  if (at == std::string::npos) return {text, {}};
  return {text.substr(0, at), text.substr(at + 1)};
}

bool is_version(const std::string& text) {
  if (text.empty() || text.size() > kLongestVersion) return false;
  if (std::isalnum(static_cast<unsigned char>(text.front())) == 0) return false;
  for (const char letter : text)
    if (std::isalnum(static_cast<unsigned char>(letter)) == 0 &&
        std::strchr("._+-!", letter) == nullptr)
      return false;
  return true;
}

Pool in_version(const Pool& pool, const std::string& version) {
  Pool one = pool;
  one.name = pool.name + "@" + version;
  one.command.clear();
  one.install.clear();  // it says how to get the installed version, not this one
  std::vector<std::string> argv = pool.versions;
  argv.push_back(version);
  const faults::RunOutcome made = faults::run_program(argv);
  const std::string who =
      "the program that makes versions of `" + pool.name + "` (" + argv[0] + ") ";
  if (!made.problem.empty()) {
    one.error = who + made.problem;
    return one;
  }
  const json answer = json::parse(made.output, nullptr, false);
  if (answer.is_object() && answer.contains("unavailable") && answer["unavailable"].is_string()) {
    one.unavailable = answer["unavailable"];
  } else if (answer.is_object() && answer.contains("command") && is_argv(answer["command"])) {
    one.command = answer["command"].get<std::vector<std::string>>();
  } else {
    one.error = who + "printed neither {\"command\": [...]} nor {\"unavailable\": \"...\"} but `" +
                made.output.substr(0, kShown) + "`";
  }
  return one;
}

}  // namespace poolproof::conformance
