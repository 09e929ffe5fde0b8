#include "reports/html.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "reports/staged_cells.h"
#include "reports/staged_record.h"

namespace poolproof::reports {
namespace {

using nlohmann::json;
using staged::hung_record;

constexpr const char* kOpen = R"(<script type="application/json" id="data">)";

std::string data_block(const std::string& page) {
  const std::size_t from = page.find(kOpen) + std::string(kOpen).size();
  return page.substr(from, page.find("</script>", from) - from);
}

TEST(Html, the_page_loads_nothing_and_is_whole) {
  const std::string page = html({hung_record()}, {});
  for (const char* loads : {"src=\"", "@import", "url(", "http-equiv=\"refresh\""})
    EXPECT_EQ(page.find(loads), std::string::npos) << loads;
  EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
  for (const char* mark : {"/*STYLE*/", "/*SCRIPT*/", "/*DATA*/"})
    EXPECT_EQ(page.find(mark), std::string::npos) << mark;
  EXPECT_NE(page.find("function render()"), std::string::npos);
  EXPECT_NE(page.find(".matrix"), std::string::npos);
}

TEST(Html, its_data_are_read_back_as_they_went_in) {
  const json data = json::parse(data_block(html({hung_record()}, {})));
  EXPECT_EQ(data, page_data({hung_record()}, {}));
  EXPECT_EQ(data["records"][0]["kernel"], "6.1.0");
  EXPECT_EQ(data["pools"][0]["version"], "3.11.2");
  EXPECT_EQ(data["scenarios"][0]["claim"],
            "A task whose worker is killed ends with an error that says so.");
  const json& cell = data["cells"][0];
  EXPECT_EQ(cell["status"], "hang-quiet");
  EXPECT_EQ(cell["script"].size(), 9u);
  EXPECT_EQ(cell["promises"]["after"], "usable");
  EXPECT_EQ(
      cell["replay"],
      "poolproof check multiprocessing_pool --scenario death/killed_while_running --repeat 3");
  EXPECT_EQ(cell["attempts"].size(), 3u);
  EXPECT_EQ(cell["attempts"][0]["story"]["processes"].size(), 3u);
}

TEST(Html, nothing_that_a_pool_says_can_end_the_data_or_hide_in_it) {
  Judged judged = hung_record();
  const std::string attack = "</script><!--<script>/*STYLE*/\x1b[2J\xff\xe2\x80\xae";
  judged.cells[0].why = judged.cells[0].attempts[0].evidence[0] = attack;
  judged.cells[0].scenario = attack;
  for (auto& line : judged.observations) {
    if (line.kind == "stderr") line.fields["head"] = attack;
    if (line.kind == "pool") line.fields["facts"]["version"] = attack;
  }
  const std::string page = html({judged}, {});
  const std::string block = data_block(page);
  EXPECT_EQ(block.find('<'), std::string::npos);
  EXPECT_EQ(block.find('\x1b'), std::string::npos);
  const json data = json::parse(block);
  EXPECT_EQ(data["cells"][0]["why"], "</script><!--<script>/*STYLE*/\\x1b[2J\\xff\\u{202e}");
  EXPECT_EQ(data["pools"][0]["version"], data["cells"][0]["why"]);
}

TEST(Html, the_worst_status_leads_the_list) {
  const json statuses = page_data({}, {})["statuses"];
  EXPECT_EQ(statuses.size(), 17u);
  std::vector<std::string> weights;
  for (const json& status : statuses)
    if (weights.empty() || weights.back() != status["weight"]) weights.push_back(status["weight"]);
  // The last one is not-judged: it says nothing, so any other part takes precedence.
  EXPECT_EQ(weights,
            (std::vector<std::string>{"fails", "inconclusive", "aside", "passes", "aside"}));
}

TEST(Html, of_many_attempts_some_are_told_in_full_and_all_have_their_verdict) {
  Judged judged = hung_record();
  auto& attempts = judged.cells[0].attempts;
  const auto lines = staged::hung_attempt();
  attempts.resize(300, attempts.front());
  for (int number = 1; number <= 300; ++number) {
    attempts[static_cast<std::size_t>(number - 1)].attempt = number;
    for (auto line : lines) {
      line.attempt = number;
      judged.observations.push_back(line);
    }
  }
  const json told = page_data({judged}, {})["cells"][0]["attempts"];
  ASSERT_EQ(told.size(), 300u);
  EXPECT_FALSE(told[0]["story"].is_null());
  EXPECT_TRUE(told[299]["story"].is_null());
  EXPECT_EQ(told[299]["status"], "hang-quiet");
}

TEST(Html, long_texts_are_shortened_and_say_so) {
  Judged judged = hung_record();
  judged.cells[0].attempts[0].evidence.assign(500, std::string(100'000, 'x'));
  judged.cells[0].attempts[0].parts[1].got = std::string(100'000, 'y');
  const json data = page_data({judged}, {});
  EXPECT_LT(data.dump().size(), 300'000u);
  const std::string got = data["cells"][0]["attempts"][0]["parts"][1]["got"];
  EXPECT_NE(got.find("(98000 more bytes)"), std::string::npos);
}

// A record may be damaged, or be written by somebody who means harm.
TEST(Html, a_plan_and_facts_of_any_shape_are_shown_as_far_as_they_can_be) {
  Judged judged = hung_record();
  for (auto& line : judged.observations) {
    if (line.kind == "plan") line.fields["plan"]["initializer"] = "yes";
    if (line.kind == "plan") line.fields["plan"]["expect"]["roles"][0]["role"] = "\xE2\x80\xAE";
    if (line.kind == "pool") line.fields["facts"]["longest_wait_s"] = {{"seconds", 1}};
    if (line.kind == "exit") line.fields["start"] = INT64_MIN;
    if (line.kind == "step") line.fields["index"] = INT64_MAX;
  }
  const json data = page_data({judged}, {});
  EXPECT_TRUE(data["pools"][0]["longest_wait_s"].is_null());
  EXPECT_EQ(data["cells"][0]["promises"].count("\\u{202e}.outcome"), 1u)
      << "hidden characters of a key are shown, too";
}

TEST(Html, a_pool_that_could_not_be_asked_is_told_with_the_reason) {
  Judged judged;
  judged.cells = {staged::cell("toy", "death/a", conformance::Status::kHarnessError)};
  conformance::Observation pool;
  pool.kind = "pool";
  pool.fields = {{"name", "toy"}, {"error", "it ended at once"}, {"command", {"toy", "x"}}};
  conformance::Observation absent;
  absent.kind = "pool";
  absent.fields = {{"name", "far"}, {"unavailable", "it is not installed"}};
  judged.cells.push_back(staged::cell("far", "death/a", conformance::Status::kUnavailable));
  judged.observations = {pool, absent};
  judged.cut_off = "there is no footer";
  const json data = page_data({judged}, {});
  EXPECT_EQ(data["pools"][0]["error"], "it ended at once");
  EXPECT_EQ(data["pools"][1]["unavailable"], "it is not installed");
  EXPECT_EQ(data["records"][0]["cut_off"], "there is no footer");
}

}  // namespace
}  // namespace poolproof::reports
