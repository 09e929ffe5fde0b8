// report.html: one self-contained page for offline use, with everything from the records and the
// verdicts.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "reports/console.h"
#include "reports/placed.h"

namespace poolproof::reports {

// The page. It loads nothing. Its data are in one `application/json` block, in which every `<` is
// escaped, so that nothing can end the block. `look` says how the replay lines call the command.
std::string html(const std::vector<Judged>& records, const Look& look);

// How many attempts of a cell the page shows in full (of --repeat 1000, for example).
inline constexpr std::size_t kStoriesOfACell = 6;

// Whether the page needs all lines of this attempt, and not only its plan. No reader needs the
// story of each of some hundred points of a sweep that passed.
bool has_story(const conformance::AttemptVerdict& attempt, bool is_point);

// The data of that block: {statuses, records, pools, scenarios, cells}. Every string in it is
// `escaped`, and its size is limited whatever a pool sent.
nlohmann::json page_data(const std::vector<Judged>& records, const Look& look);

}  // namespace poolproof::reports
