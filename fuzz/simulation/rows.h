// Counts from outside which rows of the life-cycle table have been taken: the linker puts this
// folder's row_for before the product's (-Wl,--wrap). The product has no hook.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "executor/supervise/lifecycle.h"

namespace poolproof::simulation {

// How often each row was taken in this process, in the order of all_rows().
using RowCounts = std::array<std::uint64_t, supervise::kStates * supervise::kEvents>;
const RowCounts& row_counts();

// Why this row can never be taken; null: it can.
const char* why_unreachable(const supervise::Row& row);

std::string in_words(const supervise::Row& row);  // "busy, on reply"

}  // namespace poolproof::simulation
