#include <gtest/gtest.h>

#include "reports/console.h"
#include "reports/staged_cells.h"

namespace poolproof::reports {
namespace {

using conformance::CellVerdict;
using conformance::Status;
using staged::cell;
using staged::lines_of;
using staged::three_pools;

TEST(Matrix, three_pools_and_ten_scenarios_at_80_columns) {
  EXPECT_EQ("\n" + matrix(three_pools(), {}), R"(
                                                concurrent_     multiprocessing
                                reference       futures_fork    _pool
death/
  killed_while_running          ✓ pass          ✓ pass          ✗ hang-quiet
  segfault_in_a_task            ✓ pass          ✓ pass ~        ≈ flaky
  exit_0_in_a_task              ✓ pass          ✓ pass          ✗ hang-quiet
  all_killed_while_idle         ✓ pass          ✓ pass          ✓ pass
payload/
  argument_cannot_be_encoded    ✓ pass          ✓ pass          ✓ pass
  result_cannot_be_encoded      ✓ pass          ✓ pass          ✓ pass
  argument_kills_its_worker_
    while_decoding              ✓ pass          ✓ pass          ? vacuous
hang/
  loop_with_a_deadline          ✓ pass          · declined      · declined
shutdown/
  kill_while_a_task_hangs       ✓ pass          ✓ pass          ✓ pass
parent/
  killed_with_busy_workers      ✓ pass          ✗ leak          · unavailable

  ✓ pass            every must part holds
  ✗ hang-quiet      a future or call is open past its limit, and nothing moves
  ✗ leak            something is left over
  ? vacuous         the fault did not strike, so nothing is proved
  · declined        the pool says it lacks what the scenario needs
  · unavailable     this machine cannot make or see it
  ≈ flaky           fails in some attempts and passes in others
  ✓ pass ~          and a part that is only `should` or `informs` fails, listed
                    below

below must:
  ~ concurrent_futures_fork death/segfault_in_a_task (should): expected
    victim.cause signal:SEGV, victim.blame victim; got t5 (victim) tells nothing

unavailable:
  · multiprocessing_pool parent/killed_with_busy_workers: leftovers: a subreaper
    cannot tell what outlived its parent

30 cells: 22 passed, 4 failed, 1 inconclusive, 2 declined, 1 unavailable
)");
}

TEST(Matrix, three_pools_and_ten_scenarios_at_120_columns) {
  EXPECT_EQ("\n" + matrix(three_pools(), {.columns = 120}), R"(
                                                            concurrent_     multiprocessing
                                            reference       futures_fork    _pool
death/
  killed_while_running                      ✓ pass          ✓ pass          ✗ hang-quiet
  segfault_in_a_task                        ✓ pass          ✓ pass ~        ≈ flaky
  exit_0_in_a_task                          ✓ pass          ✓ pass          ✗ hang-quiet
  all_killed_while_idle                     ✓ pass          ✓ pass          ✓ pass
payload/
  argument_cannot_be_encoded                ✓ pass          ✓ pass          ✓ pass
  result_cannot_be_encoded                  ✓ pass          ✓ pass          ✓ pass
  argument_kills_its_worker_while_decoding  ✓ pass          ✓ pass          ? vacuous
hang/
  loop_with_a_deadline                      ✓ pass          · declined      · declined
shutdown/
  kill_while_a_task_hangs                   ✓ pass          ✓ pass          ✓ pass
parent/
  killed_with_busy_workers                  ✓ pass          ✗ leak          · unavailable

  ✓ pass            every must part holds
  ✗ hang-quiet      a future or call is open past its limit, and nothing moves
  ✗ leak            something is left over
  ? vacuous         the fault did not strike, so nothing is proved
  · declined        the pool says it lacks what the scenario needs
  · unavailable     this machine cannot make or see it
  ≈ flaky           fails in some attempts and passes in others
  ✓ pass ~          and a part that is only `should` or `informs` fails, listed below

below must:
  ~ concurrent_futures_fork death/segfault_in_a_task (should): expected victim.cause signal:SEGV, victim.blame victim;
    got t5 (victim) tells nothing

unavailable:
  · multiprocessing_pool parent/killed_with_busy_workers: leftovers: a subreaper cannot tell what outlived its parent

30 cells: 22 passed, 4 failed, 1 inconclusive, 2 declined, 1 unavailable
)");
}

TEST(Matrix, no_line_is_wider_than_the_terminal) {
  for (const int columns : {40, 60, 80, 100, 120, 200})
    for (const auto& line : lines_of(matrix(three_pools(), {.columns = columns})))
      EXPECT_LE(width_of(line), columns) << columns << ": " << line;
}

TEST(Matrix, pools_that_do_not_fit_stand_in_a_block_of_their_own_below) {
  std::vector<CellVerdict> cells;
  for (int pool = 0; pool < 7; ++pool)
    cells.push_back(cell("pool_" + std::to_string(pool), "death/x", Status::kPass));
  const auto lines = lines_of(matrix(cells, {}));
  int rows = 0;
  for (const auto& line : lines) rows += line.rfind("  x ", 0) == 0 ? 1 : 0;
  EXPECT_EQ(rows, 3) << matrix(cells, {});
  for (int pool = 0; pool < 7; ++pool)
    EXPECT_NE(matrix(cells, {}).find("pool_" + std::to_string(pool)), std::string::npos);
}

TEST(Matrix, a_cell_that_is_not_there_is_empty) {
  const auto lines = lines_of(
      matrix({cell("a", "death/x", Status::kPass), cell("b", "death/y", Status::kLeak)}, {}));
  EXPECT_NE(std::find(lines.begin(), lines.end(), "  x                   ✓ pass"), lines.end())
      << matrix({cell("a", "death/x", Status::kPass), cell("b", "death/y", Status::kLeak)}, {});
}

TEST(Matrix, colour_changes_no_text) {
  std::string stripped = matrix(three_pools(), {.colour = true});
  EXPECT_NE(stripped.find("\x1b[31m✗ hang-quiet\x1b[0m"), std::string::npos);
  for (std::size_t at; (at = stripped.find('\x1b')) != std::string::npos;)
    stripped.erase(at, stripped.find('m', at) - at + 1);
  EXPECT_EQ(stripped, matrix(three_pools(), {}));
}

TEST(Matrix, the_counts_are_always_there) {
  EXPECT_NE(matrix({cell("a", "death/x", Status::kPass)}, {})
                .find("1 cell: 1 passed, 0 failed, 0 inconclusive, 0 declined, 0 unavailable\n"),
            std::string::npos);
  EXPECT_EQ(matrix({}, {}), "no cell: nothing matched\n");
}

TEST(Matrix, says_once_why_a_pool_could_not_be_judged_at_all) {
  auto one = cell("loky@99", "death/x", Status::kUnavailable);
  auto two = cell("loky@99", "death/y", Status::kUnavailable);
  one.why = two.why = "there is no loky 99";
  const std::string text = matrix({one, two}, {});
  EXPECT_NE(text.find("\nunavailable:\n  · loky@99: there is no loky 99\n\n2 cells"),
            std::string::npos)
      << text;
}

}  // namespace
}  // namespace poolproof::reports
