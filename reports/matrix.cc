// The matrix of scenarios and pools. Declared in console.h.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "reports/console.h"
#include "reports/look.h"
#include "reports/text.h"

namespace poolproof::reports {
namespace {

using conformance::CellVerdict;
using conformance::Part;
using conformance::Status;
using conformance::Weight;
using conformance::weight_of;
using Lines = std::vector<std::string>;

constexpr int kCellColumns = 16;  // "? harness-error" and a gap
constexpr int kWidestName = 44;
constexpr int kNarrowestName = 22;
constexpr std::string_view kBelow = " ~";  // marks a pass in which a part of lower level fails

bool fails_below(const CellVerdict& cell) {
  return weight_of(cell.status) == Weight::kPasses &&
         std::any_of(cell.parts.begin(), cell.parts.end(),
                     [](const Part& part) { return weight_of(part.status) == Weight::kFails; });
}

std::string folder_of(const std::string& scenario) {
  const auto slash = scenario.rfind('/');
  return slash == std::string::npos ? "" : scenario.substr(0, slash + 1);
}

Lines unique(const std::vector<CellVerdict>& cells, std::string CellVerdict::*field) {
  Lines found;
  for (const CellVerdict& cell : cells)
    if (std::find(found.begin(), found.end(), cell.*field) == found.end())
      found.push_back(cell.*field);
  return found;
}

class Matrix {
 public:
  Matrix(const std::vector<CellVerdict>& cells, const Look& look) : look_(look) {
    for (const CellVerdict& cell : cells) by_place_[{cell.scenario, cell.pool}] = &cell;
    scenarios_ = unique(cells, &CellVerdict::scenario);
    // Scenarios of one folder are together, in the order in which the folders first come.
    const Lines folders = [&] {
      Lines seen;
      for (const auto& name : scenarios_)
        if (std::find(seen.begin(), seen.end(), folder_of(name)) == seen.end())
          seen.push_back(folder_of(name));
      return seen;
    }();
    std::stable_sort(scenarios_.begin(), scenarios_.end(), [&](const auto& a, const auto& b) {
      return std::find(folders.begin(), folders.end(), folder_of(a)) <
             std::find(folders.begin(), folders.end(), folder_of(b));
    });
    for (const auto& name : scenarios_)
      name_columns_ = std::max(name_columns_, width_of(leaf_of(name)) + 4);
    name_columns_ = std::min(name_columns_, kWidestName);
  }

  // As many pools side by side as fit; the others in a separate block below.
  std::string blocks(const Lines& pools) {
    const int columns = std::max(look_.columns, kNarrowestName + kCellColumns);
    const int wanted = static_cast<int>(pools.size()) * kCellColumns;
    name_columns_ = std::max(std::min(name_columns_, columns - wanted), kNarrowestName);
    const int fit = std::max(1, (columns - name_columns_) / kCellColumns);
    std::string out;
    for (std::size_t at = 0; at < pools.size(); at += static_cast<std::size_t>(fit)) {
      const std::size_t end = std::min(pools.size(), at + static_cast<std::size_t>(fit));
      if (at > 0) out += "\n";
      out += block({pools.begin() + static_cast<std::ptrdiff_t>(at),
                    pools.begin() + static_cast<std::ptrdiff_t>(end)});
    }
    return out;
  }

 private:
  static std::string leaf_of(const std::string& scenario) {
    return escaped(scenario.substr(folder_of(scenario).size()));
  }

  static std::string trimmed(std::string line) {
    while (!line.empty() && line.back() == ' ') line.pop_back();
    return line;
  }

  std::string header(const Lines& pools) const {
    std::vector<Lines> names;
    std::size_t height = 0;
    for (const std::string& pool : pools) {
      names.push_back(wrapped_name(pool, kCellColumns - 1));
      height = std::max(height, names.back().size());
    }
    std::string out;
    for (std::size_t row = 0; row < height; ++row) {
      std::string line(static_cast<std::size_t>(name_columns_), ' ');
      for (const Lines& name : names) {  // on the ground, so that each stands on its column
        const std::size_t skip = height - name.size();
        line += padded(row >= skip ? name[row - skip] : "", kCellColumns);
      }
      out += bold(trimmed(line), look_) + "\n";
    }
    return out;
  }

  std::string cell(const std::string& scenario, const std::string& pool) const {
    const auto found = by_place_.find({scenario, pool});
    if (found == by_place_.end()) return padded("", kCellColumns);
    const CellVerdict& verdict = *found->second;
    const std::string label =
        labelled(verdict.status) + (fails_below(verdict) ? std::string(kBelow) : "");
    const int gap = std::max(0, kCellColumns - width_of(label));
    return painted(label, verdict.status, look_) + std::string(static_cast<std::size_t>(gap), ' ');
  }

  std::string block(const Lines& pools) const {
    std::string out = header(pools), folder;
    for (const std::string& scenario : scenarios_) {
      if (folder_of(scenario) != folder) {
        folder = folder_of(scenario);
        out += escaped(folder) + "\n";
      }
      const Lines name = wrapped_name(leaf_of(scenario), name_columns_ - 4);
      for (std::size_t i = 0; i + 1 < name.size(); ++i) out += "  " + name[i] + "\n";
      const std::string indent = name.size() > 1 ? "    " : "  ";
      std::string line = padded(indent + name.back(), name_columns_);
      for (const std::string& pool : pools) line += cell(scenario, pool);
      out += trimmed(line) + "\n";
    }
    return out;
  }

