// How the executor's errors read in the words of the adapter protocol.
#pragma once

#include <exception>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "poolproof/error.h"

namespace poolproof::adapter {

// `id` is what the harness calls the task whose future ended so, `task` what the executor calls it.
nlohmann::json outcome_of(std::exception_ptr error, const std::string& id, TaskId task);

}  // namespace poolproof::adapter
