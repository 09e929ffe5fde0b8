// Records side by side: in which column is a cell, if several records are shown as one?
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "conformance/judge/verdict.h"
#include "conformance/record/observation.h"

namespace poolproof::reports {

// One record, read and judged.
struct Judged {
  std::vector<conformance::CellVerdict> cells;
  // All lines that belong to no attempt, and the lines of attempts that have a story (html.h).
  std::vector<conformance::Observation> observations;
  std::int64_t took_ns = 0;  // of the last line
  std::string cut_off;       // why the record is not whole; empty: it is
};

// A pool as a column. Records of one pool and version share a column, unless two of their cells
// would be in the same place; then the later record has its own column.
struct Column {
  std::string label;       // the pool's name; "name (2)" for its second column
  std::string pool;        // only the name
  std::string version;     // empty: the adapter did not report it
  std::size_t record = 0;  // the first record that it comes from
  nlohmann::json facts;    // the `pool` line's fields: name, command, facts or error
  std::vector<std::size_t> records;
};

struct Place {
  std::size_t column = 0;
  std::size_t record = 0;
  const conformance::CellVerdict* cell = nullptr;  // of that record
};

struct Placed {
  std::vector<Column> columns;
  std::vector<Place> places;  // record by record, in the order of their cells
};

Placed placed(const std::vector<Judged>& records);

}  // namespace poolproof::reports
