#include "scenarios/parse.h"

#include <algorithm>

namespace poolproof::scenarios {
namespace {

void parse_head(const Section& file, Scenario& scenario) {
  scenario.claim = file.text(
      file.need("claim", "claim = \"...\": in one sentence, what a robust pool does"), "claim");
  file.need("see", "see = [\"...\"]: where this was seen (an issue, or \"measured: ...\")");
  for (const toml::node* node : file.one_or_more("see"))
    scenario.see.push_back(file.text(*node, "see"));
  for (const toml::node* node : file.one_or_more("needs")) {
    const std::string capability = file.word(*node, "capability", words::kCapabilities);
    const auto& known = scenario.needs;
    if (std::find(known.begin(), known.end(), capability) != known.end())
      file.fail_at(*node, "\"" + capability + "\" is needed twice", "name it once");
    scenario.needs.push_back(capability);
  }
  if (!file.has("pool")) return;
  const Section pool = file.section("pool");
  pool.allow_only({"workers"});
  scenario.workers = pool.number("workers", 1, 64, scenario.workers);
}

}  // namespace

bool strikes_parent(const Scenario& scenario) {
  return std::any_of(scenario.faults.begin(), scenario.faults.end(), faults::strikes_program);
}

void parse_close(const Section& file, Scenario& scenario) {
  const toml::node* node = file.find("close");
  if (node == nullptr) return;
  if (strikes_parent(scenario))
    file.fail_at_key("close", "the fault ends the program that owns the pool",
                     "leave `close` out: nobody is left to close the pool");
  if (!node->is_table()) {
    scenario.close = file.word(*node, "way to close", words::kClosings);
    return;
  }
  const Section close = file.section("close");
  close.allow_only({"how", "when"});
  scenario.close = close.word(close.need("how", "how = \"drain\", \"cancel\" or \"kill\""),
                              "way to close", words::kClosings);
  const toml::node* when = close.find("when");
  if (when == nullptr) return;
  constexpr std::string_view kMoments[] = {"end", "struck", "striking"};
  const std::string moment = close.word(*when, "moment to close", kMoments);
  if (moment == "struck") scenario.close_when = CloseWhen::kStruck;
  if (moment == "striking") scenario.close_when = CloseWhen::kStriking;
  const bool struck_later =
      std::any_of(scenario.faults.begin(), scenario.faults.end(),
                  [](const faults::Fault& fault) { return fault.point != faults::Point::kIdle; });
  if (scenario.close_when != CloseWhen::kEnd && !struck_later)
    close.fail_at(*when,
                  "no fault strikes a task here, so there is nothing to close at that moment",
                  "write when = \"end\", or add a fault at running:ROLE");
}

Scenario parse_scenario(const std::string& text, const std::string& name, const std::string& file) {
  toml::table table;
  try {
    table = toml::parse(text, file);
  } catch (const toml::parse_error& error) {
    complain(file, error.source().begin, "this is not TOML: " + std::string(error.description()),
             "fix the syntax (strings in quotes, one `key = value` on a line, each key once)");
  }
  const Section root(table, "", file);
  root.allow_only({"claim", "see", "needs", "pool", "task", "fault", "close", "expect"});
  Scenario scenario;
  scenario.name = name;
  parse_head(root, scenario);
  parse_tasks(root, scenario);
  parse_faults(root, scenario);
  parse_close(root, scenario);
  parse_expectations(root, scenario);
  return scenario;
}

}  // namespace poolproof::scenarios
