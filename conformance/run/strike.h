// How a planned fault strikes: who is struck, by which door, in which order, and what is awaited as
// its receipt. Whether the receipt counts is for the judge to say (receipts.h).
#pragma once

#include "conformance/run/progress.h"

namespace poolproof::conformance {

// Holds the fault's role at its point, strikes, awaits the receipt (or gives it up), and lets the
// bystanders go on that no later fault needs. Throws Stuck, AttemptOver.
void strike(Progress& progress, const scenarios::Step& step);

}  // namespace poolproof::conformance
