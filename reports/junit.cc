#include "reports/junit.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "reports/fields.h"
#include "reports/look.h"
#include "reports/replay.h"
#include "reports/text.h"

namespace poolproof::reports {
namespace {

using namespace conformance;  // NOLINT: verdicts are all that this file is about
using scenarios::Level;

// XML 1.0 allows no control characters and no U+FFFE or U+FFFF, in whatever way they are written.
std::string xml(std::string_view text, bool attribute = false) {
  std::string safe;
  const std::string shown = escaped(text);
  for (std::size_t at = 0; at < shown.size(); ++at) {
    const char c = shown[at];
    const std::string_view rest = std::string_view(shown).substr(at, 3);
    if (rest == "\xef\xbf\xbe" || rest == "\xef\xbf\xbf") {
      safe += rest == "\xef\xbf\xbe" ? "\\u{fffe}" : "\\u{ffff}";
      at += 2;
    } else if (c == '&') {
      safe += "&amp;";
    } else if (c == '<') {
      safe += "&lt;";
    } else if (c == '>') {
      safe += "&gt;";
    } else if (c == '"') {
      safe += "&quot;";
    } else if (attribute && (c == '\n' || c == '\t')) {
      safe += c == '\n' ? "&#10;" : "&#9;";
    } else {
      safe += c;
    }
  }
  return safe;
}

std::string in_quotes(std::string_view text) { return "\"" + xml(text, true) + "\""; }

bool fails_at(const Part& part, Level level) {
  return weight_of(part.status) == Weight::kFails && part.level >= level;
}

std::string part_text(const Part& part) {
  return fmt::format("{} {} ({})\n    expected {}\n    got      {}\n", part.name,
                     to_string(part.status), scenarios::to_string(part.level), part.expected,
                     part.got.empty() ? "-" : part.got);
}

std::string attempt_text(const AttemptVerdict& attempt) {
  std::string text = fmt::format("attempt {}: {}\n", attempt.attempt, labelled(attempt.status));
  if (!attempt.why.empty()) text += "  " + attempt.why + "\n";
  for (const Part& part : attempt.parts)
    if (weight_of(part.status) == Weight::kFails) text += "  " + part_text(part);
  for (const std::string& sentence : attempt.evidence) text += "  - " + sentence + "\n";
  return text;
}

struct Counts {
  std::size_t tests = 0, failures = 0, errors = 0, skipped = 0;
  double seconds = 0;

  std::string attributes() const {
    return fmt::format("tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{:.3f}\"",
                       tests, failures, errors, skipped, seconds);
  }
  void add(const Counts& other) {
    tests += other.tests;
    failures += other.failures;
    errors += other.errors;
    skipped += other.skipped;
    seconds += other.seconds;
  }
};

// The part that gives a test case its status: the cell's own, or what fails at the requested level.
const Part* worst_part(const CellVerdict& cell, Level level) {
  const Part* found = nullptr;
  for (const Part& part : cell.parts)
    if (fails_at(part, level) && (found == nullptr || worse(part.status, found->status)))
      found = &part;
  return found;
}

std::string body_of(const CellVerdict& cell, const std::string& again) {
  std::string text;
  for (const AttemptVerdict& attempt : cell.attempts) text += attempt_text(attempt);
  return text + "again: " + again + "\n";
}

std::string verdict_of(const CellVerdict& cell, Level level, const Look& look, Counts& counts) {
  const std::string again = replay_line(cell.pool, cell.scenario, look);
  const Weight weight = weight_of(cell.status);
  const Part* worst = worst_part(cell, level);
  const auto element = [&](const char* name, Status type, const std::string& why) {
    const std::string rate = cell.rate.empty() ? "" : " (" + cell.rate + ")";
    return fmt::format("      <{0} type={1} message={2}>{3}</{0}>\n", name,
                       in_quotes(to_string(type)), in_quotes(to_string(type) + rate + ": " + why),
                       xml(body_of(cell, again)));
  };
  if (weight == Weight::kFails) {
    ++counts.failures;
    return element("failure", cell.status, cell.why);
  }
  if (weight == Weight::kInconclusive) {
    ++counts.errors;
    return element("error", cell.status, cell.why);
  }
  if (weight == Weight::kAside) {
    ++counts.skipped;
    return fmt::format("      <skipped message={}/>\n",
                       in_quotes(to_string(cell.status) + ": " + cell.why));
  }
  if (worst != nullptr) {
    ++counts.failures;
    return element("failure", worst->status, worst->name + ": " + worst->got);
  }
  std::string below;
  for (const Part& part : cell.parts)
    if (weight_of(part.status) == Weight::kFails) below += part_text(part);
  if (cell.status == Status::kKnownFailure) below = "known failure: " + cell.why + "\n" + below;
  return below.empty() ? "" : fmt::format("      <system-out>{}</system-out>\n", xml(below));
}

// The time from the first to the last line of its attempts.
std::map<std::string, double> seconds_by_run(const Judged& record) {
  std::map<std::pair<std::string, int>, std::pair<std::int64_t, std::int64_t>> spans;
  for (const Observation& line : record.observations) {
    if (line.attempt == 0) continue;
    auto& span = spans.try_emplace({line.run, line.attempt}, line.t_ns, line.t_ns).first->second;
    span.second = line.t_ns;
  }
  std::map<std::string, double> seconds;
  for (const auto& [of, span] : spans)
    seconds[of.first] += static_cast<double>(span.second - span.first) / 1e9;
  return seconds;
}

std::string property(const char* name, const std::string& value) {
  return value.empty()
             ? ""
             : fmt::format("      <property name=\"{}\" value={}/>\n", name, in_quotes(value));
}

std::string properties_of(const Column& column, const Judged& record) {
  std::string text = property("pool.version", column.version);
  text += property("pool.recovers", text_at(object_at(column.facts, "facts"), "recovers"));
  for (const Observation& line : record.observations) {
    if (line.kind != "header") continue;
    text += property("poolproof.version", text_at(line.fields, "version"));
    text += property("kernel", text_at(object_at(line.fields, "machine"), "kernel"));
    break;
  }
  return "    <properties>\n" + text + "    </properties>\n";
}

}  // namespace

std::string junit(const std::vector<Judged>& records, Level level, const Look& look) {
  const Placed all = placed(records);
  std::vector<std::map<std::string, double>> seconds;
  for (const Judged& record : records) seconds.push_back(seconds_by_run(record));
  Counts total;
  std::string suites;
  for (std::size_t at = 0; at < all.columns.size(); ++at) {
    Counts counts;
    std::string cases;
    for (const Place& place : all.places) {
      if (place.column != at) continue;
      const CellVerdict& cell = *place.cell;
      const double took = seconds[place.record][cell.pool + ":" + cell.scenario];
      ++counts.tests;
      counts.seconds += took;
      const std::string verdict = verdict_of(cell, level, look, counts);
      const std::string head =
          fmt::format("    <testcase classname={} name={} time=\"{:.3f}\"",
                      in_quotes(all.columns[at].label), in_quotes(cell.scenario), took);
      cases += verdict.empty() ? head + "/>\n" : head + ">\n" + verdict + "    </testcase>\n";
    }
    total.add(counts);
    suites += fmt::format("  <testsuite name={} {}>\n{}{}  </testsuite>\n",
                          in_quotes(all.columns[at].label), counts.attributes(),
                          properties_of(all.columns[at], records[all.columns[at].record]), cases);
  }
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"poolproof\" {}>\n{}"
      "</testsuites>\n",
      total.attributes(), suites);
}

}  // namespace poolproof::reports
