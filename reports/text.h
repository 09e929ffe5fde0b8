// Text in columns: its width on a terminal, how it is broken into lines, how it is made harmless.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace poolproof::reports {

// Everything except printable UTF-8, newline and tab becomes \xNN (a byte that is not UTF-8, a
// control character) or \u{NN} (a character that is invisible or changes the direction of the
// line).
std::string escaped(std::string_view text);

// The columns that an escaped `text` takes: 2 for East Asian wide characters, 0 for combining
// marks.
int width_of(std::string_view text);

std::string padded(std::string_view text, int columns);  // with spaces, to at least `columns`
std::string cut_to(std::string_view text, int columns);  // ends in "…" if it had to be cut

// `text`, escaped, as lines of at most `columns`. Broken at spaces, otherwise anywhere. A newline
// in the text begins a new line, and a tab becomes one space. Never empty.
std::vector<std::string> wrapped(std::string_view text, int columns);

// A name, broken after '_', '/' or '-' if possible.
std::vector<std::string> wrapped_name(std::string_view name, int columns);

}  // namespace poolproof::reports
