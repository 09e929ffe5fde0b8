#include "reports/junit.h"

#include <gtest/gtest.h>

#include "reports/staged_cells.h"

namespace poolproof::reports {
namespace {

using conformance::CellVerdict;
using conformance::Part;
using conformance::Status;
using scenarios::Level;
using staged::cell;

std::string of(std::vector<CellVerdict> cells, Level level = Level::kMust) {
  Judged judged;
  judged.cells = std::move(cells);
  return junit({judged}, level, {});
}

int count(const std::string& text, const std::string& piece) {
  int found = 0;
  for (std::size_t at = 0; (at = text.find(piece, at)) != std::string::npos; at += piece.size())
    ++found;
  return found;
}

TEST(Junit, a_pool_is_a_suite_and_a_scenario_is_a_case) {
  const std::string xml = of(staged::three_pools());
  EXPECT_EQ(count(xml, "<testsuite "), 3);
  EXPECT_EQ(count(xml, "<testcase "), 30);
  EXPECT_NE(xml.find("<testsuites name=\"poolproof\" tests=\"30\" failures=\"4\" errors=\"1\" "
                     "skipped=\"3\""),
            std::string::npos)
      << xml.substr(0, 300);
  EXPECT_NE(xml.find("<testcase classname=\"reference\" name=\"death/killed_while_running\" "
                     "time=\"0.000\"/>"),
            std::string::npos);
}

TEST(Junit, a_conviction_comes_with_its_evidence_and_the_line_that_repeats_it) {
  const std::string xml = of({staged::hung_cell()});
  EXPECT_NE(xml.find("<failure type=\"hang-quiet\" message=\"hang-quiet (3 of 3): "),
            std::string::npos);
  EXPECT_NE(xml.find("nothing moved for 1.004 s"), std::string::npos);
  EXPECT_NE(xml.find("attempt 1: ✗ hang-quiet"), std::string::npos);
  EXPECT_NE(xml.find("again: poolproof check multiprocessing_pool --scenario "
                     "death/killed_while_running --repeat 3"),
            std::string::npos);
}

TEST(Junit, what_was_not_asked_is_skipped_and_what_proves_nothing_is_an_error) {
  const std::string xml =
      of({cell("a", "b/declined", Status::kDeclined), cell("a", "b/unseen", Status::kUnavailable),
          cell("a", "b/vacuous", Status::kVacuous), cell("a", "b/cut", Status::kCutOff)});
  EXPECT_EQ(count(xml, "<skipped message=\"declined: \"/>"), 1);
  EXPECT_EQ(count(xml, "<skipped message=\"unavailable: \"/>"), 1);
  EXPECT_EQ(count(xml, "<error type=\"vacuous\""), 1);
  EXPECT_EQ(count(xml, "<error type=\"cut-off\""), 1);
  EXPECT_EQ(count(xml, "<failure"), 0);
}

TEST(Junit, a_flaky_cell_is_red_since_the_command_fails_on_it) {
  const std::string xml = of({cell("a", "b/c", Status::kFlaky)});
  EXPECT_EQ(count(xml, "<failure type=\"flaky\""), 1);
}

TEST(Junit, a_weaker_part_is_a_failure_only_at_its_level) {
  CellVerdict weaker = cell("a", "b/c", Status::kPass);
  weaker.parts = {
      {"victim.cause", Status::kWrongError, Level::kShould, "signal:SEGV", "tells nothing"}};
  EXPECT_EQ(count(of({weaker}), "<failure"), 0);
  EXPECT_EQ(count(of({weaker}), "<system-out>victim.cause wrong-error (should)"), 1);
  EXPECT_EQ(count(of({weaker}, Level::kShould), "<failure type=\"wrong-error\""), 1);
  EXPECT_NE(of({weaker}, Level::kShould).find("failures=\"1\""), std::string::npos);
}

TEST(Junit, no_text_of_a_pool_ends_an_element_or_holds_what_xml_cannot) {
  CellVerdict hostile = staged::hung_cell();
  hostile.why = "a \"quote\" & <tag>\x01\xff\xef\xbf\xbf ]]>\nnext";
  hostile.attempts[0].evidence = {"</failure><failure>\x1b[2J"};
  const std::string xml = of({hostile});
  EXPECT_NE(xml.find("a &quot;quote&quot; &amp; &lt;tag&gt;\\x01\\xff\\u{ffff} ]]&gt;&#10;next"),
            std::string::npos)
      << xml;
  EXPECT_NE(xml.find("&lt;/failure&gt;&lt;failure&gt;\\x1b[2J"), std::string::npos);
  EXPECT_EQ(count(xml, "<failure"), 1);
}

TEST(Junit, the_time_of_a_case_is_that_of_its_attempts) {
  Judged judged;
  judged.cells = {cell("a", "b/c", Status::kPass)};
  for (const std::int64_t ms : {100, 350}) {
    conformance::Observation line;
    line.run = "a:b/c";
    line.attempt = 1;
    line.t_ns = ms * 1'000'000;
    judged.observations.push_back(line);
  }
  EXPECT_NE(junit({judged}, Level::kMust, {}).find("name=\"b/c\" time=\"0.250\""),
            std::string::npos);
}

}  // namespace
}  // namespace poolproof::reports
