#include "fuzz/inputs/xml_shape.h"

#include <algorithm>
#include <array>
#include <set>
#include <vector>

namespace poolproof::fuzz {
namespace {

using std::string_view;

constexpr string_view kHead = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
constexpr string_view kSpace = " \t\n";
constexpr string_view kLetters = "abcdefghijklmnopqrstuvwxyz-";
constexpr std::array<string_view, 7> kEntities = {"amp;",  "lt;",  "gt;", "quot;",
                                                  "apos;", "#10;", "#9;"};

class Reader {
 public:
  explicit Reader(string_view text) : rest_(text), size_(text.size()) {}

  std::string whole() {
    if (!take(kHead)) return at("no XML declaration");
    do {
      if (std::string wrong = rest_.starts_with('<') ? tag() : text(); !wrong.empty()) return wrong;
    } while (!open_.empty());
    rest_.remove_prefix(std::min(rest_.find_first_not_of(kSpace), rest_.size()));
    return rest_.empty() ? "" : at("something follows the root");
  }

 private:
  std::string at(const std::string& what) const {
    return what + " at byte " + std::to_string(size_ - rest_.size());
  }
  bool take(string_view expected) {
    if (!rest_.starts_with(expected)) return false;
    rest_.remove_prefix(expected.size());
    return true;
  }
  string_view name() {
    const string_view found = rest_.substr(0, rest_.find_first_not_of(kLetters));
    rest_.remove_prefix(found.size());
    return found;
  }

  // Up to a `<`, or to the quote of an attribute.
  std::string text(string_view until = "<") {
    while (!rest_.empty() && until.find(rest_.front()) == string_view::npos) {
      const auto c = static_cast<unsigned char>(rest_.front());
      if (c < 0x20 && kSpace.find(rest_.front()) == string_view::npos) return at("a control");
      if (rest_.starts_with("\xef\xbf\xbe") || rest_.starts_with("\xef\xbf\xbf"))
        return at("no character of XML");
      if (rest_.starts_with("]]>")) return at("]]>");
      rest_.remove_prefix(1);
      if (c == '&' && std::none_of(kEntities.begin(), kEntities.end(),
                                   [&](string_view entity) { return take(entity); }))
        return at("an unknown entity");
    }
    return rest_.empty() ? at("the end comes inside an element") : "";
  }

  std::string attributes() {
    std::set<string_view> seen;
    while (take(" ")) {
      const string_view attribute = name();
      if (attribute.empty() || !take("=\"")) return at("no attribute");
      if (!seen.insert(attribute).second) return at("an attribute is given twice");
      if (std::string wrong = text("\"<"); !wrong.empty()) return wrong;
      if (!take("\"")) return at("a `<` in an attribute");
    }
    return "";
  }

  std::string tag() {
    const bool closes = take("</");
    if (!closes) take("<");
    const string_view element = name();
    if (element.empty()) return at("no name of an element");
    if (closes) {
      if (open_.empty() || open_.back() != element) return at("an element that is not open ends");
      open_.pop_back();
      return take(">") ? "" : at("an end tag does not end");
    }
    if (std::string wrong = attributes(); !wrong.empty()) return wrong;
    if (take("/>")) return "";
    if (!take(">")) return at("a tag does not end");
    open_.push_back(element);
    return "";
  }

  string_view rest_;
  std::size_t size_;
  std::vector<string_view> open_;
};

}  // namespace

std::string wrong_in_xml(string_view text) { return Reader(text).whole(); }

}  // namespace poolproof::fuzz
