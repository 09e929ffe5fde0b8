// Is a text well-formed XML 1.0, as far as reports write it: elements, attributes, text, and the
// five named entities or numbers; no comment, no CDATA, no DOCTYPE?
#pragma once

#include <string>
#include <string_view>

namespace poolproof::fuzz {

// What is wrong, and at which byte; empty if it is well-formed.
std::string wrong_in_xml(std::string_view text);

}  // namespace poolproof::fuzz
