// Which part of an earlier sweep's record is still valid. The attempts are those of the judge's
// tests.
#include "conformance/sweep/earlier.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "conformance/judge/staged_attempt.h"

namespace poolproof::conformance::sweep {
namespace {

class EarlierTest : public testing::Test {
 protected:
  EarlierTest() {
    add({{"name", "p"}, {"command", {"x"}}, {"facts", {{"pool", "p"}}}}, "pool", "");
  }

  void add(nlohmann::json fields, const std::string& kind, const std::string& run) {
    Observation line = conformance::staged::line(kind, std::move(fields), 0);
    line.run = run;
    line.attempt = 0;
    record_.push_back(line);
  }

  // A correct attempt of this scenario; `cut`: without its end.
  void add_cell(const std::string& scenario, bool cut = false) {
    add({{"pool", "p"}, {"scenario", scenario}}, "cell", "p:" + scenario);
    auto lines = conformance::staged::healthy(conformance::staged::killed_plan());
    if (cut) lines.resize(lines.size() / 2);
    for (Observation& line : lines) {
      line.run = "p:" + scenario;
      record_.push_back(line);
    }
  }

  std::size_t lines_of(const Earlier& earlier, const std::string& scenario) {
    return static_cast<std::size_t>(
        std::count_if(earlier.lines.begin(), earlier.lines.end(),
                      [&](const Observation& line) { return line.run == "p:" + scenario; }));
  }

  std::vector<Observation> record_;
};

TEST_F(EarlierTest, a_cell_that_ended_stands_with_all_of_its_lines) {
  add_cell("sweep/w/a");
  const Earlier earlier = earlier_of(record_);
  EXPECT_EQ(earlier.pool, "p");
  EXPECT_EQ(earlier.verdicts.at("sweep/w/a").status, Status::kPass);
  EXPECT_EQ(earlier.lines, record_);
}

TEST_F(EarlierTest, of_a_cell_that_was_cut_off_nothing_stands) {
  add_cell("sweep/w/a");
  add_cell("sweep/w/b", /*cut=*/true);
  const Earlier earlier = earlier_of(record_);
  EXPECT_EQ(earlier.verdicts.count("sweep/w/b"), 0U);
  EXPECT_EQ(lines_of(earlier, "sweep/w/b"), 0U) << "its new attempt has the same number";
  EXPECT_GT(lines_of(earlier, "sweep/w/a"), 0U);
}

TEST_F(EarlierTest, a_record_of_check_is_no_sweeps) {
  add_cell("death/killed_while_running");
  EXPECT_EQ(earlier_of(record_).pool, "");
}

TEST_F(EarlierTest, a_recording_stands_only_when_all_of_its_runs_do) {
  const Workload w{"w", "", "echo", 2, 0};
  add_cell("sweep/w/record-1");
  EXPECT_TRUE(recording_in(earlier_of(record_), w, {}, 1));
  add_cell("sweep/w/record-2", /*cut=*/true);
  EXPECT_EQ(recording_in(earlier_of(record_), w, {}, 2), std::nullopt);
}

}  // namespace
}  // namespace poolproof::conformance::sweep
