#include "reports/placed.h"

#include <gtest/gtest.h>

#include "reports/staged_cells.h"

namespace poolproof::reports {
namespace {

using conformance::Status;

conformance::Observation pool_line(const std::string& name, const std::string& version) {
  conformance::Observation line;
  line.kind = "pool";
  line.fields = {{"name", name}, {"facts", {{"version", version}}}};
  return line;
}

Judged record(const std::string& version, const std::vector<std::string>& scenarios) {
  Judged judged;
  for (const std::string& name : scenarios)
    judged.cells.push_back(staged::cell("loky", name, Status::kPass));
  judged.observations = {pool_line("loky", version)};
  return judged;
}

TEST(Placed, records_of_one_pool_and_version_share_its_column) {
  const std::vector<Judged> records = {record("3.5", {"death/a"}), record("3.5", {"hang/b"})};
  const Placed all = placed(records);
  ASSERT_EQ(all.columns.size(), 1u);
  EXPECT_EQ(all.columns[0].records, (std::vector<std::size_t>{0, 1}));
  ASSERT_EQ(all.places.size(), 2u);
  EXPECT_EQ(all.places[1].record, 1u);
  EXPECT_EQ(all.places[1].column, 0u);
}

TEST(Placed, another_version_has_a_column_of_its_own) {
  const std::vector<Judged> records = {record("3.4", {"death/a"}), record("3.5", {"hang/b"})};
  const Placed all = placed(records);
  ASSERT_EQ(all.columns.size(), 2u);
  EXPECT_EQ(all.columns[1].label, "loky (2)");
  EXPECT_EQ(all.columns[1].pool, "loky");
  EXPECT_EQ(all.columns[1].version, "3.5");
}

TEST(Placed, a_cell_that_was_run_twice_is_shown_twice_and_hides_nothing) {
  const std::vector<Judged> records = {record("3.5", {"death/a"}), record("3.5", {"death/a"}),
                                       record("3.5", {"death/a"})};
  const Placed all = placed(records);
  ASSERT_EQ(all.columns.size(), 3u);
  EXPECT_EQ(all.columns[2].label, "loky (3)");
  EXPECT_EQ(all.places.size(), 3u);
}

}  // namespace
}  // namespace poolproof::reports
