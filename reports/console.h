// What a person sees in the terminal: progress, surprises, the matrix, a replay line for each
// failure. Pure functions of verdicts: text in, text out. Nothing here may let a pool's text reach
// the terminal unescaped.
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
  std::string command = "poolproof";  // how to call us again, for replay lines
  std::vector<std::string> places{};  // options that such a call needs: --scenarios FOLDER ...
  // Pools that no name stands for: how such a call ends instead, as in `-- ./my_adapter`.
  std::map<std::string, std::vector<std::string>> commands{};
};

// One line, without newline: "[ 7/30] multiprocessing_pool death/killed_while_running attempt 2
// ..."
std::string progress(int done, int total, const std::string& pool, const std::string& scenario,
                     int attempt, const Look& look);

// A cell that is no plain pass: status, the parts that fail with expected and got, evidence, the
// replay line. Empty for pass, declined and unavailable.
std::string surprise(const conformance::CellVerdict& cell, const Look& look);

// Rows are scenarios, columns are pools, a cell is glyph + word (never colour alone); below it the
// legend, the counts (declined and unavailable always) and what failed below the asked level.
std::string matrix(const std::vector<conformance::CellVerdict>& cells, const Look& look);

}  // namespace poolproof::reports
