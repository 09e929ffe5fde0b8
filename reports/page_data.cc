// What the page shows, as data. Declared in html.h.
#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>

#include "reports/fields.h"
#include "reports/html.h"
#include "reports/json.h"
#include "reports/look.h"
#include "reports/replay.h"
#include "reports/script.h"
#include "reports/story.h"
#include "reports/text.h"

namespace poolproof::reports {
namespace {

using nlohmann::json;
using namespace conformance;  // NOLINT: verdicts and observations are all that this file is about

constexpr std::size_t kEvidenceBytes = 2000;
constexpr std::size_t kEvidenceLines = 60;
// A pass needs less detail, because no reader looks for a cause in it.
constexpr StoryLimits kOfAPass = {
    .events = 150, .text_bytes = 300, .stderr_bytes = 1000, .processes = 24, .tasks = 100};

// The worst first, so that a reader of the list can see which of two is worse.
json status_table() {
  auto sorted = words::all<Status>();
  std::stable_sort(sorted.begin(), sorted.end(), worse);
  json table = json::array();
  for (const Status status : sorted)
    table.push_back({{"word", to_string(status)},
                     {"glyph", glyph_of(status)},
                     {"weight", to_string(weight_of(status))},
                     {"meaning", meaning_of(status)}});
  return table;
}

json of_record(const Judged& record) {
  json told = {{"cut_off", record.cut_off}, {"cells", record.cells.size()}, {"took", 0}};
  for (const Observation& line : record.observations) {
    if (line.kind != "header") continue;
    const json& machine = object_at(line.fields, "machine");
    told["version"] = text_at(line.fields, "version");
    told["argv"] = texts_at(line.fields, "argv");
    told["level"] = text_at(line.fields, "level");
    told["repeat"] = number_at(line.fields, "repeat");
    told["kernel"] = text_at(machine, "kernel");
    told["cpus"] = number_at(machine, "cpus");
    told["doors"] = object_at(machine, "doors");
    break;
  }
  told["took"] = record.took_ns;
  return told;
}

json of_column(const Column& column) {
  const json& facts = object_at(column.facts, "facts");
  const auto wait = facts.find("longest_wait_s");
  json words = json::array();
  for (const std::string& word : texts_at(column.facts, "command"))
    words.push_back(shortened(word, 300));
  return {{"label", column.label},
          {"name", column.pool},
          {"title", text_at(facts, "pool")},
          {"version", column.version},
          {"recovers", text_at(facts, "recovers")},
          {"capabilities", texts_at(facts, "capabilities")},
          {"longest_wait_s", wait == facts.end() || !wait->is_number() ? json() : *wait},
          {"longest_wait_source", shortened(text_at(facts, "longest_wait_source"), 400)},
          {"command", words},
          {"error", shortened(text_at(column.facts, "error"), 600)},
          {"unavailable", shortened(text_at(column.facts, "unavailable"), 600)},
          {"broken", column.pool.rfind("broken/", 0) == 0},
          {"records", column.records}};
}

using Lines = std::vector<const Observation*>;
using Attempts = std::map<std::pair<std::string, int>, Lines>;  // by run and attempt

class Cells {
 public:
  Cells(const std::vector<Judged>& records, const Look& look) : look_(look) {
    for (const Judged& record : records) {
      Attempts& lines = lines_.emplace_back();
      auto& points = points_.emplace_back();
      for (const Observation& line : record.observations) {
        if (line.attempt != 0) lines[{line.run, line.attempt}].push_back(&line);
        if (line.kind == "cell" && line.fields.contains("workload")) points[line.run] = &line;
      }
    }
  }

  json of(const Place& place) {
    const CellVerdict& cell = *place.cell;
    json told = {{"pool", place.column},
                 {"scenario", scenario(cell.scenario)},
                 {"record", place.record},
                 {"status", to_string(cell.status)},
                 {"rate", cell.rate},
                 {"why", shortened(cell.why, kEvidenceBytes)},
                 {"replay", replay_line(cell.pool, cell.scenario, look_)},
                 {"decides", decides(cell)}};
    const std::string run = cell.pool + ":" + cell.scenario;
    const auto point = points_[place.record].find(run);
    const bool is_point = point != points_[place.record].end();
    if (is_point) point_into(told, *point->second);
    json attempts = json::array();
    for (const AttemptVerdict& attempt : cell.attempts) {
      const Lines& lines = lines_[place.record][{run, attempt.attempt}];
      if (attempts.empty() && !(is_point && cell.status == Status::kPass)) plan_into(told, lines);
      attempts.push_back(of_attempt(
          attempt, lines, has_story(attempt, is_point) && attempts.size() < kStoriesOfACell));
    }
    told["attempts"] = std::move(attempts);
    return told;
  }

