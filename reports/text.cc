#include "reports/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace poolproof::reports {
namespace {

struct Range {
  std::uint32_t first, last;
};

// Characters that a reader cannot see, or that change the order of what the reader sees.
constexpr std::array<Range, 14> kInvisible = {{{0x80, 0x9f},      // C1 controls
                                               {0xad, 0xad},      // soft hyphen
                                               {0x34f, 0x34f},    // grapheme joiner
                                               {0x61c, 0x61c},    // Arabic letter mark
                                               {0x115f, 0x1160},  // Hangul fillers
                                               {0x180b, 0x180e},  // Mongolian selectors
                                               {0x200b, 0x200f},  // zero width, direction marks
                                               {0x2028, 0x202e},  // separators, embeddings
                                               {0x2060, 0x206f},  // joiners, isolates
                                               {0xe000, 0xf8ff},  // private use
                                               {0xfe00, 0xfe0f},  // variation selectors
                                               {0xfeff, 0xfeff},  // byte order mark
                                               {0xfff0, 0xfffb},  // specials
                                               {0xe0000, 0x10ffff}}};  // tags, planes without use
constexpr std::array<Range, 4> kNoWidth = {
    {{0x300, 0x36f}, {0x1ab0, 0x1aff}, {0x20d0, 0x20ff}, {0xfe20, 0xfe2f}}};
constexpr std::array<Range, 8> kWide = {{{0x1100, 0x115e},
                                         {0x2e80, 0xa4cf},
                                         {0xac00, 0xd7a3},
                                         {0xf900, 0xfaff},
                                         {0xfe30, 0xfe6f},
                                         {0xff00, 0xff60},
                                         {0x1f300, 0x1faff},
                                         {0x20000, 0x3fffd}}};

template <std::size_t N>
bool in(const std::array<Range, N>& ranges, std::uint32_t c) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [c](const Range& range) { return range.first <= c && c <= range.last; });
}

struct Character {
  std::uint32_t code = 0;
  std::size_t bytes = 0;
};

// The character at the front, if it is well-formed UTF-8: shortest form, no surrogate.
std::optional<Character> decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return Character{lead, 1};
  const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes) return std::nullopt;
  std::uint32_t code = lead & (0xffu >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return std::nullopt;
    code = code << 6 | (byte(i) & 0x3f);
  }
  constexpr std::array<std::uint32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < kSmallest[bytes] || code > 0x10ffff || surrogate) return std::nullopt;
  return Character{code, bytes};
}

int columns_of(std::uint32_t c) { return in(kNoWidth, c) ? 0 : in(kWide, c) ? 2 : 1; }

// How many bytes of `text` fit into `columns`.
std::size_t fitting(std::string_view text, int columns) {
  std::size_t at = 0;
  for (int used = 0; at < text.size();) {
    const Character c = decode(text.substr(at)).value_or(Character{'?', 1});
    used += columns_of(c.code);
    if (used > columns) break;
    at += c.bytes;
  }
  return at;
}

// Where to break a line that is too long: after the last of `breaks` that fits, otherwise where the
// line is full (which may be just before such a character). At least one character, so that the
// loop ends.
std::size_t break_point(std::string_view text, int columns, std::string_view breaks) {
  const std::size_t full = std::max<std::size_t>(fitting(text, columns), 1);
  if (full >= text.size()) return text.size();
  const std::size_t at = text.substr(0, full + (breaks == " " ? 1 : 0)).find_last_of(breaks);
  if (at != std::string_view::npos && at > 0) return at + 1;
  return full;
}

void break_into(std::string_view text, int columns, std::string_view breaks,
                std::vector<std::string>& lines) {
  do {
    const std::size_t end = break_point(text, columns, breaks);
    std::string_view line = text.substr(0, end);
    while (!line.empty() && line.back() == ' ') line.remove_suffix(1);
    lines.emplace_back(line);
    text.remove_prefix(end);
  } while (!text.empty());
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string safe;
  while (!text.empty()) {
    const auto c = decode(text);
    const auto byte = static_cast<unsigned char>(text.front());
    const bool control = c && (c->code < 0x20 || c->code == 0x7f) && byte != '\n' && byte != '\t';
    if (!c || control) {
      safe += fmt::format("\\x{:02x}", byte);
    } else if (c->code >= kInvisible.front().first && in(kInvisible, c->code)) {
      safe += fmt::format("\\u{{{:x}}}", c->code);
    } else {
      safe += text.substr(0, c->bytes);
    }
    text.remove_prefix(c ? c->bytes : 1);
  }
  return safe;
}

int width_of(std::string_view text) {
  int width = 0;
  while (!text.empty()) {
    const Character c = decode(text).value_or(Character{'?', 1});
    width += columns_of(c.code);
    text.remove_prefix(c.bytes);
  }
  return width;
}

std::string padded(std::string_view text, int columns) {
  const int missing = std::max(0, columns - width_of(text));
  return std::string(text) + std::string(static_cast<std::size_t>(missing), ' ');
}

std::string cut_to(std::string_view text, int columns) {
  if (width_of(text) <= columns) return std::string(text);
  return std::string(text.substr(0, fitting(text, columns - 1))) + "…";
}

std::vector<std::string> wrapped(std::string_view text, int columns) {
  std::string safe = escaped(text);
  std::replace(safe.begin(), safe.end(), '\t', ' ');
  std::vector<std::string> lines;
  for (std::size_t at = 0; at <= safe.size();) {
    const std::size_t end = std::min(safe.find('\n', at), safe.size());
    break_into(std::string_view(safe).substr(at, end - at), columns, " ", lines);
    at = end + 1;
  }
  return lines;
}

std::vector<std::string> wrapped_name(std::string_view name, int columns) {
  std::string safe = escaped(name);
  std::replace_if(
      safe.begin(), safe.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
  std::vector<std::string> lines;
  break_into(safe, columns, "_/-@ ", lines);
  return lines;
}

}  // namespace poolproof::reports