  const Look& look_;
  std::map<std::pair<std::string, std::string>, const CellVerdict*> by_place_;
  Lines scenarios_;
  int name_columns_ = kNarrowestName;
};

std::string legend(const std::vector<CellVerdict>& cells, const Look& look) {
  constexpr int kLabelColumns = 18;
  std::set<Status> shown;
  bool below = false;
  for (const CellVerdict& cell : cells) {
    shown.insert(cell.status);
    below = below || fails_below(cell);
  }
  const auto row = [&](const std::string& label, Status status, const std::string& meaning) {
    std::string out;
    const int gap = std::max(0, kLabelColumns - width_of(label));
    for (const std::string& line : wrapped(meaning, std::max(20, look.columns - kLabelColumns - 2)))
      out += (out.empty() ? "  " + painted(label, status, look) +
                                std::string(static_cast<std::size_t>(gap), ' ')
                          : std::string(kLabelColumns + 2, ' ')) +
             line + "\n";
    return out;
  };
  std::string out;
  for (const Status status : shown) out += row(labelled(status), status, meaning_of(status));
  if (below) {
    out += row("✓ pass" + std::string(kBelow), Status::kPass,
               "and a part that is only `should` or `informs` fails, listed below");
  }
  return out;
}

std::string counts(const std::vector<CellVerdict>& cells, const Look& look) {
  std::map<Weight, int> of_weight;
  int declined = 0, unavailable = 0;
  for (const CellVerdict& cell : cells) {
    ++of_weight[weight_of(cell.status)];
    declined += cell.status == Status::kDeclined ? 1 : 0;
    unavailable += cell.status == Status::kUnavailable ? 1 : 0;
  }
  const std::string text = fmt::format(
      "{} cell{}: {} passed, {} failed, {} inconclusive, {} declined, {} unavailable", cells.size(),
      cells.size() == 1 ? "" : "s", of_weight[Weight::kPasses], of_weight[Weight::kFails],
      of_weight[Weight::kInconclusive], declined, unavailable);
  std::string out;
  for (const std::string& line : wrapped(text, std::max(20, look.columns))) out += line + "\n";
  return out;
}

// Entries under a title, each after its mark; empty if there is none.
std::string listed(std::string_view title, std::string_view mark, const Lines& entries,
                   const Look& look) {
  std::string out;
  for (const std::string& entry : entries) {
    const Lines lines = wrapped(entry, std::max(20, look.columns - 4));
    for (std::size_t i = 0; i < lines.size(); ++i)
      out += (i == 0 ? fmt::format("  {} ", mark) : "    ") + lines[i] + "\n";
  }
  return out.empty() ? "" : fmt::format("{}:\n{}\n", title, out);
}

// What fails below must: one entry for each cell, level and finding. Parts with the same finding
// are named together.
std::string below_list(const std::vector<CellVerdict>& cells, const Look& look) {
  Lines entries;
  for (const CellVerdict& cell : cells) {
    if (!fails_below(cell)) continue;
    std::map<std::pair<std::string, std::string>, std::string> expected;  // by level and finding
    for (const Part& part : cell.parts) {
      if (weight_of(part.status) != Weight::kFails) continue;
      std::string& parts = expected[{scenarios::to_string(part.level), part.got}];
      parts += fmt::format("{}{} {}", parts.empty() ? "" : ", ", part.name, part.expected);
    }
    for (const auto& [finding, parts] : expected)
      entries.push_back(fmt::format("{} {} ({}): expected {}; got {}", cell.pool, cell.scenario,
                                    finding.first, parts, finding.second));
  }
  return listed("below must", "~", entries, look);
}

// Why cells could not be judged here; one entry for a pool that could not be judged at all.
std::string unavailable_list(const std::vector<CellVerdict>& cells, const Look& look) {
  std::map<std::string, std::set<std::string>> reasons;  // by pool; "" for a cell that was judged
  for (const CellVerdict& cell : cells)
    reasons[cell.pool].insert(cell.status == Status::kUnavailable ? cell.why : "");
  Lines entries;
  std::set<std::string> told;
  for (const CellVerdict& cell : cells) {
    if (cell.status != Status::kUnavailable) continue;
    const bool one_for_all = reasons[cell.pool].size() == 1;
    if (one_for_all && !told.insert(cell.pool).second) continue;
    entries.push_back(
        fmt::format("{}{}: {}", cell.pool, one_for_all ? "" : " " + cell.scenario, cell.why));
  }
  return listed("unavailable", "·", entries, look);
}

}  // namespace

std::string matrix(const std::vector<CellVerdict>& cells, const Look& look) {
  if (cells.empty()) return "no cell: nothing matched\n";
  const Lines pools = unique(cells, &CellVerdict::pool);
  return Matrix(cells, look).blocks(pools) + "\n" + legend(cells, look) + "\n" +
         below_list(cells, look) + unavailable_list(cells, look) + counts(cells, look);
}

}  // namespace poolproof::reports
