#include "reports/console.h"

#include <gtest/gtest.h>

#include "reports/look.h"
#include "reports/replay.h"
#include "reports/staged_cells.h"

namespace poolproof::reports {
namespace {

using conformance::CellVerdict;
using conformance::Status;
using staged::cell;
using staged::hung_cell;
using staged::lines_of;

TEST(Progress, it_is_one_line_that_fits) {
  const Look look;
  EXPECT_EQ(progress(7, 30, "reference", "death/killed_while_running", 1, look),
            "[ 7/30] reference death/killed_while_running ...");
  EXPECT_EQ(progress(7, 30, "reference", "death/killed_while_running", 2, look),
            "[ 7/30] reference death/killed_while_running attempt 2 ...");
  const std::string line = progress(7, 30, std::string(90, 'p'), "bad\nname\x1b[2J", 1, look);
  EXPECT_LT(width_of(line), 80);
  EXPECT_EQ(line.find_first_of("\n\x1b"), std::string::npos);
}

TEST(Surprise, there_is_none_for_a_pass_or_what_was_not_run) {
  for (const Status status :
       {Status::kPass, Status::kKnownFailure, Status::kDeclined, Status::kUnavailable})
    EXPECT_EQ(surprise(cell("a", "b/c", status), {}), "") << to_string(status);
}

TEST(Surprise, at_80_columns_a_hang_reads_like_this) {
  EXPECT_EQ("\n" + surprise(hung_cell(), {}), R"(
✗ hang-quiet (3 of 3)  multiprocessing_pool  death/killed_while_running
  victim.outcome hang-quiet (must)
      expected  worker-lost within 3000 ms
      got       t5 (victim) never settled
  not judged: bystander.outcome, after, close, leftovers (after what stopped the
              attempt)
  evidence (attempt 1)
    - fault `kill` was commanded on process 14 at task t5 at 412.3 ms; receipt:
      signal KILL, 0.6 ms later
    - process 14 died by signal KILL, 0.6 ms after the strike; no outcome names
      it
    - future t5 (victim) is open: submitted at 398.0 ms, its body started in
      process 14
    - nothing moved for 1.004 s
    - process 10 `python3` (the adapter), 4 threads: futex, no time limit (10);
      poll of 2 fds, no time limit (17); read fd 5 pipe:[81312] (18, 19)
  again: poolproof check multiprocessing_pool --scenario death/killed_while_running --repeat 3
)");
}

TEST(Surprise, at_120_columns_the_lines_are_longer) {
  const Look look{.columns = 120};
  const auto narrow = lines_of(surprise(hung_cell(), {})),
             wide = lines_of(surprise(hung_cell(), look));
  EXPECT_LT(wide.size(), narrow.size());
  for (const auto& line : wide) EXPECT_LE(width_of(line), 120) << line;
}

TEST(Surprise, only_the_replay_line_may_be_wider_than_the_terminal_since_it_is_to_be_copied) {
  for (const int columns : {40, 61, 80, 120}) {
    for (const auto& line : lines_of(surprise(hung_cell(), {.columns = columns}))) {
      const bool replay = line.find("again: ") != std::string::npos;
      EXPECT_TRUE(replay || width_of(line) <= columns) << line;
    }
  }
}

TEST(Surprise, colour_paints_the_status_and_changes_no_text) {
  const std::string plain = surprise(hung_cell(), {}),
                    colour = surprise(hung_cell(), {.colour = true});
  EXPECT_NE(colour.find("\x1b[31m✗ hang-quiet (3 of 3)\x1b[0m"), std::string::npos) << colour;
  std::string stripped = colour;
  for (std::size_t at; (at = stripped.find('\x1b')) != std::string::npos;)
    stripped.erase(at, stripped.find('m', at) - at + 1);
  EXPECT_EQ(stripped, plain);
  EXPECT_EQ(plain.find('\x1b'), std::string::npos);
}

TEST(Surprise, an_inconclusive_cell_says_why) {
  CellVerdict vacuous = cell("reference", "death/x", Status::kVacuous);
  vacuous.why = "fault 0 (kill at running:victim) did not strike: process 14 did not end";
  const std::string text = surprise(vacuous, {});
  EXPECT_NE(text.find("? vacuous  reference  death/x\n  fault 0 (kill at running:victim)"),
            std::string::npos)
      << text;
}

TEST(Surprise, the_replay_line_of_a_sweeps_cell_strikes_at_its_call) {
  EXPECT_EQ(replay_line("p", "sweep/big_results/worker write:pipe#2 in after-1@after:signal:KILL",
                        Look{}),
            "poolproof sweep p --workload big_results --at 'worker write:pipe#2 in after-1' "
            "--moment after --effect signal:KILL --repeat 10");
  EXPECT_EQ(replay_line("p", "sweep/big_results/record-1", Look{}),
            "poolproof sweep p --workload big_results");
}

TEST(Surprise, the_replay_line_calls_us_as_we_were_called_and_quotes_what_a_shell_would_break) {
  CellVerdict failed = cell("my pool; rm -rf 'x'", "death/x", Status::kLeak);
  const std::string text =
      surprise(failed, {.command = "build/poolproof", .places = {"--pools", "my pools.toml"}});
  EXPECT_NE(text.find("  again: build/poolproof check 'my pool; rm -rf '\\''x'\\''' --scenario "
                      "death/x --repeat 3 --pools 'my pools.toml'\n"),
            std::string::npos)
      << text;
}

TEST(Surprise, hostile_text_reaches_no_terminal) {
  const std::string hostile = "\x1b]0;owned\x07\x1b[2J\r✓ pass\xff\xe2\x80\xae";
  CellVerdict failed = hung_cell();
  failed.pool += hostile;
  failed.scenario += hostile;
  failed.why = failed.rate = hostile;
  for (auto& part : failed.parts) part.name = part.expected = part.got = hostile;
  for (auto& sentence : failed.attempts[0].evidence) sentence = hostile;
  failed.attempts[0].parts = failed.parts;
  failed.rate = "3 of 3";
  for (const std::string& text : {surprise(failed, {}), matrix({failed}, {})}) {
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      ASSERT_TRUE(byte >= 0x20 || c == '\n') << static_cast<int>(byte) << " in " << text;
      ASSERT_NE(byte, 0x7f);
    }
    EXPECT_EQ(text.find('\xff'), std::string::npos);
    EXPECT_EQ(text.find("\xe2\x80\xae"), std::string::npos);
    EXPECT_NE(text.find("\\x1b"), std::string::npos);
  }
}

TEST(Surprise, a_newline_of_a_pool_begins_no_line_at_the_left_edge) {
  CellVerdict failed = hung_cell();
  failed.parts[1].got = "first\n✓ pass  reference  death/x\nthird";
  failed.attempts[0].parts = failed.parts;
  for (const auto& line : lines_of(surprise(failed, {}))) EXPECT_NE(line.rfind("✓", 0), 0u) << line;
}

TEST(Look, every_status_has_a_glyph_a_word_and_a_meaning) {
  for (const Status status : words::all<Status>()) {
    EXPECT_EQ(width_of(glyph_of(status)), 1) << to_string(status);
    EXPECT_NE(meaning_of(status), "") << to_string(status);
    EXPECT_LE(width_of(labelled(status)), 15) << to_string(status);
    EXPECT_EQ(conformance::parse_status(to_string(status)), status);
  }
}

}  // namespace
}  // namespace poolproof::reports
