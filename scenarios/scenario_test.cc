#include "scenarios/scenario.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "scenarios/broken_file.h"

namespace poolproof::scenarios {
namespace {

namespace fs = std::filesystem;

class Folder : public ::testing::Test {
 protected:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "scenarios-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp: " + pattern);
    path_ = pattern;
  }
  ~Folder() override { fs::remove_all(path_); }

  void put(const std::string& name, const std::string& text) {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
  }

  std::string complaint() {
    try {
      load_scenarios(path_);
    } catch (const ScenarioError& error) {
      return error.what();
    }
    return "no complaint";
  }

  fs::path path_;
};

TEST_F(Folder, is_loaded_whole_and_sorted_by_name) {
  put("parent/z.toml", kParentFile);
  put("death/b.toml", kGoodFile);
  put("death/a.toml", kGoodFile);
  put("death/README.md", "no scenario");
  const auto scenarios = load_scenarios(path_);
  ASSERT_EQ(scenarios.size(), 3u);
  EXPECT_EQ(scenarios[0].name, "death/a");
  EXPECT_EQ(scenarios[1].name, "death/b");
  EXPECT_EQ(scenarios[2].name, "parent/z");
}

TEST_F(Folder, with_a_malformed_file_names_that_file_and_the_place_in_it) {
  put("death/a.toml", kGoodFile);
  put("death/b.toml", "claim = 7\n");
  const std::string wanted = (path_ / "death/b.toml").string() + ":1:9: ";
  EXPECT_EQ(complaint().substr(0, wanted.size()), wanted);
}

TEST_F(Folder, with_a_file_that_cannot_be_read_says_so) {
  fs::create_directories(path_ / "death");
  fs::create_symlink("nowhere", path_ / "death/a.toml");
  EXPECT_NE(complaint().find("death/a.toml:1:1: cannot be read: No such file"), std::string::npos)
      << complaint();
}

TEST_F(Folder, that_is_not_there_says_so) {
  path_ /= "nowhere";
  EXPECT_NE(complaint().find("nowhere:1:1: the folder of scenarios cannot be read"),
            std::string::npos)
      << complaint();
}

TEST(Glob, matches_as_a_shell_does_but_for_the_slash) {
  for (const auto& [glob, name] : std::vector<std::pair<std::string, std::string>>{
           {"death/*", "death/x"},
           {"*", "death/x"},
           {"death/?", "death/x"},
           {"d*x", "death/x"},
           {"*/killed*ing", "death/killed_while_running"},
           {"death/x", "death/x"},
           {"**x", "x"},
           {"*a*b*", "xaxbx"},
           {"[dr]*/x", "death/x"},
           {"", ""},
           {"*", ""}})
    EXPECT_TRUE(matches(glob, name)) << glob << " " << name;
  for (const auto& [glob, name] :
       std::vector<std::pair<std::string, std::string>>{{"death/*", "deaths/x"},
                                                        {"death", "death/x"},
                                                        {"?", ""},
                                                        {"*y", "death/x"},
                                                        {"", "x"},
                                                        {"a*a", "a"},
                                                        {"x*", "death/x"}})
    EXPECT_FALSE(matches(glob, name)) << glob << " " << name;
}

TEST(Glob, with_many_stars_takes_no_time) {
  std::string glob;
  for (int i = 0; i < 30; ++i) glob += "*a";
  EXPECT_FALSE(matches(glob + "b", std::string(2000, 'a')));
}

TEST(Scenario, is_the_same_model_as_json) {
  const nlohmann::json json = parse_scenario(kGoodFile, "death/x", "x.toml");
  EXPECT_EQ(json, nlohmann::json::parse(R"({
    "name": "death/x", "claim": "A claim.", "see": ["measured: once"],
    "needs": ["worker_processes"], "workers": 2, "close": {"how": "drain", "when": "end"},
    "tasks": [
      {"role": "victim", "body": "rendezvous", "value": null, "count": 1},
      {"role": "bystander", "body": "echo", "value": 7, "count": 6}],
    "faults": [{"at": "running:victim", "do": "kill", "target": "worker", "nth": 1}],
    "expect": {
      "roles": [
        {"role": "victim", "within_ms": 3000,
         "outcome": {"if": {"replaces": ["worker-lost"], "breaks": ["worker-lost", "pool-broken"],
                            "recreate": ["worker-lost", "pool-broken"]}, "level": "must"},
         "cause": {"if": {"replaces": ["signal:KILL"], "breaks": ["signal:KILL"],
                          "recreate": ["signal:KILL"]}, "level": "should"},
         "certainty": null, "blame": null},
        {"role": "bystander", "within_ms": 5000,
         "outcome": {"if": {"replaces": ["value"], "breaks": ["value"], "recreate": ["value"]},
                     "level": "must"},
         "cause": null, "certainty": null, "blame": null}],
      "after": {"is": "usable", "level": "must"}, "leftovers": {"is": "none", "level": "must"},
      "closes_within_ms": 5000}})"));
}

}  // namespace
}  // namespace poolproof::scenarios
