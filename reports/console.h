// What a person sees in the terminal: progress, failures, the matrix, a replay line for each
// failure. Pure functions of verdicts: values in, text out. No text of a pool may reach the
// terminal unescaped.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "conformance/judge/verdict.h"
#include "reports/text.h"  // escaped()

namespace poolproof::reports {

struct Look {
  bool colour = false;                // isatty and no NO_COLOR
  int columns = 80;                   // of the terminal
  std::string command = "poolproof";  // how this command was called, for replay lines
  std::vector<std::string> places{};  // options that such a call needs: --scenarios FOLDER ...
  // For pools without a registered name: the end of such a call, as in `-- ./my_adapter`.
  std::map<std::string, std::vector<std::string>> commands{};
};

// One line, without newline: "[ 7/30] multiprocessing_pool death/killed_while_running attempt 2
// ..."
std::string progress(int done, int total, const std::string& pool, const std::string& scenario,
                     int attempt, const Look& look);

// A cell that is not a plain pass: status, the failing parts with expected and got, evidence, the
// replay line. Empty for pass, declined and unavailable.
std::string surprise(const conformance::CellVerdict& cell, const Look& look);

// Rows are scenarios, columns are pools, and a cell is a glyph and a word (never only a colour).
// Below it: the legend, the counts (always with declined and unavailable), and what failed below
// the requested level.
std::string matrix(const std::vector<conformance::CellVerdict>& cells, const Look& look);

}  // namespace poolproof::reports
