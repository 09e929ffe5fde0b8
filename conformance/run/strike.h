// How a planned fault strikes: which process, through which door, in which order, and what is
// awaited as its receipt. The judge decides whether the receipt counts (receipts.h).
#pragma once

#include "conformance/run/progress.h"

namespace poolproof::conformance {

// Holds the fault's role at its point, strikes, and waits for the receipt (or gives up). Then it
// lets those bystanders continue that no later fault needs. Throws Stuck, AttemptOver.
void strike(Progress& progress, const scenarios::Step& step);

}  // namespace poolproof::conformance
