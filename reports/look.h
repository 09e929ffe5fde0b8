// How a status looks on a terminal: a glyph and a colour, never only a colour.
#pragma once

#include <string>
#include <string_view>

#include "conformance/judge/verdict.h"
#include "reports/console.h"

namespace poolproof::reports {

std::string_view glyph_of(conformance::Status status);
std::string labelled(conformance::Status status);    // "✗ hang-quiet"
std::string meaning_of(conformance::Status status);  // one clause, for the legend

// `text` in the colour of this status, if the look has colours.
std::string painted(std::string_view text, conformance::Status status, const Look& look);
std::string dimmed(std::string_view text, const Look& look);
std::string bold(std::string_view text, const Look& look);

}  // namespace poolproof::reports
