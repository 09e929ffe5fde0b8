#include "reports/console.h"

#include <fmt/format.h>

#include <algorithm>

#include "reports/look.h"
#include "reports/replay.h"
#include "reports/text.h"

namespace poolproof::reports {
namespace {

using conformance::AttemptVerdict;
using conformance::CellVerdict;
using conformance::Part;
using conformance::Status;
using conformance::Weight;
using conformance::weight_of;

// Below this width no layout is possible; the terminal then breaks the lines itself.
constexpr int kNarrowest = 40;

std::string one_line(std::string_view text) {
  std::string safe = escaped(text);
  std::replace_if(
      safe.begin(), safe.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return safe;
}

// `lead` once, then the wrapped text beside it; further lines are indented to the text.
std::string hanging(const std::string& lead, std::string_view text, int columns) {
  const int indent = width_of(lead);
  std::string out;
  for (const std::string& line : wrapped(text, std::max(columns - indent, 20))) {
    out += out.empty() ? lead : std::string(static_cast<std::size_t>(indent), ' ');
    out += line + "\n";
  }
  return out;
}

bool is_shown(const Part& part) {
  const Weight weight = weight_of(part.status);
  return weight == Weight::kFails || weight == Weight::kInconclusive ||
         part.status == Status::kUnavailable;
}

std::string part_block(const Part& part, int columns, const Look& look) {
  const std::string head =
      fmt::format("  {} {} ({})", one_line(part.name), conformance::to_string(part.status),
                  scenarios::to_string(part.level));
  std::string out = painted(head, part.status, look) + "\n";
  if (!part.expected.empty()) out += hanging("      expected  ", part.expected, columns);
  out += hanging("      got       ", part.got.empty() ? "-" : part.got, columns);
  return out;
}

// All parts after an obstacle in one line: they are not further convictions.
std::string not_judged_line(const std::vector<Part>& parts, int columns) {
  std::string names, why;
  for (const Part& part : parts) {
    if (part.status != Status::kNotJudged) continue;
    names += (names.empty() ? "" : ", ") + part.name;
    if (why.empty()) why = part.got;
  }
  if (names.empty()) return "";
  return hanging("  not judged: ", fmt::format("{} ({})", names, why), columns);
}

// Status, pool and scenario in one line, or in three if that is too wide.
std::string headline(const CellVerdict& cell, int columns, const Look& look) {
  const std::string status =
      labelled(cell.status) + (cell.rate.empty() ? "" : fmt::format(" ({})", one_line(cell.rate)));
  const std::string pool = one_line(cell.pool), scenario = one_line(cell.scenario);
  const bool fits = width_of(status) + width_of(pool) + width_of(scenario) + 4 <= columns;
  const std::string gap = fits ? "  " : "\n  ";
  return painted(status, cell.status, look) + gap + bold(pool, look) + gap + bold(scenario, look) +
         "\n";
}

// The attempt to which the cell's parts belong.
const AttemptVerdict* deciding(const CellVerdict& cell) {
  const auto found = std::find_if(cell.attempts.begin(), cell.attempts.end(),
                                  [&](const auto& attempt) { return attempt.parts == cell.parts; });
  if (found != cell.attempts.end()) return &*found;
  return cell.attempts.empty() ? nullptr : &cell.attempts.back();
}

}  // namespace

std::string progress(int done, int total, const std::string& pool, const std::string& scenario,
                     int attempt, const Look& look) {
  const std::string whole = std::to_string(total);
  std::string line = fmt::format("[{:>{}}/{}] {} {}", done, whole.size(), whole, one_line(pool),
                                 one_line(scenario));
  if (attempt > 1) line += fmt::format(" attempt {}", attempt);
  // One column less than the width, so that no terminal wraps it.
  return cut_to(line + " ...", std::max(look.columns, kNarrowest) - 1);
}

std::string surprise(const CellVerdict& cell, const Look& look) {
  const Weight weight = weight_of(cell.status);
  if (weight == Weight::kPasses || weight == Weight::kAside) return "";
  const int columns = std::max(look.columns, kNarrowest);

  std::string out = headline(cell, columns, look);
  // What the parts do not already say.
  const bool parts_say_it = weight == Weight::kFails && cell.status != Status::kFlaky;
  if (!parts_say_it || cell.parts.empty()) out += hanging("  ", cell.why, columns);
  for (const Part& part : cell.parts)
    if (is_shown(part)) out += part_block(part, columns, look);
  out += not_judged_line(cell.parts, columns);
  const AttemptVerdict* attempt = deciding(cell);
  if (attempt != nullptr && !attempt->evidence.empty()) {
    out += fmt::format("  evidence (attempt {})\n", attempt->attempt);
    for (const std::string& sentence : attempt->evidence)
      out += hanging("    - ", sentence, columns);
  }
  return out + dimmed("  again: ", look) + one_line(replay_line(cell.pool, cell.scenario, look)) +
         "\n";
}

}  // namespace poolproof::reports
