// A recorded plan as sentences: what is done to the pool, step by step, and what is expected of it.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace poolproof::reports {

// One sentence for each step of the plan. A step of an unknown kind (a newer record) is named by
// its word.
std::vector<std::string> script_of(const nlohmann::json& plan);

// What is expected of each part, by the part's name ("victim.outcome": "worker-lost or
// pool-broken").
std::map<std::string, std::string> promises_of(const nlohmann::json& plan);

// "kill its process (SIGKILL)"; the effect's own word if there is no sentence for it.
std::string deed_of(const std::string& effect);

}  // namespace poolproof::reports
