#include "reports/html.h"

#include <stdexcept>

#include "reports/page_text.h"

namespace poolproof::reports {
namespace {

void put(std::string& page, const std::string& mark, const std::string& text) {
  const std::size_t at = page.find(mark);
  if (at == std::string::npos) throw std::logic_error("the page has no place for " + mark);
  page.replace(at, mark.size(), text);
}

// In JSON, `<` occurs only inside strings, where this escape means the same character but cannot
// end an element.
std::string without_tags(const std::string& json) {
  std::string safe;
  safe.reserve(json.size());
  for (const char c : json) {
    if (c == '<') {
      safe += "\\u003c";
    } else {
      safe += c;
    }
  }
  return safe;
}

}  // namespace

std::string html(const std::vector<Judged>& records, const Look& look) {
  const nlohmann::json data = page_data(records, look);
  std::string page(page_text::kTemplate);
  // The data come last, so that no mark is searched in the text of a pool.
  put(page, "/*STYLE*/", std::string(page_text::kStyle));
  put(page, "/*SCRIPT*/", std::string(page_text::kScript));
  put(page, "/*DATA*/",
      without_tags(data.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
  return page;
}

}  // namespace poolproof::reports
