#include "conformance/cli/explain.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "conformance/cli/advice.h"
#include "conformance/cli/choose.h"
#include "conformance/cli/watch.h"
#include "reports/script.h"
#include "reports/text.h"
#include "scenarios/words.h"

namespace poolproof::cli {
namespace {

using nlohmann::json;
using scenarios::Claim;
using scenarios::Plan;
using scenarios::Recovery;
using scenarios::Scenario;

constexpr auto kRecoveries = words::all<Recovery>();

std::string_view meaning_of(const std::string& capability) {
  const auto& known = words::kCapabilities;
  const auto at = std::find(known.begin(), known.end(), capability) - known.begin();
  return words::kCapabilitiesMean.at(static_cast<std::size_t>(at));
}

scenarios::PoolFacts able_pool(Recovery recovers) {
  scenarios::PoolFacts facts;
  for (const std::string_view capability : words::kCapabilities)
    facts.capabilities.emplace_back(capability);
  facts.recovers = recovers;
  return facts;
}

// The comment at the beginning of the file: why the claim is useful.
std::string why_of(const Common& common, const std::string& scenario) {
  std::ifstream file(common.scenarios / (scenario + ".toml"));
  std::string why;
  for (std::string line; std::getline(file, line) && !line.empty() && line[0] == '#';) {
    const std::size_t text = line.find_first_not_of("# ");
    if (text != std::string::npos) why += (why.empty() ? "" : " ") + line.substr(text);
  }
  return why;
}

// One part of what is expected: its level, and the words that are accepted from each kind of pool.
json part_of(const std::string& name, const std::map<Recovery, Claim>& claims) {
  json part = {{"part", name}, {"accepted", json::object()}};
  for (const auto& [recovery, claim] : claims) {
    if (claim.one_of.empty()) continue;
    part["level"] = scenarios::to_string(claim.level);
    part["accepted"][scenarios::to_string(recovery)] = claim.one_of;
  }
  return part;
}

json expectation_of(const std::map<Recovery, Plan>& plans) {
  json parts = json::array();
  const auto add = [&](const std::string& name, const auto& claim_of) {
    std::map<Recovery, Claim> claims;
    for (const auto& [recovery, plan] : plans) claims[recovery] = claim_of(plan.expect);
    json part = part_of(name, claims);
    if (!part["accepted"].empty()) parts.push_back(std::move(part));
  };
  const auto& roles = plans.at(Recovery::kReplaces).expect.roles;
  for (std::size_t i = 0; i < roles.size(); ++i) {
    const std::string role = roles[i].role + ".";
    add(role + "outcome", [i](const auto& expect) { return expect.roles[i].outcome; });
    if (!parts.empty() && parts.back()["part"] == role + "outcome")
      parts.back()["within_ms"] = roles[i].within_ms;
    add(role + "cause", [i](const auto& expect) { return expect.roles[i].cause; });
    add(role + "certainty", [i](const auto& expect) { return expect.roles[i].certainty; });
    add(role + "blame", [i](const auto& expect) { return expect.roles[i].blame; });
  }
  add("after", [](const auto& expect) { return expect.after; });
  add("leftovers", [](const auto& expect) { return expect.leftovers; });
  return parts;
}

json explained(const Common& common, const Scenario& scenario) {
  std::map<Recovery, Plan> plans;
  for (const Recovery recovery : kRecoveries)
    plans[recovery] = scenarios::make_plan(scenario, able_pool(recovery));
  json needs = json::array();
  for (const std::string& capability : scenarios::missing_capabilities(scenario, {}))
    needs.push_back({{"capability", capability}, {"meaning", meaning_of(capability)}});
  return {{"name", scenario.name},
          {"claim", scenario.claim},
          {"why", why_of(common, scenario.name)},
          {"see", scenario.see},
          {"needs", needs},
          {"steps", reports::script_of(plans.at(Recovery::kReplaces))},
          {"expect", expectation_of(plans)},
          {"closes_within_ms", scenario.closes_within_ms},
          {"advice", advice_for(scenario)}};
}

std::string one_of(const json& words) {
  std::string text;
  for (const json& word : words)
    text += (text.empty() ? "" : " or ") + word.get_ref<const std::string&>();
  return text;
}

// "worker-lost", or the differences between pools that recover in different ways.
std::vector<std::string> accepted_lines(const json& accepted) {
  std::vector<std::string> lines;
  std::vector<std::pair<std::string, std::string>> by_words;  // accepted words, pools
  for (const Recovery recovery : kRecoveries) {
    const std::string pool = scenarios::to_string(recovery);
    if (!accepted.contains(pool)) continue;
    const std::string words = one_of(accepted[pool]);
    const auto same = std::find_if(by_words.begin(), by_words.end(),
                                   [&](const auto& entry) { return entry.first == words; });
    if (same == by_words.end()) {
      by_words.emplace_back(words, pool);
    } else {
      same->second += ", " + pool;
    }
  }
  for (const auto& [words, pools] : by_words)
    lines.push_back(by_words.size() == 1 && accepted.size() == std::size(kRecoveries)
                        ? words
                        : words + "  (a pool that " + pools + ")");
  return lines;
}

class Printer {
 public:
  explicit Printer(const reports::Look& look) : columns_(std::clamp(look.columns, 40, 100)) {}

