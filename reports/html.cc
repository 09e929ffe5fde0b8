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

// JSON has `<` only inside strings, where this is the same character, and can end no element.
std::string without_tags(const std::string& text) {
  std::string safe;
  safe.reserve(text.size());
  for (const char c : text) {
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
