// report.html: one self-contained page, offline, of everything that records hold and verdicts say.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "reports/console.h"
#include "reports/placed.h"

namespace poolproof::reports {

// The page. It loads nothing; its data stand in one `application/json` block, in which no `<` is
// left that could end it. `look` tells how the replay lines call us.
std::string html(const std::vector<Judged>& records, const Look& look);

// The data of that block: {statuses, records, pools, scenarios, cells}. Every string in it is
// `escaped`, and its size is bounded whatever a pool sent.
nlohmann::json page_data(const std::vector<Judged>& records, const Look& look);

}  // namespace poolproof::reports
