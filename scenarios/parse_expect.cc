#include <algorithm>

#include "scenarios/parse.h"

namespace poolproof::scenarios {
namespace {

constexpr auto kAll = words::all<Recovery>();
constexpr int kWithin = 5000;  // ms, if the file does not say

// The allowed values of one key, and the words of its error messages.
struct Vocabulary {
  std::string_view noun;
  WordList words;
  bool is_cause = false;  // also exit:CODE and signal:NAME
};

struct Reading {
  Accepted accepted;
  Level level = Level::kMust;
};

std::string read_word(const Section& section, const toml::node& node, const Vocabulary& of) {
  const auto* text = node.as_string();
  if (of.is_cause && text != nullptr && is_cause(text->get())) return text->get();
  if (of.is_cause && text != nullptr) {
    const std::string head = text->get().substr(0, text->get().find(':'));
    if (head == "signal" || head == "exit")
      section.fail_at(node, "\"" + text->get() + "\" is not a cause",
                      "write it like \"signal:KILL\" (without SIG) or \"exit:0\" (0 to 255)");
  }
  return section.word(node, of.noun, of.words);
}

std::vector<std::string> read_words(const Section& section, std::string_view key,
                                    const Vocabulary& of) {
  std::vector<std::string> words;
  for (const toml::node* node : section.one_or_more(key)) {
    const std::string word = read_word(section, *node, of);
    if (std::find(words.begin(), words.end(), word) != words.end())
      section.fail_at(*node, "\"" + word + "\" stands twice in one list", "name it once");
    words.push_back(word);
  }
  return words;
}

void read_by_recovery(const Section& section, const Vocabulary& of, Accepted& accepted) {
  const Section by = section.section("if");
  by.allow_only(words::kRecoveries);
  by.need("replaces", "if.replaces = what a pool that replaces dead workers must tell");
  by.need("breaks", "if.breaks = what a pool that a death breaks must tell");
  accepted.of[Recovery::kReplaces] = read_words(by, "replaces", of);
  accepted.of[Recovery::kBreaks] = read_words(by, "breaks", of);
  accepted.of[Recovery::kRecreate] =
      by.has("recreate") ? read_words(by, "recreate", of) : accepted.of[Recovery::kBreaks];
}

Level read_level(const Section& section) {
  const toml::node* node = section.find("level");
  if (node == nullptr) return Level::kMust;
  const std::vector<std::string_view> heaviest_first(words::kLevels.rbegin(),
                                                     words::kLevels.rend());
  return *parse_level(section.word(*node, "level", heaviest_first));
}

// "x", ["x", "y"], { if.replaces = ..., if.breaks = ... } or { is = ..., level = ... }
Reading read_claim(const Section& role, std::string_view key, const Vocabulary& of) {
  Reading reading;
  const toml::node* node = role.find(key);
  if (!node->is_table()) {
    const auto words = read_words(role, key, of);
    for (const Recovery recovery : kAll) reading.accepted.of[recovery] = words;
    return reading;
  }
  const Section claim = role.section(key);
  claim.allow_only({"is", "if", "level"});
  reading.level = read_level(claim);
  if (claim.has("is") == claim.has("if"))
    claim.fail("`" + role.path_of(key) + "` must have one of `is` and `if`",
               "write { is = \"...\", level = \"should\" } or { if.replaces = \"...\", if.breaks = "
               "\"...\" }");
  if (claim.has("if")) {
    read_by_recovery(claim, of, reading.accepted);
    return reading;
  }
  const auto words = read_words(claim, "is", of);
  for (const Recovery recovery : kAll) reading.accepted.of[recovery] = words;
  return reading;
}

void read_outcome(const Section& section, RoleClaim& claim) {
  if (section.has("error") && section.has("outcome"))
    section.fail_at_key("error", "`error` and `outcome` are two names of one claim",
                        "keep `error` where no value will do, else `outcome`");
  const std::string key = section.has("error") ? "error" : "outcome";
  section.need(key, "outcome = \"value\", or error = \"worker-lost\": how the task may end");
  Reading reading = read_claim(section, key, {"kind of outcome", words::kKinds});
  for (const auto& [recovery, words] : reading.accepted.of)
    if (key == "error" &&
        contains(std::vector<std::string_view>(words.begin(), words.end()), "value"))
      section.fail_at_key("error", "\"value\" is no error",
                          "write `outcome` instead of `error`, or take \"value\" out");
  claim.outcome = std::move(reading.accepted);
  claim.outcome_level = reading.level;
}

bool can_fail(const RoleClaim& claim) {
  return std::any_of(kAll.begin(), kAll.end(), [&](Recovery recovery) {
    return claim.outcome->of.at(recovery) != std::vector<std::string>{"value"};
  });
}

void read_detail(const Section& section, std::string_view key, const Vocabulary& of,
                 const RoleClaim& claim, std::optional<Accepted>& accepted, Level& level) {
  if (!section.has(key)) return;
  if (!can_fail(claim))
    section.fail_at_key(key, "a value has no " + std::string(key),
                        "leave `" + std::string(key) + "` out, or accept an error as the outcome");
  Reading reading = read_claim(section, key, of);
  accepted = std::move(reading.accepted);
  level = reading.level;
}

RoleClaim read_role(const Section& section, const std::string& role, const Scenario& scenario) {
  constexpr std::string_view kBlamed[] = {"victim"};
  section.allow_only({"error", "outcome", "cause", "certainty", "blame", "within"});
  RoleClaim claim;
  claim.role = role;
  read_outcome(section, claim);
  read_detail(section, "cause", {"cause", words::kCauses, true}, claim, claim.cause,
              claim.cause_level);
  read_detail(section, "certainty", {"certainty", words::kCertainties}, claim, claim.certainty,
              claim.certainty_level);
  read_detail(section, "blame", {"party to blame", kBlamed}, claim, claim.blame, claim.blame_level);
  if (claim.blame && scenario.faults.empty())
    section.fail_at_key("blame", "no fault strikes here, so nobody is to blame",
                        "leave `blame` out, or add a fault");
  claim.within_ms = section.duration_ms("within", kWithin);
  return claim;
}

// `after = "usable"`, "any", or { is = ..., level = ... }; returns true if it is claimed.
bool read_whole(const Section& expect, std::string_view key, std::string_view claimed,
                Level& level) {
  const toml::node* node = expect.find(key);
  if (node == nullptr) return true;
  const std::string_view words[] = {claimed, "any"};
  if (!node->is_table()) return expect.word(*node, "claim here", words) == claimed;
  const Section claim = expect.section(key);
  claim.allow_only({"is", "level"});
  level = read_level(claim);
  const toml::node& is = claim.need("is", "is = \"" + std::string(claimed) + "\"");
  return claim.word(is, "claim here", words) == claimed;
}

void read_roles(const Section& expect, Scenario& scenario) {
  std::vector<std::string_view> roles;
  for (const TaskGroup& group : scenario.tasks) roles.push_back(group.role);
  std::vector<std::string_view> allowed = roles;
  for (const std::string_view key : {"after", "leftovers", "closes_within"}) allowed.push_back(key);
  for (const std::string& key : expect.keys_in_order()) {
    const bool about_all = contains(allowed, key) && !contains(roles, key);
    if (about_all) continue;
    const toml::node* node = expect.find(key);
    const std::string meant = nearest(key, node->is_table() ? WordList(roles) : WordList(allowed));
    if (!contains(roles, key))
      expect.fail_at_key(key,
                         node->is_table() ? "no task has the role \"" + key + "\""
                                          : "unknown key `expect." + key + "`",
                         meant.empty() ? "name one of " + listed(node->is_table() ? roles : allowed)
                                       : "write `" + meant + "`");
    if (strikes_parent(scenario))
      expect.fail_at_key(key,
                         "the fault ends the program that owns the pool, so no outcome is told",
                         "leave [expect." + key + "] out");
    scenario.roles.push_back(read_role(expect.section(key), key, scenario));
  }
}

void check_all_expected(const Section& expect, const Scenario& scenario) {
  if (strikes_parent(scenario)) return;
  for (const TaskGroup& group : scenario.tasks)
    if (std::none_of(scenario.roles.begin(), scenario.roles.end(),
                     [&](const RoleClaim& claim) { return claim.role == group.role; }))
      expect.fail("nothing is expected of task." + group.role,
                  "add [expect." + group.role + "]: every task has to end somehow");
}

}  // namespace

void parse_expectations(const Section& file, Scenario& scenario) {
  file.need("expect", "a section [expect.ROLE] for each role, and [expect]");
  const Section expect = file.section("expect");
  read_roles(expect, scenario);
  check_all_expected(expect, scenario);
  scenario.after_usable = read_whole(expect, "after", "usable", scenario.after_level);
  scenario.leftovers_none = read_whole(expect, "leftovers", "none", scenario.leftovers_level);
  scenario.closes_within_ms = expect.duration_ms("closes_within", kWithin);
  if (!strikes_parent(scenario)) return;
  if (scenario.after_usable && expect.has("after"))
    expect.fail_at_key("after", "the fault ends the program that owns the pool",
                       "leave `after` out: nobody is left to use the pool");
  if (expect.has("closes_within"))
    expect.fail_at_key("closes_within", "the fault ends the program that owns the pool",
                       "leave `closes_within` out: what is left must be gone within 1 s anyway");
  scenario.after_usable = false;
}

}  // namespace poolproof::scenarios