  json scenarios() const { return scenarios_; }

 private:
  static void point_into(json& cell, const Observation& line) {
    for (const char* word : {"workload", "phase", "role", "at", "moment", "effect"})
      cell["point"][word] = text_at(line.fields, word);
  }

  static std::size_t decides(const CellVerdict& cell) {
    for (std::size_t at = 0; at < cell.attempts.size(); ++at)
      if (cell.attempts[at].parts == cell.parts) return at;
    return 0;
  }

  // The claim is the same for every pool, and is in the plan of every attempt.
  std::size_t scenario(const std::string& name) {
    const auto [at, is_new] = at_.try_emplace(name, scenarios_.size());
    if (is_new) scenarios_.push_back({{"name", name}, {"claim", ""}});
    return at->second;
  }

  void plan_into(json& cell, const Lines& lines) {
    for (const Observation* line : lines) {
      if (line->kind != "plan") continue;
      const json& plan = object_at(line->fields, "plan");
      cell["script"] = script_of(plan);
      cell["promises"] = promises_of(plan);
      json& claim = scenarios_[cell["scenario"].get<std::size_t>()]["claim"];
      if (claim.get_ref<const std::string&>().empty())
        claim = shortened(text_at(plan, "claim"), kEvidenceBytes);
      return;
    }
  }

  static json of_attempt(const AttemptVerdict& attempt, const Lines& lines, bool in_full) {
    json told = attempt_json(attempt);
    for (json& part : told["parts"])
      for (const char* field : {"expected", "got"})
        part[field] = shortened(text_at(part, field), kEvidenceBytes);
    told["why"] = shortened(attempt.why, kEvidenceBytes);
    json evidence = json::array();
    for (const std::string& sentence : attempt.evidence)
      if (evidence.size() < kEvidenceLines) evidence.push_back(shortened(sentence, kEvidenceBytes));
    told["evidence"] = std::move(evidence);
    told["story"] = nullptr;
    if (in_full)
      told["story"] = attempt.status == Status::kPass ? story_of(lines, kOfAPass) : story_of(lines);
    return told;
  }

  const Look& look_;
  std::vector<Attempts> lines_;
  std::vector<std::map<std::string, const Observation*>>
      points_;  // of sweeps: `cell` lines, by run
  json scenarios_ = json::array();
  std::map<std::string, std::size_t> at_;
};

// Every string, wherever it is, and every key: text of a pool is data, and its hidden characters
// are made visible.
void make_harmless(json& value) {
  if (value.is_string()) {
    value = escaped(value.get_ref<const std::string&>());
  } else if (value.is_array()) {
    for (json& item : value) make_harmless(item);
  } else if (value.is_object()) {
    json harmless = json::object();
    for (auto& [key, item] : value.items()) {
      make_harmless(item);
      harmless[escaped(key)] = std::move(item);
    }
    value = std::move(harmless);
  }
}

}  // namespace

bool has_story(const AttemptVerdict& attempt, bool is_point) {
  return !is_point || attempt.status != Status::kPass;
}

json page_data(const std::vector<Judged>& records, const Look& look) {
  const Placed all = placed(records);
  Cells cells(records, look);
  json data = {{"statuses", status_table()},
               {"levels", json(std::vector(words::kLevels.rbegin(), words::kLevels.rend()))},
               {"records", json::array()},
               {"pools", json::array()},
               {"cells", json::array()}};
  for (const Judged& record : records) data["records"].push_back(of_record(record));
  for (const Column& column : all.columns) data["pools"].push_back(of_column(column));
  for (const Place& place : all.places) data["cells"].push_back(cells.of(place));
  data["scenarios"] = cells.scenarios();
  make_harmless(data);
  return data;
}

}  // namespace poolproof::reports
