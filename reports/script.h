// A recorded plan in words: what is done to the pool, step by step, and what it is held to.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace poolproof::reports {

// One sentence for each step of the plan. A step of a kind that is not known here (a newer record)
// is called by its word.
std::vector<std::string> script_of(const nlohmann::json& plan);

// What each part is held to, by the part's name ("victim.outcome": "worker-lost or pool-broken").
std::map<std::string, std::string> promises_of(const nlohmann::json& plan);

// "kill its process (SIGKILL)"; the effect's own word where there is no sentence for it.
std::string deed_of(const std::string& effect);

}  // namespace poolproof::reports
