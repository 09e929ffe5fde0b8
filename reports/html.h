// report.html: one self-contained page for offline use, with everything from the records and the
// verdicts.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "reports/console.h"
#include "reports/placed.h"

namespace poolproof::reports {

// The page. It loads nothing. Its data are in one `application/json` block, in which every `<` is
// escaped, so that nothing can end the block. `look` says how the replay lines call the command.
std::string html(const std::vector<Judged>& records, const Look& look);

// The data of that block: {statuses, records, pools, scenarios, cells}. Every string in it is
// `escaped`, and its size is limited whatever a pool sent.
nlohmann::json page_data(const std::vector<Judged>& records, const Look& look);

}  // namespace poolproof::reports
