// Text in columns: how wide it is on a terminal, how it breaks over lines, how it is made harmless.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace poolproof::reports {

// Everything except printable UTF-8, newline and tab becomes \xNN (a byte that is no UTF-8, a
// control character) or \u{NN} (a character that shows nothing or turns the line's direction).
std::string escaped(std::string_view text);

// Columns that `text` takes, of escaped text: 2 for East Asian wide characters, 0 for combining
// marks.
int width_of(std::string_view text);

std::string padded(std::string_view text, int columns);  // with spaces, to at least `columns`
std::string cut_to(std::string_view text, int columns);  // ends in "…" if it had to be cut

// `text`, escaped, as lines of at most `columns`: broken at spaces, else anywhere; a newline of its
// own begins a new line, and a tab is one space. Never empty.
std::vector<std::string> wrapped(std::string_view text, int columns);

// A name broken after '_', '/' or '-' where it can be.
std::vector<std::string> wrapped_name(std::string_view name, int columns);

}  // namespace poolproof::reports
