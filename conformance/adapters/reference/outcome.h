// How the executor's errors are reported in the terms of the adapter protocol.
#pragma once

#include <exception>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "poolproof/error.h"

namespace poolproof::adapter {

// `id` is the harness's name for the task whose future ended with `error`; `task` is the executor's
// number for it.
nlohmann::json outcome_of(std::exception_ptr error, const std::string& id, TaskId task);

}  // namespace poolproof::adapter
