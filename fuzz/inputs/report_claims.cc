#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "conformance/judge/oracle.h"
#include "conformance/record/record.h"
#include "executor/check.h"
#include "fuzz/inputs/claims.h"
#include "fuzz/inputs/record_input.h"
#include "fuzz/inputs/xml_shape.h"
#include "reports/console.h"
#include "reports/html.h"
#include "reports/json.h"
#include "reports/junit.h"
#include "reports/placed.h"

namespace poolproof::fuzz {
namespace {

using namespace reports;  // NOLINT: they are all that this file is about
using nlohmann::json;

Judged judged(const std::string& text) {
  const MemoryFile file(text);
  Judged record;
  try {
    record.cut_off = conformance::for_each_line(file.path(), [&](conformance::Observation line) {
      record.took_ns = line.t_ns;
      record.observations.push_back(std::move(line));
    });
  } catch (const conformance::RecordError&) {  // what stands before the damage is shown
  }
  record.cells = conformance::judge_record(record.observations);
  return record;
}

// Nothing hidden reaches a reader: no control character, no byte that is not UTF-8.
void shows_everything(const json& value) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    POOLPROOF_CHECK(escaped(text) == text, "the page has a hidden character");
  }
  for (const auto& [key, item] : value.items()) {
    if (value.is_object())
      POOLPROOF_CHECK(escaped(key) == key, "a key of the page has a hidden character");
    if (value.is_structured()) shows_everything(item);
  }
}

std::size_t count(const std::string& text, std::string_view piece) {
  std::size_t found = 0;
  for (std::size_t at = text.find(piece); at != std::string::npos; at = text.find(piece, at + 1))
    ++found;
  return found;
}

void page_is_safe(const std::vector<Judged>& records, const Look& look) {
  constexpr std::string_view kData = "<script type=\"application/json\" id=\"data\">";
  static const std::size_t kTags = count(html({}, look), "<");
  const std::string page = html(records, look);
  POOLPROOF_CHECK(count(page, "<") == kTags, "data makes an element of the page, or ends one");
  const std::size_t from = page.find(kData) + kData.size();
  const std::string block = page.substr(from, page.find("</script", from) - from);
  const json data = json::parse(block, nullptr, false);
  POOLPROOF_CHECK(data.is_object(), "the data of the page are no JSON");
  shows_everything(data);
}

void terminal_is_safe(const std::vector<conformance::CellVerdict>& cells, Look look) {
  for (const int columns : {1, 80}) {
    look.columns = columns;
    std::string shown = matrix(cells, look);
    for (const conformance::CellVerdict& cell : cells) {
      shown += surprise(cell, look);
      shown += progress(1, 2, cell.pool, cell.scenario, 3, look);
    }
    POOLPROOF_CHECK(escaped(shown) == shown, "the terminal is sent a hidden character");
    POOLPROOF_CHECK(shown.find('\t') == std::string::npos, "the terminal is sent a tab");
  }
}

}  // namespace

void claims_of_reports_hold(Input input) {
  const Judged record = judged(record_of(input));
  // Sometimes twice: then cells of one name take a second column.
  const std::vector<Judged> records(1 + record.observations.size() % 2, record);
  const Look look;
  page_is_safe(records, look);
  const std::string wrong = wrong_in_xml(junit(records, scenarios::Level::kShould, look));
  POOLPROOF_CHECK(wrong.empty(), wrong.c_str());
  terminal_is_safe(records.front().cells, look);
  POOLPROOF_CHECK(to_json(records.front().cells).size() == records.front().cells.size(),
                  "machines are told other cells");
}

}  // namespace poolproof::fuzz
