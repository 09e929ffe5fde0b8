// For the tests of the parser's error messages: a correct file, one change to it, and the expected
// message.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "scenarios/scenario.h"

namespace poolproof::scenarios {

// Fourteen lines and more, so that a test can check the line and column of each message.
inline const std::string kGoodFile = R"(claim = "A claim."
see = ["measured: once"]
needs = ["worker_processes"]
pool = { workers = 2 }
close = "drain"
task.victim = { body = "rendezvous", count = 1 }
task.bystander = { body = "echo", value = 7, count = 6 }
fault = [{ at = "running:victim", do = "kill" }]
[expect.victim]
error = { if.replaces = "worker-lost", if.breaks = ["worker-lost", "pool-broken"] }
within = "3s"
cause = { is = "signal:KILL", level = "should" }
[expect.bystander]
outcome = "value"
[expect]
after = "usable"
leftovers = "none"
)";

inline const std::string kParentFile = R"(claim = "A claim."
see = "measured: once"
task.victim = { body = "rendezvous" }
fault = [{ at = "running:victim", do = "kill", target = "parent" }]
[expect]
leftovers = "none"
)";

struct Change {
  std::string from;  // text that is in the file
  std::string to;
};

struct Breakage {
  std::vector<Change> changes;
  std::string place;  // "LINE:COLUMN"
  std::string what;   // all of it
  std::string fix;    // how it begins: long lists of words are left out
};

inline std::string complaint_about(const std::string& text) {
  try {
    parse_scenario(text, "death/x", "x.toml");
  } catch (const ScenarioError& error) {
    return error.what();
  }
  return "no complaint";
}

inline void expect_complaints(const std::string& good, const std::vector<Breakage>& breakages) {
  ASSERT_EQ(complaint_about(good), "no complaint");
  for (const Breakage& breakage : breakages) {
    std::string text = good;
    for (const Change& change : breakage.changes) {
      const auto at = text.find(change.from);
      ASSERT_NE(at, std::string::npos) << "the good file has no " << change.from;
      text.replace(at, change.from.size(), change.to);
    }
    const std::string wanted =
        "x.toml:" + breakage.place + ": " + breakage.what + "; " + breakage.fix;
    EXPECT_EQ(complaint_about(text).substr(0, wanted.size()), wanted);
  }
}

}  // namespace poolproof::scenarios
