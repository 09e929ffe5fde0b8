// The hand-written page of reports/page/, as text inside the library: page/embed.cmake writes it.
#pragma once

#include <string_view>

namespace poolproof::reports::page_text {

extern const std::string_view kTemplate;  // with the marks /*STYLE*/, /*SCRIPT*/ and /*DATA*/
extern const std::string_view kStyle;
extern const std::string_view kScript;  // all scripts, one after the other

}  // namespace poolproof::reports::page_text