  void heading(const std::string& text) { std::cout << "\n" << text << "\n"; }

  void item(const std::string& mark, const std::string& text) {
    std::string lead = "  " + mark + (mark.empty() ? "" : " ");
    for (const std::string& line :
         reports::wrapped(text, columns_ - static_cast<int>(lead.size()))) {
      std::cout << lead << line << "\n";
      lead.assign(lead.size(), ' ');
    }
  }

 private:
  int columns_;
};

void print_expectation(Printer& printer, const json& all) {
  printer.heading("What is expected");
  for (const json& part : all["expect"]) {
    std::string head = part["part"].get<std::string>() + " (" + part["level"].get<std::string>();
    if (part.contains("within_ms"))
      head += ", within " + std::to_string(part["within_ms"].get<int>()) + " ms";
    head += "): ";
    const auto lines = accepted_lines(part["accepted"]);
    if (lines.size() == 1) {
      printer.item("-", head + lines.front());
      continue;
    }
    printer.item("-", head);
    for (const std::string& line : lines) printer.item("   ", line);
  }
  printer.item("-", "closes, and ends, within " +
                        std::to_string(all["closes_within_ms"].get<int>()) + " ms (must)");
  printer.item("-", "no task runs twice, and nothing that is said of a death is untrue (must)");
}

void print(const json& all, const reports::Look& look) {
  Printer printer(look);
  std::cout << all["name"].get<std::string>() << "\n";
  printer.item("", all["claim"]);
  if (!all["why"].get_ref<const std::string&>().empty()) {
    printer.heading("Why");
    printer.item("", all["why"]);
  }
  printer.heading("Where it was seen");
  for (const json& see : all["see"]) printer.item("-", see);
  printer.heading("What it asks of a pool (one that lacks it is not judged: declined)");
  for (const json& need : all["needs"])
    printer.item("-",
                 need["capability"].get<std::string>() + ": " + need["meaning"].get<std::string>());
  printer.heading("What is done");
  int number = 0;
  for (const json& step : all["steps"]) printer.item(std::to_string(++number) + ".", step);
  print_expectation(printer, all);
  printer.heading("How a pool can meet it");
  for (const json& sentence : all["advice"]) printer.item("-", sentence);
  printer.heading("Try it");
  printer.item("", "poolproof check reference --scenario " + all["name"].get<std::string>());
}

}  // namespace

int explain(const Common& common, const std::string& name) {
  const auto found = chosen_scenarios(common, {name});
  if (found.empty())
    throw UsageError("no scenario matches `" + name + "`; `poolproof scenarios` lists them");
  if (common.json) {
    json all = json::array();
    for (const Scenario& scenario : found) all.push_back(explained(common, scenario));
    print_json(all);
    return 0;
  }
  const reports::Look look = look_of(STDOUT_FILENO, common);
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (i > 0) std::cout << "\n";
    print(explained(common, found[i]), look);
  }
  return 0;
}

}  // namespace poolproof::cli
