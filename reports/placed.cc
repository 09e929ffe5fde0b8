#include "reports/placed.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "reports/fields.h"

namespace poolproof::reports {
namespace {

using conformance::CellVerdict;
using conformance::Observation;

class Placing {
 public:
  void add(const Judged& record, std::size_t number) {
    std::map<std::string, nlohmann::json> facts;
    for (const Observation& line : record.observations)
      if (line.kind == "pool") facts[text_at(line.fields, "name")] = line.fields;
    std::map<std::string, std::size_t> column_of;
    for (const CellVerdict& cell : record.cells) {
      if (column_of.find(cell.pool) == column_of.end())
        column_of[cell.pool] = column(cell.pool, facts[cell.pool], record, number);
      const std::size_t at = column_of[cell.pool];
      taken_.insert({at, cell.scenario});
      placed_.places.push_back({at, number, &cell});
    }
  }
  Placed result() { return std::move(placed_); }

 private:
  std::size_t column(const std::string& pool, const nlohmann::json& facts, const Judged& record,
                     std::size_t number) {
    const std::string version = text_at(object_at(facts, "facts"), "version");
    int same = 0;
    for (std::size_t at = 0; at < placed_.columns.size(); ++at) {
      Column& known = placed_.columns[at];
      if (known.pool != pool) continue;
      ++same;
      const bool collides =
          std::any_of(record.cells.begin(), record.cells.end(), [&](const CellVerdict& cell) {
            return cell.pool == pool && taken_.count({at, cell.scenario}) != 0;
          });
      if (known.version != version || collides) continue;
      known.records.push_back(number);
      return at;
    }
    const std::string label = same == 0 ? pool : fmt::format("{} ({})", pool, same + 1);
    placed_.columns.push_back({label, pool, version, number, facts, {number}});
    return placed_.columns.size() - 1;
  }

  Placed placed_;
  std::set<std::pair<std::size_t, std::string>> taken_;
};

}  // namespace

Placed placed(const std::vector<Judged>& records) {
  Placing placing;
  for (std::size_t number = 0; number < records.size(); ++number)
    placing.add(records[number], number);
  return placing.result();
}

}  // namespace poolproof::reports
